"""Every operation that can be exported, against Keras: non-square, every axis another size."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from mobilezoo import export_coreml, randomize_weights, verify
from mobilezoo._layers import LocalResponseNormalization
from mobilezoo.coreml.emit import EMITTERS
from mobilezoo.graph import capture, fold

from .custom import Apply


def apply(function, name="custom"):
    return Apply(function, name=name)


def squeeze_excite(x):
    gate = ops.mean(x, axis=(1, 2), keepdims=True)
    return x * ops.hard_sigmoid(gate) + 0.5


CHANNELS = np.array([0.5, -1.0, 2.0], np.float32)
CONV = layers.Conv2D
CASES = {
    "conv valid": [CONV(4, (3, 2))],
    "conv same, even kernel": [CONV(4, (4, 2), padding="same")],
    "conv same, stride 2": [CONV(4, 3, strides=2, padding="same")],
    "conv stride by axis": [CONV(4, (2, 3), strides=(2, 1))],
    "conv dilated": [CONV(4, (3, 2), dilation_rate=(2, 1), padding="same")],
    "conv grouped": [CONV(6, (3, 2), groups=3, use_bias=False)],
    "conv padded": [layers.ZeroPadding2D(((0, 1), (2, 3))), CONV(4, (3, 2), strides=2)],
    "conv with activation": [CONV(4, 3, activation="silu")],
    "conv with batch norm": [CONV(4, (3, 2)), layers.BatchNormalization(), layers.ReLU(6.0)],
    "depthwise": [layers.DepthwiseConv2D((3, 2), depth_multiplier=2, padding="same")],
    "depthwise with batch norm": [
        layers.ZeroPadding2D(((0, 1), (1, 0))),
        layers.DepthwiseConv2D((3, 2), strides=2, use_bias=False),
        layers.BatchNormalization(),
    ],
    "dense": [layers.Flatten(), layers.Dense(5, activation="softmax")],
    "dense without bias": [layers.Flatten(), layers.Dense(5, use_bias=False)],
    "dense on a picture": [CONV(4, 3), layers.Dense(5)],
    "dense with batch norm": [layers.Flatten(), layers.Dense(5), layers.BatchNormalization()],
    "flatten after conv": [CONV(4, (3, 2)), layers.Flatten()],
    "reshape after conv": [CONV(4, (3, 2)), layers.Reshape((12, 14))],
    "permute after conv": [CONV(4, (3, 2)), layers.Permute((2, 3, 1))],
    "max pool": [layers.MaxPooling2D((3, 2), strides=2, padding="same")],
    "max pool valid": [layers.MaxPooling2D((2, 3))],
    "average pool same": [layers.AveragePooling2D((3, 2), strides=(1, 2), padding="same")],
    "global average": [layers.GlobalAveragePooling2D()],
    "global average, kept": [layers.GlobalAveragePooling2D(keepdims=True), CONV(5, 1)],
    "global max": [CONV(4, 2), layers.GlobalMaxPooling2D()],
    "batch norm alone": [layers.BatchNormalization()],
    "batch norm over rows": [CONV(4, 2), layers.BatchNormalization(axis=1)],
    "batch norm after flatten": [layers.Flatten(), layers.ReLU(), layers.BatchNormalization()],
    "local response normalization": [CONV(8, 2), LocalResponseNormalization(5, alpha=2.0)],
    "local response normalization of pixels": [LocalResponseNormalization(3, 0.5, 0.6, 2.0)],
    "rescaling": [layers.Rescaling(2.0, -0.5)],
    "softmax over channels": [CONV(4, (3, 2)), layers.Softmax()],
    "softmax over rows": [CONV(4, (3, 2)), layers.Softmax(axis=1)],
    "relu slope": [layers.ReLU(negative_slope=0.2)],
    "relu ceiling": [layers.ReLU(max_value=1.5)],
    "leaky relu": [layers.LeakyReLU(0.3)],
    "elu": [layers.ELU(0.7)],
    "squeeze and excite": [CONV(3, 2), apply(squeeze_excite)],
    "constant per channel": [CONV(3, 2), apply(lambda x: (x - CHANNELS) / (2.0 + CHANNELS))],
    "constant first": [apply(lambda x: 1.0 - x)],
    "mean over channels": [CONV(4, 2), apply(lambda x: ops.mean(x, axis=-1))],
    "mean over rows": [CONV(4, 2), apply(lambda x: ops.mean(x, axis=1))],
    "sum and max": [apply(lambda x: ops.sum(x, axis=2) + ops.max(x, axis=2))],
    "attention": [
        layers.Reshape((63, 3)),
        apply(lambda x: ops.matmul(ops.softmax(ops.matmul(x, ops.transpose(x, (0, 2, 1)))), x)),
    ],
    "powers": [apply(lambda x: ops.power(ops.abs(x) + 0.5, 1.5) - ops.square(x))],
    "roots": [apply(lambda x: ops.sqrt(ops.abs(x)) + ops.rsqrt(ops.abs(x) + 0.5))],
    "exponential": [apply(lambda x: ops.exp(-ops.abs(x)))],
    "extremes": [apply(lambda x: ops.maximum(x, 0.25) * ops.minimum(x, 1.0))],
    "clip": [apply(lambda x: ops.clip(x, -0.75, 1.25))],
    "pad with a number": [CONV(4, 2), apply(lambda x: ops.pad(x, [[0, 0], [1, 2], [0, 3], [0, 0]],
                                                              constant_values=0.5))],
    "concat over rows": [CONV(4, 2), apply(lambda x: ops.concatenate([x, 2 * x], axis=1))],
    "expand and squeeze": [apply(lambda x: ops.squeeze(ops.expand_dims(x, 1), 1) * 2.0)],
    **{
        f"activation {name}": [CONV(4, 2), layers.Activation(name)]
        for name in (
            "elu gelu hard_sigmoid hard_silu leaky_relu mish relu relu6 sigmoid silu softmax "
            "softplus softsign tanh linear exponential"
        ).split()
    },
}  # fmt: skip


def build(stack):
    x = inputs = keras.Input((9, 7, 3), name="x")
    for layer in stack:
        x = (
            type(layer).from_config(layer.get_config())(x)
            if not isinstance(layer, Apply)
            else layer(x)
        )
    return randomize_weights(keras.Model(inputs, x, name="case"))


@pytest.mark.parametrize("case", CASES)
def test_operation_agrees_with_keras(case, tmp_path):
    model = build(CASES[case])

    export_coreml(model, tmp_path / "case.mlpackage", precision="float32", inputs="array")

    agreement = verify(model, tmp_path / "case.mlpackage", limit=2e-6)
    assert agreement.largest_difference <= 2e-6  # a few float32 roundings
    assert agreement.layers


def test_every_emitter_is_exercised():
    used = {node.kind for stack in CASES.values() for node in fold(capture(build(stack)))[0].nodes}

    assert used - {"constant"} == set(EMITTERS)


def test_merging_layers_agree_with_keras(tmp_path):
    inputs = keras.Input((9, 7, 3), name="x")
    a = layers.Conv2D(4, (3, 2), name="a")(inputs)
    b = layers.Conv2D(4, (3, 2), name="b")(inputs)
    merged = [
        layers.Add()([a, b, a]),
        layers.Subtract()([a, b]),
        layers.Multiply()([a, b]),
        layers.Maximum()([a, b]),
        layers.Minimum()([a, b]),
        layers.Average()([a, b]),
    ]
    model = randomize_weights(keras.Model(inputs, layers.Concatenate(axis=-1)(merged)))

    export_coreml(model, tmp_path / "m.mlpackage", precision="float32", inputs="array")

    assert verify(model, tmp_path / "m.mlpackage").largest_difference < 2e-6


@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_an_input_and_a_tensor_given_back_twice_keep_apart(tmp_path, precision):
    inputs = keras.Input((9, 7, 3), name="x")
    y = layers.Conv2D(4, 2, name="y")(inputs)
    model = randomize_weights(keras.Model(inputs, [y, y, inputs]))

    exported = export_coreml(model, tmp_path / "m.mlpackage", precision=precision, inputs="array")

    names = [feature.name for feature in exported.get_spec().description.output]
    assert names == ["y", "y_output", "x_output"]
    assert verify(model, tmp_path / "m.mlpackage").largest_difference < 2e-2


def test_two_inputs_and_outputs_agree_with_keras(tmp_path):
    a, b = keras.Input((5, 4, 3), name="a"), keras.Input((3,), name="b")
    pooled = layers.GlobalAveragePooling2D()(layers.Conv2D(3, 2)(a))
    model = keras.Model(
        [a, b], [layers.Dense(4, name="left")(pooled), layers.Multiply(name="right")([pooled, b])]
    )
    randomize_weights(model)

    export_coreml(model, tmp_path / "m.mlpackage", precision="float32")

    assert verify(model, tmp_path / "m.mlpackage").largest_difference < 2e-6
