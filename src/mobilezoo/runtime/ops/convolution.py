"""Convolution."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from mobilezoo.errors import UnsupportedOpError
from mobilezoo.runtime import limits
from mobilezoo.runtime.arithmetic import Operand, tensor, transposed
from mobilezoo.runtime.layout import (
    channels_first,
    channels_last,
    volumes_first,
    volumes_last,
)
from mobilezoo.runtime.ops._sizes import at_most
from mobilezoo.runtime.ops._windows import Padding, Windows, dilated, windows

__all__ = ["conv"]


def conv(
    x: Operand,
    weight: Operand,
    bias: Operand | None = None,
    strides: Sequence[int] | None = None,
    pad_type: str = "valid",
    pad: Sequence[int] | None = None,
    dilations: Sequence[int] | None = None,
    groups: int = 1,
) -> tf.Tensor:
    """Correlate `x` with `weight` and add `bias`.

    x (n, c_in, *d_in), weight (c_out, c_in / groups, *k), bias (c_out,) ->
    (n, c_out, *d_out), with one to three spatial axes and
    d_out = floor((d_in + pad before + pad after - (k - 1) * dilation - 1) / stride) + 1.
    """
    if len(weight.shape) == 3:
        return _conv_1d(x, weight, bias, strides, pad_type, pad, dilations, groups)
    if len(weight.shape) not in (4, 5):
        raise UnsupportedOpError(
            f"conv with {len(weight.shape) - 2} spatial axes; 1, 2 and 3 are known"
        )
    frame = windows(weight.shape[2:], strides, pad_type, pad, dilations)
    flat = len(weight.shape) == 4
    last, first = (channels_last, channels_first) if flat else (volumes_last, volumes_first)
    y = _correlate(last(x), weight, frame, int(groups))
    if bias is not None:
        y = tf.nn.bias_add(y, tensor(bias))
    return first(y)


def _conv_1d(
    x: Operand,
    weight: Operand,
    bias: Operand | None,
    strides: Sequence[int] | None,
    pad_type: str,
    pad: Sequence[int] | None,
    dilations: Sequence[int] | None,
    groups: int,
) -> tf.Tensor:
    """(n, c_in, w) as a picture one pixel high."""
    y = conv(
        tf.expand_dims(tensor(x), 2),
        np.expand_dims(weight, 2) if isinstance(weight, np.ndarray) else tf.expand_dims(weight, 2),
        bias,
        None if strides is None else (1, *strides),
        pad_type,
        None if pad is None else (0, 0, *pad),
        None if dilations is None else (1, *dilations),
        groups,
    )
    return tf.squeeze(y, 2)


def _correlate(x: tf.Tensor, weight: Operand, frame: Windows, groups: int) -> tf.Tensor:
    """x (n, *d, c_in), weight (c_out, c_in / groups, *k) -> (n, *d', c_out)."""
    channels = weight.shape[1] * groups
    if x.shape[-1] != channels:  # TensorFlow would make groups of its own
        raise ValueError(
            f"the input has {x.shape[-1]} channels, weights of shape {tuple(weight.shape)} in "
            f"{groups} groups take {channels}"
        )
    if len(frame.sizes) == 3:
        return _correlate_volumes(x, weight, frame, groups)
    padding = frame.padding(x.shape[1:3])
    if groups == 1:
        kernel = _kernel(weight, (2, 3, 1, 0))  # OIHW -> HWIO
        return tf.nn.conv2d(x, kernel, frame.strides, padding, dilations=frame.dilations)
    if groups == x.shape[-1] and _fits_depthwise(frame):
        return _depthwise(x, weight, frame, padding)
    at_most(limits.MOST_PARTS, groups, "groups")
    kernel = _kernel(weight, (2, 3, 1, 0))
    parts = zip(tf.split(x, groups, axis=-1), tf.split(kernel, groups, axis=-1), strict=True)
    outputs = [
        tf.nn.conv2d(a, k, frame.strides, padding, dilations=frame.dilations) for a, k in parts
    ]
    return tf.concat(outputs, axis=-1)


def _correlate_volumes(x: tf.Tensor, weight: Operand, frame: Windows, groups: int) -> tf.Tensor:
    """x (n, d, h, w, c_in), weight (c_out, c_in / groups, kd, kh, kw) -> (n, d', h', w', c_out)."""
    padded = tf.pad(x, [(0, 0), *frame.pairs(x.shape[1:4]), (0, 0)])
    if any(step > 1 for step in frame.dilations):
        # TensorFlow 2.21 infers wrong shapes where dilations differ
        if not isinstance(weight, np.ndarray):
            raise UnsupportedOpError("dilated conv with 3 spatial axes and computed weights")
        weight = dilated(weight, frame.dilations)
    kernel = _kernel(weight, (2, 3, 4, 1, 0))  # OIDHW -> DHWIO
    parts = zip(tf.split(padded, groups, axis=-1), tf.split(kernel, groups, axis=-1), strict=True)
    strides = (1, *frame.strides, 1)
    return tf.concat([tf.nn.conv3d(a, k, strides, "VALID") for a, k in parts], axis=-1)


def _fits_depthwise(frame: Windows) -> bool:
    """Whether TensorFlow's depthwise kernel can: square strides, and none with dilation."""
    vertical, horizontal = frame.strides
    return vertical == horizontal and (vertical == 1 or tuple(frame.dilations) == (1, 1))


def _depthwise(x: tf.Tensor, weight: Operand, frame: Windows, padding: Padding) -> tf.Tensor:
    """x (n, h, w, c), weight (c * multiplier, 1, kh, kw) -> (n, h', w', c * multiplier)."""
    multiplier = weight.shape[0] // x.shape[-1]
    per_channel = (x.shape[-1], multiplier, *weight.shape[2:])
    reshape = np.reshape if isinstance(weight, np.ndarray) else tf.reshape
    kernel = _kernel(reshape(weight, per_channel), (2, 3, 0, 1))  # IMHW -> HWIM
    strides = (1, *frame.strides, 1)
    if not isinstance(padding, str):
        # the dilated kernel takes no explicit padding, and on processors with AVX-512 TensorFlow
        # 2.21 aborts the process where it merges a padded one with the addition of its bias
        x, padding = tf.pad(x, padding), "VALID"
    return tf.nn.depthwise_conv2d(x, kernel, strides, padding, dilations=frame.dilations)


def _kernel(weight: Operand, axes: tuple[int, ...]) -> tf.Tensor:
    """The kernel in TensorFlow's order."""
    return (transposed if isinstance(weight, np.ndarray) else tf.transpose)(weight, axes)
