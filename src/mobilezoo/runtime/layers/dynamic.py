"""Shapes and places that are computed (specification 4 and later).

A computed shape or place is a vector of floating numbers, as every value of a network is.
"""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from mobilezoo.runtime.arithmetic import Operand, tensor
from mobilezoo.runtime.layers._numbers import known
from mobilezoo.runtime.ops import making
from mobilezoo.runtime.ops import shaping as ops
from mobilezoo.runtime.ops._sizes import bounded_tensor

__all__ = [
    "broadcast_to_dynamic", "fill_dynamic", "get_shape", "range_dynamic", "reshape_dynamic",
    "slice_by_size", "slice_dynamic",
]  # fmt: skip


def get_shape(x: Operand) -> tf.Tensor:
    """The sizes of the axes of x: (rank,)."""
    x = tensor(x)
    if not x.shape.is_fully_defined():
        return tf.cast(making.shape(x), tf.float32)
    with tf.init_scope():  # a number at once, also while it is traced
        return tf.constant(x.shape.as_list(), tf.float32)


def fill_dynamic(shape: Operand, *, value: float = 0.0) -> tf.Tensor:
    """A tensor of the given shape that repeats `value`: shape (rank,)."""
    return making.fill(_whole(shape), value)


def broadcast_to_dynamic(x: Operand, shape: Operand) -> tf.Tensor:
    """Repeat x along axes of length 1, and along new leading axes, to `shape`."""
    return tf.broadcast_to(tensor(x), bounded_tensor(_whole(shape)))


def reshape_dynamic(x: Operand, shape: Operand) -> tf.Tensor:
    """The elements of x in row-major order, in `shape`, of which one size may be -1."""
    return tf.reshape(tensor(x), _whole(shape))


def range_dynamic(
    end: Operand,
    start: Operand | None = None,
    step: Operand | None = None,
    *,
    start_value: float = 0.0,
    step_size_value: float = 0.0,
) -> tf.Tensor:
    """From the start, in steps, up to before the end: (ceil((end - start) / step),).

    Each is () or (1,); `start_value` and `step_size_value` are those that are not computed.
    """
    first = start_value if start is None else tensor(start)
    by = step_size_value if step is None else tensor(step)
    if step is None and not step_size_value:
        raise ValueError("steps of 0")
    return making.range_1d(*(tf.cast(number, tf.float32) for number in (first, tensor(end), by)))


def slice_by_size(x: Operand, begin: Operand, *, axis: int = 0, size: int = 0) -> tf.Tensor:
    """Take `size` elements along `axis` from `begin` on, a single number."""
    x = tensor(x)
    axis = range(len(x.shape))[axis]
    if size < 1:
        raise ValueError(f"{size} elements")
    first = tf.reshape(_whole(begin), [])
    sizes = [-1 if given is None else given for given in x.shape]
    sizes[axis] = size
    return tf.slice(x, [first if i == axis else 0 for i in range(len(sizes))], sizes)


def slice_dynamic(
    x: Operand,
    begin: Operand,
    end: Operand | None = None,
    stride: Operand | None = None,
    begin_mask: Operand | None = None,
    end_mask: Operand | None = None,
    squeeze_mask: Operand | None = None,
    *,
    end_ids: Sequence[int] = (),
    strides: Sequence[int] = (),
    begin_masks: Sequence[bool] = (),
    end_masks: Sequence[bool] = (),
    squeeze_masks: Sequence[bool] = (),
) -> tf.Tensor:
    """Return x[begin[0]:end[0]:stride[0], ...] as NumPy slices do.

    `begin_mask` and `end_mask` leave a bound open; `squeeze_mask` takes begin[i] alone and drops
    the axis. What is not computed is the parameter of that name; strides and masks that are
    computed from the values of the inputs are not supported.
    """
    x = tensor(x)
    rank = len(x.shape)
    last = list(end_ids)[:rank] if end is None else tf.unstack(_whole(end), rank)
    return ops.slice_by_index(
        x,
        tf.unstack(_whole(begin), rank),
        last,
        _per_axis(stride, strides, rank, 1, "strides"),
        *(
            [bool(flag) for flag in _per_axis(mask, flags, rank, 0, name)]
            for mask, flags, name in (
                (begin_mask, begin_masks, "beginMasks"),
                (end_mask, end_masks, "endMasks"),
                (squeeze_mask, squeeze_masks, "squeezeMasks"),
            )
        ),
    )


def _whole(numbers: Operand) -> tf.Tensor:
    return tf.cast(tensor(numbers), tf.int32)


def _per_axis(
    computed: Operand | None, given: Sequence[int], rank: int, default: int, name: str
) -> list[int]:
    """One number per axis, of the computed ones or the given ones; coremltools gives 5 of these."""
    if computed is None:
        numbers = list(given)[:rank] or [default] * rank
    else:
        numbers = [int(number) for number in known(computed, f"sliceDynamic with {name}")]
    if len(numbers) != rank:
        raise ValueError(f"{len(numbers)} {name} for {rank} axes")
    return numbers
