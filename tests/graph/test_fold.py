import keras
import numpy as np
import pytest
from keras import layers

from mobilezoo import mobilenet, randomize_weights
from mobilezoo.graph import capture, fold
from mobilezoo.graph.abstract import without_weights


def folded_kinds(model):
    graph, _ = fold(capture(model))
    return [node.kind for node in graph.nodes]


def test_mobilenet_folds_all_its_batch_norms_and_paddings():
    with without_weights():
        _, report = fold(capture(mobilenet()))

    assert str(report) == "89 nodes -> 58: 4 paddings merged, 27 batch norms folded"


def test_folded_kernel_and_bias_are_the_formula(functional):
    conv = layers.Conv2D(2, 1, name="conv")
    norm = layers.BatchNormalization(epsilon=0.25, name="norm")
    model = functional(conv, norm, shape=(4, 5, 1))
    conv.set_weights([np.float32([[[[2.0, 3.0]]]]), np.float32([1.0, -1.0])])
    norm.set_weights([np.float32(v) for v in ([10, 20], [5, 6], [0.5, 0.25], [3.75, 15.75])])

    (node,) = fold(capture(model))[0].nodes

    # scale = gamma / sqrt(variance + epsilon) = [10 / 2, 20 / 4] = [5, 5]
    np.testing.assert_array_equal(node.weights["kernel"].read(), [[[[10.0, 15.0]]]])
    # beta + (bias - mean) * scale = [5 + 0.5 * 5, 6 - 1.25 * 5]
    np.testing.assert_array_equal(node.weights["bias"].read(), [7.5, -0.25])
    assert node.name == "norm"
    assert node.layers == ("conv", "norm")


def test_depthwise_scale_follows_channel_then_multiplier(functional):
    conv = layers.DepthwiseConv2D(1, depth_multiplier=2, use_bias=False)
    norm = layers.BatchNormalization(epsilon=0.0, center=False)
    model = functional(conv, norm, shape=(4, 5, 3))
    norm.set_weights([np.float32(v) for v in ([1, 2, 3, 4, 5, 6], [0] * 6, [1] * 6)])
    conv.set_weights([np.ones((1, 1, 3, 2), np.float32)])

    (node,) = fold(capture(model))[0].nodes

    np.testing.assert_array_equal(node.weights["kernel"].read(), [[[[1, 2], [3, 4], [5, 6]]]])


def test_a_dense_layer_absorbs_a_batch_norm(functional):
    model = functional(layers.Dense(4), layers.BatchNormalization(), shape=(3,))

    assert folded_kinds(model) == ["dense"]


def test_a_convolution_that_two_layers_read_is_left_alone():
    inputs = keras.Input((6, 5, 3))
    conv = layers.Conv2D(4, 3)(inputs)
    model = keras.Model(inputs, layers.Add()([conv, layers.BatchNormalization()(conv)]))

    assert folded_kinds(model) == ["conv", "batch_norm", "add"]


def test_a_convolution_that_is_an_output_is_left_alone():
    inputs = keras.Input((6, 5, 3))
    conv = layers.Conv2D(4, 3)(inputs)
    model = keras.Model(inputs, [conv, layers.BatchNormalization()(conv)])

    assert folded_kinds(model) == ["conv", "batch_norm"]


def test_a_batch_norm_over_rows_is_left_alone(functional):
    model = functional(layers.Conv2D(4, 3), layers.BatchNormalization(axis=1))

    assert folded_kinds(model) == ["conv", "batch_norm"]


def test_padding_goes_into_the_convolution_after_it(functional):
    model = functional(
        layers.ZeroPadding2D(((1, 2), (3, 4)), name="pad"), layers.Conv2D(4, 3, name="conv")
    )

    (node,) = fold(capture(model))[0].nodes

    assert node.attributes["padding"] == ((1, 2), (3, 4))
    assert node.layers == ("pad", "conv")


