"""Transposed convolution."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from mobilezoo.errors import UnsupportedOpError
from mobilezoo.runtime import limits
from mobilezoo.runtime.arithmetic import Operand, tensor
from mobilezoo.runtime.layout import (
    channels_first,
    channels_last,
    volumes_first,
    volumes_last,
)
from mobilezoo.runtime.ops._sizes import at_most
from mobilezoo.runtime.ops._windows import dilated, windows

__all__ = ["conv_transpose"]


def conv_transpose(
    x: Operand,
    weight: Operand,
    bias: Operand | None = None,
    pad: Sequence[int] | None = None,
    output_shape: Sequence[int] | None = None,
    pad_type: str = "valid",
    strides: Sequence[int] | None = None,
    dilations: Sequence[int] | None = None,
    groups: int = 1,
) -> tf.Tensor:
    """Add up the kernel, times each element of `x`, `strides` apart; then crop and add `bias`.

    x (n, c_in, *d_in), weight (c_in, c_out / groups, *k), bias (c_out,) -> (n, c_out, *d_out), one
    to three spatial axes, full = (d_in - 1) * stride + (k - 1) * dilation + 1 and d_out =
    full - pad before - pad after, d_in * stride for "same", or as `output_shape` (n, c_out, *d_out)
    says.
    """
    rank = len(weight.shape) - 2
    if rank not in (1, 2, 3):
        raise UnsupportedOpError(f"conv_transpose with {rank} spatial axes; 1, 2 and 3 are known")
    frame = windows(weight.shape[2:], strides, pad_type, pad, dilations)
    at_most(limits.MOST_PARTS, groups, "groups")
    kernel = dilated(np.asarray(weight), frame.dilations)
    parts = zip(
        tf.split(tensor(x), groups, axis=1), np.split(kernel, int(groups), axis=0), strict=True
    )
    full = tf.concat([_full(part, k, frame.strides) for part, k in parts], axis=1)
    wanted = None if output_shape is None else list(output_shape)[2:]
    if wanted is None and pad_type.startswith("same"):
        wanted = [size * step for size, step in zip(x.shape[2:], frame.strides, strict=True)]
    y = _cropped(full, frame.pairs((1,) * rank), wanted, pad_type)
    if bias is not None:
        y = y + tf.reshape(tensor(bias), (-1, *(1,) * rank))
    return y


def _full(x: tf.Tensor, kernel: np.ndarray, strides: tuple[int, ...]) -> tf.Tensor:
    """Without cropping; x (n, c_in, *d), kernel (c_in, c_out, *k) -> (n, c_out, *full)."""
    if len(strides) == 1:  # a picture one pixel high
        made = _full(tf.expand_dims(x, 2), kernel[:, :, np.newaxis], (1, *strides))
        return tf.squeeze(made, 2)
    if len(strides) == 3:
        return _full_volumes(x, kernel, strides)
    sizes = [
        (size - 1) * step + k
        for size, step, k in zip(x.shape[2:], strides, kernel.shape[2:], strict=True)
    ]
    shape = [tf.shape(x)[0], *sizes, kernel.shape[1]]
    filters = tensor(np.ascontiguousarray(kernel.transpose(2, 3, 1, 0)))  # IOHW -> HWOI
    made = tf.nn.conv2d_transpose(channels_last(x), filters, shape, strides, "VALID")
    return channels_first(made)


def _full_volumes(x: tf.Tensor, kernel: np.ndarray, strides: tuple[int, ...]) -> tf.Tensor:
    """As a correlation of x, its elements `strides` apart, with the kernel turned round.

    TensorFlow 2.21's own conv3d_transpose fails in some compiled programs.
    """
    apart = volumes_last(x)
    for axis, step in enumerate(strides, 1):
        apart = _apart(apart, axis, step)
    borders = [(k - 1, k - 1) for k in kernel.shape[2:]]
    turned = kernel[:, :, ::-1, ::-1, ::-1].transpose(2, 3, 4, 0, 1)  # IODHW -> DHWIO
    padded = tf.pad(apart, [(0, 0), *borders, (0, 0)])
    filters = tensor(np.ascontiguousarray(turned))
    return volumes_first(tf.nn.conv3d(padded, filters, (1,) * 5, "VALID"))


def _apart(x: tf.Tensor, axis: int, step: int) -> tf.Tensor:
    """`step` - 1 zeros between the elements along an axis of known size."""
    if step == 1:
        return x
    sizes = [-1 if size is None else size for size in x.shape]
    pads = [(0, step - 1) if i == axis + 1 else (0, 0) for i in range(len(sizes) + 1)]
    spread = tf.pad(tf.expand_dims(x, axis + 1), pads)
    length = sizes[axis]
    sizes[axis] = length * step
    return tf.gather(tf.reshape(spread, sizes), np.arange((length - 1) * step + 1), axis=axis)


def _cropped(
    full: tf.Tensor,
    pairs: Sequence[tuple[int, int]],
    wanted: Sequence[int] | None,
    pad_type: str,
) -> tf.Tensor:
    """Take `pairs` off the ends, or what leaves `wanted`; zeros where that is beyond the end."""
    keep, missing = [slice(None), slice(None)], [(0, 0), (0, 0)]
    for axis, (before, after) in enumerate(pairs):
        size = full.shape[2 + axis]
        if wanted is not None:
            if pad_type.startswith("same"):
                excess = max(size - wanted[axis], 0)
                before = excess - excess // 2 if pad_type == "same_lower" else excess // 2
            after = size - wanted[axis] - before
        keep.append(slice(before, size - max(after, 0)))
        missing.append((0, max(-after, 0)))
    cropped = full[tuple(keep)]
    return tf.pad(cropped, missing) if any(map(any, missing)) else cropped
