"""Shape, order, and selection of elements by position."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from mobilezoo.errors import UnsupportedOpError
from mobilezoo.runtime import limits
from mobilezoo.runtime.arithmetic import Array, Operand, tensor
from mobilezoo.runtime.layout import (
    TO_FIRST,
    TO_LAST,
    channels_first,
    channels_last,
    is_stored_last,
    last_axis_of,
    reorder,
)
from mobilezoo.runtime.ops._sizes import at_most, bounded, bounded_tensor

__all__ = [
    "concat", "crop", "expand_dims", "flatten2d", "identity", "pad", "reshape", "reshape_like",
    "slice_by_index", "slice_by_size", "split", "squeeze", "stack", "tile", "transpose",
]  # fmt: skip


def identity(x: Operand) -> Operand:
    """Return x."""
    return x


def reshape(x: Operand, shape: Operand) -> tf.Tensor:
    """The elements of `x` in row-major order; one size may be -1, 0 keeps the size of `x`."""
    x = tensor(x)
    if isinstance(shape, np.ndarray) and 0 in shape:
        # aligned at the end when the ranks differ, as from iOS 17 on
        given = (1,) * len(shape) + tuple(x.shape)
        shape = [given[axis - len(shape)] if n == 0 else n for axis, n in enumerate(shape)]
    return tf.reshape(x, shape)


def reshape_like(
    x: Operand,
    ref_tensors: Sequence[Operand],
    begins: Sequence[int],
    ends: Sequence[int],
    end_masks: Sequence[bool],
) -> tf.Tensor:
    """The elements of `x` in row-major order, in sizes that other tensors have.

    The shape is ref_tensors[i].shape[begins[i]:ends[i]], one after the other; to the last axis
    where end_masks[i].
    """
    references = zip(ref_tensors, begins, ends, end_masks, strict=True)
    parts = [
        tf.shape(tensor(reference))[begin : None if free else end]
        for reference, begin, end, free in references
    ]
    return tf.reshape(tensor(x), tf.concat(parts, 0))


def flatten2d(x: Operand, axis: int = 1) -> tf.Tensor:
    """x (*a, *b) -> (product of a, product of b), `a` having `axis` axes."""
    x = tensor(x)
    sizes = tf.TensorShape(x.shape[int(axis) :]).num_elements()
    after = tf.reduce_prod(tf.shape(x)[int(axis) :]) if sizes is None else sizes
    return tf.reshape(x, (-1, after))


def transpose(x: Operand, perm: Sequence[int]) -> tf.Tensor:
    """Axis i of the result is axis perm[i] of `x`; negative axes count from the end."""
    x = tensor(x)
    order = tuple(int(axis) % len(perm) for axis in perm)
    if order == TO_LAST:
        return channels_last(x)
    return channels_first(x) if order == TO_FIRST else tf.transpose(x, order)


def expand_dims(x: Operand, axes: Sequence[int]) -> tf.Tensor:
    """Insert axes of length 1, counted in the result; negative ones from its end."""
    x = tensor(x)
    rank = len(x.shape) + len(axes)
    for axis in sorted(int(axis) % rank for axis in axes):
        x = tf.expand_dims(x, axis)
    return x


def squeeze(x: Operand, axes: Sequence[int] | None = None) -> tf.Tensor:
    """Drop `axes`, where their length is 1; all axes of length 1 if None."""
    x = tensor(x)
    candidates = range(len(x.shape)) if axes is None else [int(a) % len(x.shape) for a in axes]
    single = [axis for axis in candidates if x.shape[axis] == 1]
    return tf.squeeze(x, single) if single else x


def concat(values: Sequence[Operand], axis: int, interleave: bool = False) -> tf.Tensor:
    """Join along `axis`, in the given order; element by element in turn if `interleave`."""
    parts = [tensor(part) for part in values]
    if interleave:
        return _interleaved(parts, range(len(parts[0].shape))[int(axis)])
    if any(is_stored_last(part) for part in parts):
        return channels_first(
            tf.concat([channels_last(part) for part in parts], last_axis_of(axis))
        )
    return tf.concat(parts, axis)


def stack(values: Sequence[Operand], axis: int) -> tf.Tensor:
    """Join along a new axis, counted in the result."""
    return tf.stack([tensor(part) for part in values], axis)


def split(
    x: Operand,
    axis: int,
    num_splits: int | None = None,
    split_sizes: Sequence[int] | None = None,
) -> list[tf.Tensor]:
    """Cut along `axis` into parts of `split_sizes`, or into `num_splits` equal parts."""
    x = tensor(x)
    sizes = num_splits if split_sizes is None else [int(size) for size in split_sizes]
    if sizes is None:
        raise UnsupportedOpError("split with neither num_splits nor split_sizes")
    at_most(limits.MOST_PARTS, len(sizes) if isinstance(sizes, list) else sizes, "parts")
    if is_stored_last(x):
        parts = tf.split(channels_last(x), sizes, last_axis_of(axis))
        return [channels_first(part) for part in parts]
    return list(tf.split(x, sizes, axis))


def tile(x: Operand, reps: Operand) -> tf.Tensor:
    """Repeat `x` reps[i] times along axis i."""
    x = tensor(x)
    made = tf.cast(tf.shape(x), tf.float64) * tf.cast(tensor(reps), tf.float64)
    with tf.control_dependencies([bounded_tensor(made)]):
        return tf.tile(x, reps)


def slice_by_size(x: Operand, begin: Operand, size: Operand) -> tf.Tensor:
    """Take size[i] elements of axis i from begin[i] on; size -1 takes all that remain."""
    x = tensor(x)
    if isinstance(begin, np.ndarray):
        begin = [
            int(first) if first >= 0 else int(first) + length
            for first, length in zip(begin, x.shape, strict=True)
        ]
    return tf.slice(x, begin, size)


def slice_by_index(
    x: Operand,
    begin: Operand,
    end: Operand,
    stride: Sequence[int] | None = None,
    begin_mask: Sequence[bool] | None = None,
    end_mask: Sequence[bool] | None = None,
    squeeze_mask: Sequence[bool] | None = None,
) -> tf.Tensor:
    """Return x[begin[0]:end[0]:stride[0], ...] as NumPy slices do.

    `begin_mask` and `end_mask` leave a bound open; `squeeze_mask` takes begin[i] alone and
    drops the axis.
    """
    x = tensor(x)
    rank = len(x.shape)
    dropped = _flags(squeeze_mask, rank)
    first = [None if free else begin[i] for i, free in enumerate(_flags(begin_mask, rank))]
    last = [None if free else end[i] for i, free in enumerate(_flags(end_mask, rank))]
    step = [1] * rank if stride is None else [int(amount) for amount in stride]
    index = [
        begin[i] if dropped[i] else slice(first[i], last[i], step[i]) for i in range(rank)
    ]  # fmt: skip
    if is_stored_last(x) and not any(dropped):
        return channels_first(channels_last(x)[tuple(reorder(index))])
    return x[tuple(index)]


def crop(x: Operand, crop_height: Sequence[int], crop_width: Sequence[int]) -> tf.Tensor:
    """Take rows off the top and bottom and columns off the left and right.

    x (*d, h, w) -> (*d, h - sum(crop_height), w - sum(crop_width)), of rank 3 or more.
    """
    x = tensor(x)
    height, width = x.shape[-2:]
    (top, bottom), (left, right) = crop_height, crop_width
    if min(top, bottom, left, right) < 0 or top + bottom >= height or left + right >= width:
        raise ValueError(f"{crop_height} and {crop_width} off {height} x {width} pixels")
    free = [True] * (len(x.shape) - 2)
    return slice_by_index(
        x,
        begin=[0] * len(free) + [top, left],
        end=[0] * len(free) + [height - bottom, width - right],
        begin_mask=[*free, False, False],
        end_mask=[*free, False, False],
    )


def pad(x: Operand, pad: Operand, mode: str = "constant", constant_val: float = 0.0) -> tf.Tensor:
    """Extend the last len(pad) / 2 axes; `pad` is (before, after, before, after, ...).

    `constant` puts `constant_val`, `reflect` mirrors without repeating the edge, `replicate`
    repeats the edge.
    """
    x = tensor(x)
    if isinstance(pad, tf.Tensor):
        amounts = tf.reshape(pad, (-1, 2))
        made = tf.cast(tf.shape(x), tf.float64) + tf.cast(tf.reduce_sum(amounts, 1), tf.float64)
        with tf.control_dependencies([bounded_tensor(made)]):
            return _pad(x, amounts, mode, constant_val)
    pairs = [(int(before), int(after)) for before, after in np.reshape(pad, (-1, 2))]
    pairs = [(0, 0)] * (len(x.shape) - len(pairs)) + pairs
    bounded(None if n is None else n + sum(p) for n, p in zip(x.shape, pairs, strict=True))
    if is_stored_last(x):
        return channels_first(_pad(channels_last(x), reorder(pairs), mode, constant_val))
    return _pad(x, pairs, mode, constant_val)


def _pad(x: tf.Tensor, pairs: Operand, mode: str, constant_val: float) -> tf.Tensor:
    if mode == "constant":
        return tf.pad(x, pairs, constant_values=constant_val)
    if mode == "reflect":
        return tf.pad(x, pairs, mode="REFLECT")
    if mode == "replicate":
        return _replicate(x, np.array(pairs))
    raise UnsupportedOpError(f"pad with mode={mode!r}; known are constant, reflect, replicate")


def _interleaved(parts: Sequence[tf.Tensor], axis: int) -> tf.Tensor:
    """Equal shapes: the first elements of all along `axis`, then the second ones."""
    sizes = [-1 if size is None else size for size in parts[0].shape]
    sizes[axis] *= len(parts)
    return tf.reshape(tf.stack(parts, axis + 1), sizes)


def _replicate(x: tf.Tensor, pairs: Array) -> tf.Tensor:
    for axis, (before, after) in enumerate(pairs):
        if before or after:
            size = x.shape[axis]
            x = tf.gather(x, np.arange(-before, size + after).clip(0, size - 1), axis=axis)
    return x


def _flags(mask: Sequence[bool] | None, rank: int) -> list[bool]:
    return [False] * rank if mask is None else [bool(flag) for flag in mask]
