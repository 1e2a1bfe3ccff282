"""Several examples at once give what each gives alone, proven or not."""

import numpy as np
import pytest

from .conftest import builder

RNG = np.random.default_rng(8)
ROW = RNG.normal(size=(1, 3)).astype(np.float32)


def constant(made, data=ROW):
    made.add_load_constant_nd("c", "c", data, data.shape)


def joined(made, axis):
    constant(made)
    made.add_concat_nd("y", ["x", "c"], "y", axis)


def moved(made):
    made.add_transpose("t", [1, 0], "x", "t")
    made.add_softmax_nd("y", "t", "y", 0)


def with_row(made):
    constant(made, ROW[0])
    made.add_add_broadcastable("y", ["x", "c"], "y")


def shifted_rank(made):
    made.add_expand_dims("e", "x", "e", [0])
    made.add_multiply_broadcastable("y", ["e", "x"], "y")


def attention(made):
    """Tokens (1, 4, 6) that look at each other."""
    made.add_batched_mat_mul("qk", ["x", "x"], "qk", transpose_b=True)
    made.add_softmax_nd("p", "qk", "p", -1)
    made.add_batched_mat_mul("o", ["p", "x"], "o")
    made.add_reshape_static("r", "o", "r", [1, -1, 3])
    made.add_slice_static("y", "r", "y", [0, 1, 0], [1, 9, 3], [1, 2, 1], [False, False, False],
                          [False, True, False])  # fmt: skip


def computed(made, name, numbers):
    data = np.float32(numbers)
    made.add_load_constant_nd(name, name, data, data.shape)


def scattered(made):
    computed(made, "places", [2, 0, 1])
    made.add_scatter("y", ["x", "places", "x"], "y", 1, "ADD")


def scattered_over_examples(made):
    computed(made, "places", [0])
    made.add_scatter("y", ["x", "places", "x"], "y", 0, "ADD")


def scattered_by_own_places(made):
    made.add_argsort("places", "x", "places", 1)
    made.add_scatter_along_axis("y", ["x", "places", "x"], "y", 1, "SUB")


def reversed_rows(made, batch_axis):
    computed(made, "lengths", [2, 1] if batch_axis else [2])
    made.add_reverse_sequence("y", ["x", "lengths"], "y", batch_axis, 2)


def sliced_by_size(made):
    computed(made, "begin", [1])
    made.add_slice_by_size("y", ["x", "begin"], "y", 1, 2)


def summed_along(made, axis):
    computed(made, "axis", [axis])
    made.add_cumsum("y", ["x", "axis"], "y", 1)


def overwritten(made):
    """y is x, then a constant row that has no axis of examples."""
    made.add_copy("first", "x", "y")
    computed(made, "c", ROW)
    made.add_copy("second", "c", "y")


