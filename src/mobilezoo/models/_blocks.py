"""Pieces that several families are made of."""

from __future__ import annotations

from typing import Any

from keras import layers


def conv(
    x: Any, filters: int, kernel_size: int, stride: int, name: str, *, use_bias: bool = False
) -> Any:
    """Convolution; a strided one pads the same on both sides, as Caffe and PyTorch do.

    Args:
        x: (batch, height, width, channels).
        filters: output channels.
        kernel_size: side of the kernel, odd.
        stride: of both axes.
        name: of the layers with "{}" for their kind, such as "block1_{}2".
        use_bias: whether there are biases.

    Returns:
        (batch, ceil(height / stride), ceil(width / stride), filters).
    """
    padded = stride > 1 and kernel_size > 1
    if padded:  # "same" would pad even sides after only
        x = layers.ZeroPadding2D(kernel_size // 2, name=name.format("pad"))(x)
    return layers.Conv2D(
        filters,
        kernel_size,
        strides=stride,
        padding="valid" if padded else "same",
        use_bias=use_bias,
        kernel_initializer="he_normal",
        name=name.format("conv"),
    )(x)


def classify(x: Any, classes: int, dropout: float, activation: str | None) -> Any:
    """Mean of each channel, dropout, one Dense layer: (batch, h, w, c) -> (batch, classes).

    Args:
        x: the last feature map.
        classes: outputs.
        dropout: rate before the Dense layer.
        activation: of the outputs; None for logits.
    """
    x = layers.GlobalAveragePooling2D(name="global_average_pool")(x)
    x = layers.Dropout(dropout, name="dropout")(x)
    return layers.Dense(classes, activation=activation, name="probabilities")(x)
