"""What the inverted residuals of MobileNet v2 and v3 are made of."""

from __future__ import annotations

from typing import Any, NamedTuple

from keras import layers


class Style(NamedTuple):
    """Numerical details in which the released networks of a family differ."""

    symmetric: bool  # whether a strided convolution pads the same on both sides
    epsilon: float  # of the batch norms
    momentum: float  # of the batch norms


def make_divisible(filters: float, divisor: int = 8) -> int:
    """The nearest multiple of `divisor`, at least one, and never more than 10 % below.

    Source: `_make_divisible` of slim's MobileNets.
    """
    rounded = max(divisor, int(filters + divisor / 2) // divisor * divisor)
    return rounded if rounded >= 0.9 * filters else rounded + divisor


def conv_bn(
    x: Any, name: str, filters: int, style: Style, *, kernel_size: int = 1, stride: int = 1
) -> Any:
    """Convolution without bias, then batch norm: `<name>_conv`, `<name>_bn`."""
    x, padding = _padded(x, name, kernel_size, stride, style) if style.symmetric else (x, "same")
    x = layers.Conv2D(
        filters, kernel_size, stride, padding=padding, use_bias=False, name=f"{name}_conv"
    )(x)
    return _batch_norm(x, name, style)


def depthwise_bn(x: Any, name: str, kernel_size: int, stride: int, style: Style) -> Any:
    """Convolution of each channel, then batch norm: `<name>_conv`, `<name>_bn`."""
    x, padding = _padded(x, name, kernel_size, stride, style)
    x = layers.DepthwiseConv2D(
        kernel_size, stride, padding=padding, use_bias=False, name=f"{name}_conv"
    )(x)
    return _batch_norm(x, name, style)


def _batch_norm(x: Any, name: str, style: Style) -> Any:
    return layers.BatchNormalization(
        epsilon=style.epsilon, momentum=style.momentum, name=f"{name}_bn"
    )(x)


def _padded(x: Any, name: str, kernel_size: int, stride: int, style: Style) -> tuple[Any, str]:
    """The input of a convolution that keeps ceil(side / stride), and what is left to pad."""
    if stride == 1:
        return x, "same"
    half = kernel_size // 2
    # as keras.applications: an even or a free side gets the odd pixel after
    before = [half if style.symmetric or (side or 0) % 2 else half - 1 for side in x.shape[1:3]]
    padding = tuple((first, half) for first in before)
    return layers.ZeroPadding2D(padding, name=f"{name}_pad")(x), "valid"