def test_padding_before_a_same_convolution_or_a_pool_stays(functional):
    same = functional(layers.ZeroPadding2D(1), layers.Conv2D(4, 3, padding="same"))
    pool = functional(layers.ZeroPadding2D(1), layers.MaxPooling2D(2))

    assert folded_kinds(same) == ["pad", "conv"]
    assert folded_kinds(pool) == ["pad", "max_pool"]


@pytest.mark.parametrize(
    ("widths", "value"),
    [
        ([[0, 0], [1, 2], [3, 4], [0, 0]], 0.5),
        ([[0, 0], [1, 2], [3, 4], [1, 0]], 0.0),  # of the channels, too
    ],
)
def test_padding_that_a_convolution_cannot_do_stays(widths, value):
    inputs = keras.Input((9, 7, 3))
    padded = keras.ops.pad(inputs, widths, constant_values=value)

    model = keras.Model(inputs, layers.Conv2D(4, 3)(padded))

    assert folded_kinds(model) == ["pad", "conv"]


def test_no_ops_are_dropped(functional):
    model = functional(
        layers.ZeroPadding2D(0), layers.Reshape((9, 7, 3)), layers.Permute((1, 2, 3)), layers.ReLU()
    )

    graph, report = fold(capture(model))

    assert [node.kind for node in graph.nodes] == ["relu"]
    assert report.events == {"no-ops dropped": 3}


@pytest.mark.parametrize("shape", [(64, 96, 3), (33, 47, 3)])
def test_the_folded_weights_are_float32_or_wider(shape):
    model = randomize_weights(mobilenet(shape, alpha=0.25, classes=7))

    for node in fold(capture(model))[0].nodes:
        for weight in node.weights.values():
            assert weight.read().dtype in (np.float32, np.float64)
            assert weight.read().shape == weight.shape


class Plus(layers.Layer):
    """Adds a constant."""

    def __init__(self, constant, **options):
        super().__init__(**options)
        self.constant = np.float32(constant)

    def call(self, x):
        return x + self.constant


@pytest.mark.parametrize("vector", [[1.0, 2.0, 3.0], [5.0]])
def test_a_vector_added_to_a_convolution_becomes_its_bias(functional, vector):
    conv = layers.Conv2D(len(vector), 2, use_bias=False, name="conv")
    model = functional(conv, Plus(vector, name="plus"))

    (node,) = fold(capture(model))[0].nodes

    np.testing.assert_array_equal(node.weights["bias"].read(), vector)
    assert (node.kind, node.name, node.layers) == ("conv", "plus", ("conv", "plus"))


def test_a_batch_norm_behind_a_vector_that_becomes_a_bias_is_folded_too(functional):
    model = functional(
        layers.Dense(3, use_bias=False), Plus([1.0, 2.0, 3.0]), layers.BatchNormalization()
    )

    assert folded_kinds(model) == ["dense"]


def test_a_vector_added_to_a_transposed_convolution_becomes_its_bias(functional):
    conv = layers.Conv2DTranspose(3, 2, use_bias=False)
    model = functional(conv, Plus([1.0, 2.0, 3.0]))

    (node,) = fold(capture(model))[0].nodes

    np.testing.assert_array_equal(node.weights["bias"].read(), [1.0, 2.0, 3.0])
    assert node.kind == "conv_transpose"


def test_a_bias_behind_a_reshape_goes_into_the_product_before_it(functional):
    heads = layers.EinsumDense("ab,bcd->acd", (2, 3), bias_axes="cd")
    model = functional(heads, shape=(5,))
    heads.set_weights([np.ones((5, 2, 3), "float32"), np.float32([[1, 2, 3], [4, 5, 6]])])

    dense, reshape = fold(capture(model))[0].nodes

    assert (dense.kind, reshape.kind) == ("dense", "reshape")
    np.testing.assert_array_equal(dense.weights["bias"].read(), [1, 2, 3, 4, 5, 6])
    assert reshape.name == heads.name


