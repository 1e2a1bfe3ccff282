"""Networks whose shapes are computed, from files that coremltools' builder writes."""

import numpy as np
import pytest

from mobilezoo.errors import CoreMLFileError, UnsupportedOpError
from mobilezoo.runtime import load_coreml
from mobilezoo.runtime.demand import has_computed_sizes

from .conftest import builder

X = np.arange(24.0, dtype=np.float32).reshape(2, 3, 4)


def numbers(made, name, *values):
    data = np.float32(values)
    made.add_load_constant_nd(name, name, data, data.shape)


def flattened_by_its_own_shape(made):
    """x (2, 3, 4) -> (2, 12), as TensorFlow's and PyTorch's networks write it."""
    made.add_get_shape("shape", "x", "shape")
    made.add_slice_static("first", "shape", "first", [0], [1], [1], [False], [False])
    made.add_slice_static("others", "shape", "others", [1], [3], [1], [False], [False])
    made.add_reduce_prod("rest", "others", "rest", [0], keepdims=True)
    made.add_concat_nd("target", ["first", "rest"], "target", 0)
    made.add_reshape_dynamic("flat", ["x", "target"], "flat")


def exact(shape=X.shape):
    return builder({"x": shape}, {"y": None}, disable_rank5_shape_mapping=True)


def test_layers_after_a_computed_shape_know_it(open_network):
    made = exact()
    flattened_by_its_own_shape(made)
    weights = np.eye(5, 12, 3, dtype=np.float32)
    made.add_inner_product("y", weights, None, 12, 5, False, "flat", "y")
    program = open_network(made)

    y = program.predict({"x": X})["y"]
    several = program.predict({"x": np.stack([X, X + 1])})["y"]

    np.testing.assert_array_equal(y, X.reshape(2, 12)[:, 3:8])
    np.testing.assert_array_equal(several, np.stack([y, y + 1]))
    assert program.op_types()["reshapeDynamic"] == 1


def test_sizes_are_multiplied_before_they_are_a_shape(open_network):
    made = exact()
    made.add_get_shape("shape", "x", "shape")
    made.add_reduce_prod("count", "shape", "count", [0], keepdims=True)
    made.add_fill_dynamic("ones", "count", "ones", 1.0)
    made.add_get_shape("size", "ones", "size")
    made.add_range_dynamic("range", ["size"], "range", 1, 2)
    made.add_broadcast_to_dynamic("y", ["range", "target"], "y")
    numbers(made, "target", 2, 12)
    layers = made.spec.neuralNetwork.layers
    layers.insert(0, layers.pop())  # the constant before its reader

    y = open_network(made).predict({"x": X})["y"]

    np.testing.assert_array_equal(y, [np.arange(1, 24, 2)] * 2)


def test_how_many_are_chosen_may_be_computed_from_a_shape(open_network):
    made = exact()
    made.add_get_shape("shape", "x", "shape")
    made.add_reduce_mean("mean", "shape", "mean", [0], keepdims=True)  # 3
    made.add_elementwise("less", ["mean"], "less", "ADD", -1.0)
    made.add_topk("y", ["x", "less"], ["y", "places"], 0, 2)

    y = open_network(made).predict({"x": X})["y"]

    np.testing.assert_array_equal(y, X[..., :1:-1])


def test_places_may_depend_on_the_values_of_inputs(open_network):
    made = builder({"x": X.shape, "begin": (3,)}, {"y": None}, disable_rank5_shape_mapping=True)
    made.add_slice_dynamic(
        "part", ["x", "begin"], "part", [2, 3, 4], [1, 1, 1], end_masks=[True, False, False]
    )
    made.add_where_nonzero("y", "part", "y")
    program = open_network(made)

    y = program.predict({"x": X % 5, "begin": np.array([1, 0, 2])})["y"]

    # x[1:, :, 2:] % 5 is [[4, 0], [3, 4], [2, 3]]
    np.testing.assert_array_equal(y, [[0, 0, 0], [0, 1, 0], [0, 1, 1], [0, 2, 0], [0, 2, 1]])


def test_what_makes_sizes_of_numbers_is_known_to_the_check_of_sizes(open_network):
    def computed(*add):
        made = builder({"x": (2, 3), "n": (2,)}, {"y": None}, disable_rank5_shape_mapping=True)
        name, *arguments = add
        getattr(made, name)("y", *arguments)
        return has_computed_sizes(open_network(made)._block)

    assert computed("add_where_nonzero", "x", "y")
    assert computed("add_tile", ["x", "n"], "y", [])
    assert computed("add_range_dynamic", ["n"], "y")
    assert not computed("add_tile", "x", "y", [2, 2])