PROVABLE = {
    "softmax": ((1, 3), lambda b: b.add_softmax_nd("y", "x", "y", 1)),
    "mean": ((1, 3, 2), lambda b: b.add_reduce_mean("y", "x", "y", [2], keepdims=False)),
    "joined with itself": ((1, 3), lambda b: b.add_concat_nd("y", ["x", "x"], "y", 1)),
    "reshaped": ((1, 6), lambda b: b.add_reshape_static("y", "x", "y", [1, 2, -1])),
    "reshaped, same rank": (
        (1, 6), lambda b: b.add_rank_preserving_reshape("y", "x", "y", [1, -1]),
    ),
    "flattened": ((1, 3, 2), lambda b: b.add_flatten_to_2d("y", "x", "y", 1)),
    "transposed": ((1, 3, 2), lambda b: b.add_transpose("y", [0, 2, 1], "x", "y")),
    "squeezed": ((1, 3, 1), lambda b: b.add_squeeze("y", "x", "y", [2])),
    "expanded": ((1, 3), lambda b: b.add_expand_dims("y", "x", "y", [1])),
    "stacked": ((1, 3), lambda b: b.add_stack("y", ["x", "x"], "y", 1)),
    "largest": ((1, 3), lambda b: b.add_argmax("y", "x", "y", 1)),
    "with a row": ((1, 3), with_row),
    "attention": ((1, 4, 6), attention),
    "scattered": ((1, 3), scattered),
    "scattered by places of its own": ((1, 3), scattered_by_own_places),
    "sequences reversed": ((1, 2, 3), lambda b: reversed_rows(b, 1)),
    "sliced by size": ((1, 3), sliced_by_size),
    "windows": ((1, 5), lambda b: b.add_sliding_windows("y", "x", "y", 1, 3, 2)),
    "tiled": ((1, 3), lambda b: b.add_tile("y", "x", "y", [2])),
}  # fmt: skip
UNPROVABLE = {
    "softmax over examples": ((1, 3), lambda b: b.add_softmax_nd("y", "x", "y", 0)),
    "mean of all": ((1, 3), lambda b: b.add_reduce_mean("y", "x", "y", reduce_all=True)),
    "constant row joined": ((1, 3), lambda b: joined(b, 1)),
    "joined over examples": ((1, 3), lambda b: joined(b, 0)),
    "leading axis moved": ((1, 3), moved),
    "leading axis dropped": ((1, 3), lambda b: b.add_squeeze("y", "x", "y", [0])),
    "squeezed wherever possible": ((1, 3), lambda b: b.add_squeeze("y", "x", "y", None, True)),
    "rows for columns": ((1, 6), lambda b: b.add_reshape_static("y", "x", "y", [2, 3])),
    "a size left open": ((1, 6), lambda b: b.add_reshape_static("y", "x", "y", [-1, 6])),
    "two ranks": ((1, 3), shifted_rank),
    "no leading 1": ((2, 3), lambda b: b.add_softmax_nd("y", "x", "y", 1)),
    "scattered over examples": ((1, 3), scattered_over_examples),
    "one length for all": ((1, 2, 3), lambda b: reversed_rows(b, 0)),
    "summed along a computed axis": ((1, 3), lambda b: summed_along(b, 0)),
    "tiled over examples": ((1, 3), lambda b: b.add_tile("y", "x", "y", [2, 1])),
    "overwritten": ((1, 3), overwritten),
    "channels first of all": (
        (1, 3, 2), lambda b: b.add_batchnorm("y", 1, *([np.ones(1)] * 4), "x", "y"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", [*PROVABLE, *UNPROVABLE])
def test_several_examples_give_what_each_gives_alone(open_network, name):
    shape, add = {**PROVABLE, **UNPROVABLE}[name]
    made = builder({"x": shape}, {"y": None}, disable_rank5_shape_mapping=True)
    add(made)
    program = open_network(made)
    x = RNG.normal(size=(5, *shape)).astype(np.float32)

    together = program.predict({"x": x})["y"]

    assert program._executable.runs_many == (name in PROVABLE)
    alone = np.stack([program.predict({"x": item})["y"] for item in x])
    np.testing.assert_allclose(together, alone, rtol=1e-5, atol=1e-6)


def test_statistics_of_the_whole_batch_are_those_of_one_example(open_network):
    made = builder({"x": (2, 3, 4)}, {"y": None})
    made.add_batchnorm(
        "y", 2, np.ones(2), np.zeros(2), input_name="x", output_name="y", compute_mean_var=True,
        instance_normalization=True,
    )  # fmt: skip
    made.spec.neuralNetwork.layers[0].batchnorm.instanceNormalization = False
    program = open_network(made)
    x = RNG.normal(size=(3, 2, 3, 4)).astype(np.float32)

    together = program.predict({"x": x})["y"]

    assert not program._executable.runs_many
    np.testing.assert_allclose(together.mean(axis=(2, 3)), np.zeros((3, 2)), atol=1e-6)


def test_constants_of_a_network_are_broadcast_over_examples(open_network):
    made = builder({"x": (2, 3, 4)}, {"y": None})
    data = RNG.normal(size=(2, 1, 1)).astype(np.float32)
    made.add_load_constant("c", "c", data, data.shape)
    made.add_elementwise("y", ["x", "c"], "y", "ADD")
    program = open_network(made)
    x = RNG.normal(size=(3, 2, 3, 4)).astype(np.float32)

    np.testing.assert_allclose(program.predict({"x": x})["y"], x + data, rtol=1e-6)
    assert program._executable.runs_many
    assert [value.shape for _, value in program.layers({"x": x[0]})] == [(1, 2, 1, 1), (1, 2, 3, 4)]


def along_sequences(made):
    """(2, 3, 4) twice as a sequence, whose sum is taken by moving it to the channels."""
    made.add_elementwise("double", ["x"], "double", "MULTIPLY", 2.0)
    made._add_generic_layer("join", ["x", "double"], ["two"]).concat.sequenceConcat = True
    made.add_sequence_repeat("repeat", 2, "two", "four")
    made.add_permute("turn", [1, 0, 2, 3], "four", "turned")  # c, seq, h, w
    made.add_reduce("sum", "turned", "sum", "C", "sum")
    made.add_reshape("y", "sum", "y", (1, 2, 3, 4), 0)


def test_sequences_have_an_axis_of_their_own(open_network):
    made = builder({"x": (2, 3, 4)}, {"y": (2, 3, 4)})
    along_sequences(made)
    program = open_network(made)
    x = RNG.normal(size=(3, 2, 3, 4)).astype(np.float32)

    shapes = {name: value.shape for name, value in program.layers({"x": x[0]})}

    assert not program._executable.runs_many
    assert shapes["four"] == (4, 1, 2, 3, 4)
    assert shapes["turned"] == (2, 1, 4, 3, 4)
    np.testing.assert_allclose(program.predict({"x": x})["y"], 6 * x, rtol=1e-5)


def test_layers_of_any_rank_see_pictures_as_the_file_maps_them(open_network):
    made = builder({"x": (3, 4, 5)}, {"y": None}, disable_rank5_shape_mapping=True)
    made.add_transpose("y", [0, 2, 3, 1], "x", "y")
    made.set_pre_processing_parameters(["x"])
    picture = RNG.integers(0, 256, (4, 5, 3)).astype(np.uint8)

    y = open_network(made).predict({"x": picture})["y"]

    np.testing.assert_array_equal(y, picture[None])


def test_pictures_can_be_mapped_to_rank_5_for_layers_of_any_rank(open_network):
    made = builder({"x": (3, 4, 5)}, {"y": None}, disable_rank5_shape_mapping=True)
    made.add_transpose("y", [0, 1, 3, 4, 2], "x", "y")
    made.set_pre_processing_parameters(["x"])
    made.spec.neuralNetwork.imageInputShapeMapping = 0
    pictures = RNG.integers(0, 256, (2, 4, 5, 3)).astype(np.uint8)
    program = open_network(made)

    assert program.predict({"x": pictures[0]})["y"].shape == (1, 1, 4, 5, 3)
    assert not program._executable.runs_many
    np.testing.assert_array_equal(program.predict({"x": pictures})["y"][:, 0], pictures)