@pytest.mark.parametrize(
    "constant",
    [
        np.ones((4, 1, 1)),  # per row
        np.ones((6, 1)),  # per column, of which there are as many as filters
        np.ones((6, 6)),  # per column and channel
        [[[1.0]]],  # one number
    ],
)
def test_what_is_no_vector_of_filters_stays_an_addition(functional, constant):
    model = functional(layers.Conv2D(6, (2, 1), use_bias=False), Plus(constant), shape=(5, 6, 3))

    assert folded_kinds(model) == ["conv", "constant", "add"]


def test_a_vector_that_a_reshape_tears_apart_stays_an_addition(functional):
    model = functional(
        layers.Dense(6, use_bias=False),
        layers.Reshape((2, 5, 3)),  # of (5, 6)
        Plus(np.ones((2, 1, 3))),
        shape=(5, 4),
    )

    assert folded_kinds(model) == ["dense", "reshape", "constant", "add"]


def test_a_bias_is_not_merged_where_the_product_is_read_twice(functional):
    inputs = keras.Input((5,))
    y = layers.Dense(3, use_bias=False)(inputs)
    model = keras.Model(inputs, layers.Multiply()([y, Plus([1.0, 2.0, 3.0])(y)]))

    assert folded_kinds(model) == ["dense", "constant", "add", "multiply"]


def test_a_bias_is_not_merged_into_a_product_that_has_one(functional):
    model = functional(layers.Dense(3), Plus([1.0, 2.0, 3.0]), shape=(5,))

    assert folded_kinds(model) == ["dense", "constant", "add"]


def test_a_bias_is_not_merged_where_what_it_is_added_to_is_an_output():
    inputs = keras.Input((5,))
    y = layers.Dense(3, use_bias=False)(inputs)
    shaped = layers.Reshape((1, 3))(y)

    product = keras.Model(inputs, [y, Plus([1.0, 2.0, 3.0])(y)])
    reshaped = keras.Model(inputs, [shaped, Plus([1.0, 2.0, 3.0])(shaped)])

    assert folded_kinds(product) == ["dense", "constant", "add"]
    assert folded_kinds(reshaped) == ["dense", "reshape", "constant", "add"]


class Times(layers.Layer):
    """Multiplies by a constant."""

    def __init__(self, constant, **options):
        super().__init__(**options)
        self.constant = np.float32(constant)

    def call(self, x):
        return x * self.constant


@pytest.mark.parametrize(("constant", "scale"), [([2.0, 3.0, 4.0], [2, 3, 4]), (0.5, [0.5] * 3)])
def test_a_product_after_a_convolution_goes_into_its_weights(functional, constant, scale):
    conv = layers.Conv2D(3, 1)
    model = functional(conv, Times(constant, name="times"))
    kernel, bias = np.ones((1, 1, 3, 3), "float32"), np.float32([1, 10, 100])
    conv.set_weights([kernel, bias])

    (node,) = fold(capture(model))[0].nodes

    np.testing.assert_allclose(node.weights["kernel"].read(), kernel * scale)
    np.testing.assert_allclose(node.weights["bias"].read(), bias * scale)
    assert (node.kind, node.name) == ("conv", "times")


@pytest.mark.parametrize(
    "function",
    [
        lambda x, vector: keras.ops.subtract(x, vector),
        lambda x, vector: keras.ops.subtract(vector, x),
        lambda x, vector: keras.ops.divide(x, vector),
        lambda x, vector: keras.ops.divide(vector, x),
    ],
)
def test_differences_and_quotients_are_not_taken_for_sums_and_products(function):
    inputs = keras.Input((9, 7, 4))
    product = layers.Conv2D(3, 2, use_bias=False)(inputs)
    model = keras.Model(inputs, function(product, np.float32([1.0, 2.0, 3.0])))

    assert len(folded_kinds(model)) == 3


@pytest.mark.parametrize("filters", [3, 9])  # as many as rows
def test_a_product_per_row_stays_one(functional, filters):
    model = functional(layers.Conv2D(filters, 1), Times(np.ones((9, 1, 1))), shape=(9, 7, 3))

    assert folded_kinds(model) == ["conv", "constant", "multiply"]