def test_boxes_and_masks_of_a_slice_may_be_constants_of_the_network(open_network):
    made = exact()
    for name, values in (
        ("begin", (0, 1, 0)), ("end", (9, 3, 9)), ("stride", (1, 1, 3)), ("free", (0, 0, 1)),
        ("squeeze", (1, 0, 0)),
    ):  # fmt: skip
        numbers(made, name, *values)
    inputs = ["x", "begin", "end", "stride", "free", "free", "squeeze"]
    made.add_slice_dynamic("y", inputs, "y")

    y = open_network(made).predict({"x": X})["y"]

    np.testing.assert_array_equal(y, X[0, 1:3, ::3])


ROWS = np.float32([[1, 2, 3, 4], [5, 6, 7, 8]])
SECOND = {
    "topK": (lambda b: b.add_topk("y", ["x", "n"], ["y", "at"], 1, 1), (2,), [[4, 3], [8, 7]]),
    "tile": (lambda b: b.add_tile("y", ["x", "n"], "y"), (1, 2), np.tile(ROWS, (1, 2))),
    "cumSum": (lambda b: b.add_cumsum("y", ["x", "n"], "y", 1), (0,), np.cumsum(ROWS, 0)),
    "oneHot": (
        lambda b: b.add_one_hot("y", ["x", "n"], "y", 3, 0), (2,),
        [np.zeros((2, 4)), ROWS == 1],
    ),
    "constantPad": (
        lambda b: b.add_constant_pad("y", ["x", "n"], "y", 9.0), (0, 1, 0, 0),
        [*ROWS, [9] * 4],
    ),
    "sliceBySize": (lambda b: b.add_slice_by_size("y", ["x", "n"], "y", 1, 2), (1,), ROWS[:, 1:3]),
    "reverseSeq": (
        lambda b: b.add_reverse_sequence("y", ["x", "n"], "y", 0, 1), (3, 1),
        [[3, 2, 1, 4], [5, 6, 7, 8]],
    ),
    "scatterND": (
        lambda b: b.add_scatter_nd("y", ["x", "places", "n"], "y", "MAX"), (9, 0),
        [[1, 2, 3, 9], [5, 6, 7, 8]],
    ),
    "scatter": (
        lambda b: b.add_scatter("y", ["n", "at", "n"], "y", -1, "MUL"), (9, 3), [9, 3 * 9 * 3],
    ),
    "slidingWindows": (
        lambda b: b.add_sliding_windows("y", "n", "y", 0, 2, 1), (9, 3, 5), [[9, 3], [3, 5]],
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", SECOND)
def test_inputs_and_parameters_reach_the_layer(open_network, kind):
    add, values, expected = SECOND[kind]
    made = exact(ROWS.shape)
    numbers(made, "n", *values)
    numbers(made, "places", *((0, 3), (1, 0)))
    numbers(made, "at", 1, 1)
    if kind == "topK":
        del made.spec.neuralNetwork.layers[2]
    add(made)

    y = open_network(made).predict({"x": ROWS})["y"]

    np.testing.assert_array_equal(y, expected)


def test_a_shape_that_does_not_fit_is_named(open_network):
    made = exact()
    numbers(made, "target", 5, 5)
    made.add_reshape_dynamic("y", ["x", "target"], "y")
    program = open_network(made)

    with pytest.raises(CoreMLFileError, match="reshapeDynamic 'y' cannot be computed"):
        program.predict({"x": X})


def test_a_shape_that_nothing_could_hold_is_refused(open_network):
    made = exact()
    numbers(made, "target", 60000, 60000)
    made.add_fill_dynamic("y", "target", "y")

    with pytest.raises(CoreMLFileError, match=r"at most \d+ are supported"):
        open_network(made).predict({"x": X})


def test_a_rank_that_depends_on_the_values_of_inputs_is_refused(open_network):
    made = exact((1,))
    made.add_range_dynamic("shape", ["x"], "shape", 0, 1)
    made.add_fill_dynamic("y", "shape", "y")

    with pytest.raises(UnsupportedOpError, match="fillDynamic 'y': a number of axes that depends"):
        open_network(made).predict({"x": np.float32([3])})


@pytest.mark.parametrize("shape", [[3], [1, 1, 3, 1]])
def test_a_constant_of_rank_5_is_a_picture(save_network, shape):
    made = builder({"x": (3,)}, {"y": None})
    made.add_load_constant("y", "y", np.ones(3), (3, 1, 1))
    layer = made.spec.neuralNetwork.layers[0].loadConstant
    layer.ClearField("shape")
    layer.shape.extend(shape)

    with pytest.raises(CoreMLFileError, match=r"\[C, H, W\] is required"):
        load_coreml(save_network(made))
