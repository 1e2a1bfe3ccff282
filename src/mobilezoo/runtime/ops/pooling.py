"""Pooling over windows."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import reduce

import numpy as np
import tensorflow as tf

from mobilezoo.errors import UnsupportedOpError
from mobilezoo.runtime.arithmetic import Array, Operand, tensor
from mobilezoo.runtime.layout import (
    channels_first,
    channels_last,
    volumes_first,
    volumes_last,
)
from mobilezoo.runtime.ops._windows import Pairs, Windows, windows

__all__ = ["avg_pool", "l2_pool", "max_pool"]


def max_pool(
    x: Operand,
    kernel_sizes: Sequence[int],
    pad_type: str,
    strides: Sequence[int] | None = None,
    pad: Sequence[int] | None = None,
    ceil_mode: bool = False,
) -> tf.Tensor:
    """Largest value of each window; padding never wins.

    x (n, c, *d_in) -> (n, c, *d_out), with one to three spatial axes and
    d_out = floor((d_in + pad before + pad after - k) / stride) + 1; `ceil_mode` rounds up,
    without a last window that lies in the padding alone.
    """
    return _pool(_max, x, windows(kernel_sizes, strides, pad_type, pad), ceil_mode)


def avg_pool(
    x: Operand,
    kernel_sizes: Sequence[int],
    pad_type: str,
    strides: Sequence[int] | None = None,
    pad: Sequence[int] | None = None,
    exclude_padding_from_average: bool = False,
    ceil_mode: bool = False,
) -> tf.Tensor:
    """Mean of each window, over all its positions or over those inside `x`.

    x (n, c, *d_in) -> (n, c, *d_out), sizes as in `max_pool`. A position beyond the padding,
    which `ceil_mode` can reach, never counts.
    """
    mean = _mean_of_inside if exclude_padding_from_average else _mean_of_padded
    return _pool(mean, x, windows(kernel_sizes, strides, pad_type, pad), ceil_mode)


def l2_pool(
    x: Operand,
    kernel_sizes: Sequence[int],
    pad_type: str,
    strides: Sequence[int] | None = None,
    pad: Sequence[int] | None = None,
    ceil_mode: bool = False,
) -> tf.Tensor:
    """Square root of the sum of squares of each window; padding counts as zero.

    x (n, c, *d_in) -> (n, c, *d_out), sizes as in `max_pool`.
    """
    return _pool(_root_of_squares, x, windows(kernel_sizes, strides, pad_type, pad), ceil_mode)


def _pool(
    pooled: Callable[[tf.Tensor, Windows, Pairs, Pairs], tf.Tensor],
    x: Operand,
    frame: Windows,
    ceil_mode: bool,
) -> tf.Tensor:
    """Bring `x` to (n, *d, c), settle the padding, and apply `pooled`."""
    if len(frame.sizes) == 1:
        flat = _pool(pooled, tf.expand_dims(tensor(x), 2), _one_pixel_high(frame), ceil_mode)
        return tf.squeeze(flat, 2)
    if len(frame.sizes) not in (2, 3):
        raise UnsupportedOpError(
            f"pooling over {len(frame.sizes)} spatial axes; 1, 2 and 3 are known"
        )
    flat = len(frame.sizes) == 2
    last, first = (channels_last, channels_first) if flat else (volumes_last, volumes_first)
    x = last(x)
    declared = frame.pairs(x.shape[1:-1])
    reached = _reached(x.shape[1:-1], frame, declared) if ceil_mode else declared
    return first(pooled(x, frame, declared, reached))


def _max(x: tf.Tensor, frame: Windows, declared: Pairs, reached: Pairs) -> tf.Tensor:
    pool = tf.nn.max_pool2d if len(frame.sizes) == 2 else tf.nn.max_pool3d
    if frame.is_same(x.shape[1:-1], reached):
        return pool(x, frame.sizes, frame.strides, "SAME")
    if len(frame.sizes) == 3:  # whose kernel takes no padding
        padded = tf.pad(x, _explicit(reached), constant_values=-float("inf"))
        return pool(padded, frame.sizes, frame.strides, "VALID")
    padding = _explicit(reached) if _any(reached) else "VALID"
    return tf.nn.max_pool2d(x, frame.sizes, frame.strides, padding)


def _root_of_squares(x: tf.Tensor, frame: Windows, declared: Pairs, reached: Pairs) -> tf.Tensor:
    return tf.sqrt(_mean(tf.square(x), frame, reached) * float(math.prod(frame.sizes)))


def _mean_of_padded(x: tf.Tensor, frame: Windows, declared: Pairs, reached: Pairs) -> tf.Tensor:
    mean = _mean(x, frame, reached)
    if reached == declared:
        return mean
    lines = [
        np.pad(np.ones(size + before + given), (0, after - given))
        for size, (before, given), (_, after) in zip(x.shape[1:-1], declared, reached, strict=True)
    ]
    return mean / _share(lines, frame)


def _mean_of_inside(x: tf.Tensor, frame: Windows, declared: Pairs, reached: Pairs) -> tf.Tensor:
    if not _any(reached):
        return _mean(x, frame, reached)
    if frame.is_same(x.shape[1:-1], reached):  # leaves padding out
        return _plain_mean(x, frame, "SAME")
    lines = [np.pad(np.ones(size), pair) for size, pair in zip(x.shape[1:-1], reached, strict=True)]
    return _mean(x, frame, reached) / _share(lines, frame)


def _mean(x: tf.Tensor, frame: Windows, pairs: Pairs) -> tf.Tensor:
    """Mean over all positions of each window, padding counted as zero."""
    padded = tf.pad(x, _explicit(pairs)) if _any(pairs) else x
    return _plain_mean(padded, frame, "VALID")


def _plain_mean(x: tf.Tensor, frame: Windows, padding: str) -> tf.Tensor:
    pool = tf.nn.avg_pool2d if len(frame.sizes) == 2 else tf.nn.avg_pool3d
    return pool(x, frame.sizes, frame.strides, padding)


def _share(lines: Sequence[Array], frame: Windows) -> Array:
    """How much of each window counts, of what counts along each axis.

    Per axis (d,) of 0 and 1 -> (1, *d', 1) in 0..1.
    """
    shares = []
    for line, size, step in zip(lines, frame.sizes, frame.strides, strict=True):
        sums = np.pad(line, (1, 0)).cumsum()
        shares.append((sums[size:] - sums[:-size])[::step] / size)
    share: Array = reduce(np.multiply.outer, shares)
    return share.astype(np.float32)[np.newaxis, ..., np.newaxis]


def _reached(spatial: Sequence[int], frame: Windows, declared: Pairs) -> Pairs:
    """The padding, extended after the end to where the last window of `ceil_mode` reaches."""
    pairs = []
    for size, k, stride, (before, after) in zip(
        spatial, frame.sizes, frame.strides, declared, strict=True
    ):
        count = -(-(size + before + after - k) // stride) + 1
        if before + after and (count - 1) * stride >= size + before:
            count -= 1
        needed = (count - 1) * stride + k - (size + before)
        pairs.append((before, max(after, needed)))
    return tuple(pairs)


def _one_pixel_high(frame: Windows) -> Windows:
    return Windows(
        (1, *frame.sizes), (1, *frame.strides), (1, *frame.dilations), frame.pad_type,
        ((0, 0), *frame.pad),
    )  # fmt: skip


def _any(pairs: Pairs) -> bool:
    return any(before or after for before, after in pairs)


def _explicit(pairs: Pairs) -> list[tuple[int, int]]:
    return [(0, 0), *pairs, (0, 0)]
