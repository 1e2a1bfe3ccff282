import keras
import pytest
from keras import layers, ops

from mobilezoo.graph import capture, fold


def folded(inputs, outputs):
    graph, report = fold(capture(keras.Model(inputs, outputs)))
    return graph, report.events


@pytest.mark.parametrize(
    "layer",
    [
        layers.Reshape((7, 9, 3)),
        layers.Permute((2, 1, 3)),
        layers.ZeroPadding2D(((0, 1), (0, 2))),
    ],
    ids=lambda layer: layer.name,
)
def test_what_moves_something_is_no_no_op(layer):
    inputs = keras.Input((9, 7, 3))
    graph, events = folded(inputs, layers.ReLU()(layer(inputs)))

    assert len(graph.nodes) == 2
    assert not events


def test_a_no_op_is_dropped_unless_it_is_an_output():
    inputs = keras.Input((9, 7, 3))
    a = layers.Reshape((9, 7, 3), name="a")(layers.ReLU(name="relu")(inputs))
    b = layers.Reshape((9, 7, 3), name="b")(a)
    graph, events = folded(inputs, b)

    assert graph.outputs == ("b",)
    assert [node.name for node in graph.nodes] == ["relu", "b"]
    assert graph.layer_outputs == {"relu": "relu", "a": "relu", "b": "b"}
    assert events == {"no-ops dropped": 1}


def test_the_same_operation_on_the_same_tensor_is_done_once():
    inputs = keras.Input((9, 7, 3))
    x = layers.Conv2D(4, 2)(inputs)
    a, b = layers.ReLU(name="a")(x), layers.ReLU(name="b")(x)
    graph, events = folded(inputs, layers.Concatenate()([a, layers.MaxPooling2D(1)(b)]))

    assert [node.kind for node in graph.nodes] == ["conv", "relu", "max_pool", "concat"]
    assert events["twins merged"] == 1
    assert graph.layer_outputs["a"] == graph.layer_outputs["b"]


def test_twins_of_twins_are_merged_too():
    inputs = keras.Input((9, 7, 3))
    branches = [layers.MaxPooling2D(2)(layers.ReLU()(inputs)) for _ in range(3)]
    graph, events = folded(inputs, layers.Add()(branches))

    assert events["twins merged"] == 4
    assert [node.kind for node in graph.nodes] == ["relu", "max_pool", "add", "add"]


def test_operations_with_other_parameters_or_weights_are_no_twins():
    inputs = keras.Input((9, 7, 3))
    pools = [layers.MaxPooling2D(size, strides=2)(inputs) for size in (2, 3)]  # to (4, 3) each
    convolutions = [layers.Conv2D(4, 2)(inputs), layers.Conv2D(4, 2)(inputs)]
    shapes = [layers.Reshape((7, 27))(inputs), layers.Reshape((27, 7))(inputs)]
    graph, events = folded(inputs, [layers.ReLU()(x) for x in (*pools, *convolutions, *shapes)])

    assert not events
    assert len(graph.nodes) == 12


def test_an_output_given_twice_stays_two():
    inputs = keras.Input((9, 7, 3))
    graph, _ = folded(inputs, [layers.ReLU(name="a")(inputs), layers.ReLU(name="b")(inputs)])

    assert graph.outputs == ("a", "b")
    assert {node.name for node in graph.nodes} == {"a", "b"}


def test_concatenations_of_concatenations_are_joined():
    inputs = keras.Input((9, 7, 3))
    a, b, c = (layers.Conv2D(n, 2, name=f"conv{n}")(inputs) for n in (2, 4, 5))
    joined = layers.Concatenate()([layers.Concatenate()([a, b]), c])
    graph, events = folded(inputs, joined)

    assert events["concatenations joined"] == 1
    assert graph.nodes[-1].output.shape == (None, 8, 6, 11)
    assert graph.nodes[-1].inputs == ("conv2", "conv4", "conv5")


def test_concatenations_along_two_axes_are_not_joined():
    inputs = keras.Input((9, 7, 3))
    inner = layers.Concatenate()([inputs, layers.ReLU()(inputs)])
    wide = layers.Conv2D(6, 1)(inputs)
    graph, events = folded(inputs, layers.Concatenate(axis=1)([inner, wide]))

    assert not events
    assert graph.nodes[-1].output.shape == (None, 18, 7, 6)


def test_concatenations_along_other_axes_or_read_elsewhere_are_not_joined():
    inputs = keras.Input((9, 7, 3))
    inner = layers.Concatenate()([inputs, layers.ReLU()(inputs)])
    along_rows = layers.Concatenate(axis=1)([inner, inner])
    graph, events = folded(inputs, [along_rows, layers.Concatenate()([inner, inputs])])

    assert "concatenations joined" not in events
    assert [node.kind for node in graph.nodes].count("concat") == 3


@pytest.mark.parametrize(
    ("reduce", "kind", "shape"),
    [
        (layers.GlobalAveragePooling2D(), "reduce_mean", (1, 1, 3)),
        (layers.GlobalMaxPooling2D(), "reduce_max", (1, 1, 3)),
        (lambda x: ops.sum(x, -1), "reduce_sum", (9, 7, 1)),
    ],
)
def test_a_reduction_that_gets_its_axes_back_keeps_them(reduce, kind, shape):
    inputs = keras.Input((9, 7, 3))
    squeezed = layers.Reshape(shape)(reduce(inputs))
    graph, events = folded(inputs, layers.Multiply()([inputs, squeezed]))

    assert [node.kind for node in graph.nodes] == [kind, "multiply"]
    assert graph.nodes[0].attributes["keepdims"]
    assert events["axes kept"] == 1


def test_a_mean_that_is_given_another_shape_is_reshaped():
    inputs = keras.Input((9, 7, 4))
    graph, _ = folded(inputs, layers.Reshape((2, 2))(layers.GlobalAveragePooling2D()(inputs)))

    assert [node.kind for node in graph.nodes] == ["reduce_mean", "reshape"]


def test_a_mean_that_has_its_axes_and_gets_more_is_reshaped():
    inputs = keras.Input((9, 7, 3))
    kept = layers.GlobalAveragePooling2D(keepdims=True)(inputs)
    graph, _ = folded(inputs, layers.Reshape((1, 1, 1, 1, 3))(kept))

    assert [node.kind for node in graph.nodes] == ["reduce_mean", "reshape"]


def test_a_mean_that_gets_an_axis_elsewhere_is_reshaped():
    inputs = keras.Input((9, 7, 3))
    graph, _ = folded(inputs, layers.Reshape((1, 9, 7))(ops.mean(inputs, -1)))

    assert [node.kind for node in graph.nodes] == ["reduce_mean", "reshape"]
