"""Convolutions of pictures (9, 7, 3) and of sequences (9, 21)."""

import numpy as np
from keras import layers, ops

from ..custom import Apply

CONV = layers.Conv2D
SEQUENCE = layers.Reshape((9, 21))
KERNEL = np.random.default_rng(0).normal(size=(3, 2, 3, 4)).astype(np.float32)
BIAS = np.array([0.5, -1.0, 2.0, 3.0], np.float32)


def plus_bias(x):
    return ops.conv(x, KERNEL, strides=(1, 2), padding="same") + BIAS


def parts(x):
    deep = ops.depthwise_conv(x, KERNEL[..., :2], padding="valid")
    return ops.separable_conv(
        deep, np.tile(KERNEL[..., :1], (1, 1, 2, 1)), np.ones((1, 1, 6, 5), np.float32)
    )


CASES = {
    "valid": [CONV(4, (3, 2))],
    "same, even kernel": [CONV(4, (4, 2), padding="same")],
    "same, stride 2": [CONV(4, 3, strides=2, padding="same")],
    "same, stride 2, even height": [CONV(4, (2, 1)), CONV(5, 3, strides=2, padding="same")],
    "stride by axis": [CONV(4, (2, 3), strides=(2, 1))],
    "dilated": [CONV(4, (3, 2), dilation_rate=(2, 1), padding="same")],
    "grouped": [CONV(6, (3, 2), groups=3, use_bias=False)],
    "padded": [layers.ZeroPadding2D(((0, 1), (2, 3))), CONV(4, (3, 2), strides=2)],
    "with activation": [CONV(4, 3, activation="silu")],
    "with batch norm": [CONV(4, (3, 2)), layers.BatchNormalization(), layers.ReLU(6.0)],
    "depthwise": [layers.DepthwiseConv2D((3, 2), depth_multiplier=2, padding="same")],
    "depthwise with batch norm": [
        layers.ZeroPadding2D(((0, 1), (1, 0))),
        layers.DepthwiseConv2D((3, 2), strides=2, use_bias=False),
        layers.BatchNormalization(),
    ],
    "separable": [layers.SeparableConv2D(5, (3, 2), depth_multiplier=2, padding="same")],
    "separable with batch norm": [
        layers.SeparableConv2D(5, 3, strides=2, use_bias=False, activation="relu"),
        layers.BatchNormalization(),
    ],
    "transposed valid": [layers.Conv2DTranspose(4, (3, 2), strides=(2, 1))],
    "transposed same": [layers.Conv2DTranspose(4, (4, 3), strides=2, padding="same")],
    "transposed same, odd": [layers.Conv2DTranspose(4, 3, strides=(2, 3), padding="same")],
    "transposed, dilated": [
        layers.Conv2DTranspose(4, (3, 2), dilation_rate=(2, 3), padding="same", use_bias=False)
    ],
    "transposed with output padding": [
        layers.Conv2DTranspose(4, 3, strides=2, padding="same", output_padding=1)
    ],
    "transposed with large strides": [layers.Conv2DTranspose(4, (2, 1), strides=(3, 4))],
    "transposed with large strides, no bias": [
        layers.Conv2DTranspose(4, (2, 1), strides=(3, 4), use_bias=False)
    ],
    "transposed with batch norm": [
        layers.Conv2DTranspose(4, (3, 2), strides=2, use_bias=False),
        layers.BatchNormalization(),
    ],
    "sequence": [SEQUENCE, layers.Conv1D(4, 3, strides=2, padding="same")],
    "sequence, causal": [SEQUENCE, layers.Conv1D(4, 3, dilation_rate=2, padding="causal")],
    "sequence, grouped with batch norm": [
        SEQUENCE,
        layers.Conv1D(6, 2, groups=3),
        layers.BatchNormalization(),
        layers.ReLU(),
    ],
    "sequence, depthwise": [SEQUENCE, layers.DepthwiseConv1D(3, depth_multiplier=2)],
    "sequence, separable": [SEQUENCE, layers.SeparableConv1D(5, 3, padding="same")],
    "sequence, transposed": [SEQUENCE, layers.Conv1DTranspose(5, 3, strides=2, padding="same")],
    "sequence, then dense": [SEQUENCE, layers.Conv1D(4, 3), layers.Dense(5)],
    "in a custom layer": [Apply(plus_bias)],
    "depthwise and separable in a custom layer": [Apply(parts)],
    "local connections by unfolding": [CONV(4, 2), layers.Flatten(), layers.Dense(3)],
}
