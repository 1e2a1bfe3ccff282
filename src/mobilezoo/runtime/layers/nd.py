"""Shape, order and selection for values of any rank (specification 4 and later)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from mobilezoo.errors import UnsupportedOpError
from mobilezoo.runtime.arithmetic import Array, Operand, tensor
from mobilezoo.runtime.layers._numbers import known
from mobilezoo.runtime.ops import gathering, making
from mobilezoo.runtime.ops import shaping as ops
from mobilezoo.runtime.ops._pictures import batch_of
from mobilezoo.runtime.ops._sizes import bounded

__all__ = [
    "broadcast_to_static", "concat_nd", "constant_pad", "expand_dims", "fill_like",
    "fill_static", "flatten_to_2d", "gather", "load_constant_nd", "rank_preserving_reshape",
    "reshape_like", "reshape_static", "reverse", "slice_static", "split_nd", "squeeze", "stack",
    "tile", "transpose",
]  # fmt: skip


def transpose(x: Operand, *, axes: Sequence[int] = ()) -> tf.Tensor:
    """Axis i of the result is axis axes[i] of x."""
    if sorted(axes) != list(range(len(x.shape))):
        raise ValueError(f"axes are {tuple(axes)} for the shape {tuple(x.shape)}")
    return ops.transpose(x, axes)


def concat_nd(values: Sequence[Operand], *, axis: int = 0, interleave: bool = False) -> tf.Tensor:
    """Join along `axis`, in the given order."""
    return ops.concat(values, axis % len(values[0].shape), interleave)


def stack(values: Sequence[Operand], *, axis: int = 0) -> tf.Tensor:
    """Join along a new axis, counted in the result."""
    return ops.stack(values, axis)


def split_nd(
    x: Operand, *, axis: int = 0, num_splits: int = 0, split_sizes: Sequence[int] = ()
) -> list[tf.Tensor]:
    """Cut along `axis` into `num_splits` equal parts, or into parts of `split_sizes`."""
    return ops.split(x, axis % len(x.shape), num_splits, split_sizes or None)


def expand_dims(x: Operand, *, axes: Sequence[int] = ()) -> tf.Tensor:
    """Insert axes of length 1, counted in the result; negative ones from its end."""
    return ops.expand_dims(x, axes)


def squeeze(x: Operand, *, axes: Sequence[int] = (), squeeze_all: bool = False) -> tf.Tensor:
    """Drop `axes`, all of length 1, or every axis of length 1; one axis always stays."""
    x = tensor(x)
    rank = len(x.shape)
    chosen = range(rank) if squeeze_all else sorted({axis % rank for axis in axes})
    if not squeeze_all and any(x.shape[axis] != 1 for axis in chosen):
        raise ValueError(f"axes {tuple(axes)} of the shape {tuple(x.shape)} are not all 1")
    dropped = [axis for axis in chosen if x.shape[axis] == 1]
    if len(dropped) == rank:
        dropped = dropped[1:]
    return tf.squeeze(x, dropped) if dropped else x


def reshape_static(x: Operand, *, target_shape: Sequence[int] = ()) -> tf.Tensor:
    """The elements of x in row-major order; one size may be -1."""
    return tf.reshape(tensor(x), tuple(target_shape))


def rank_preserving_reshape(x: Operand, *, target_shape: Sequence[int] = ()) -> tf.Tensor:
    """The elements of x in row-major order; one size may be -1, 0 keeps that of x."""
    x = tensor(x)
    sizes = zip(target_shape, batch_of(x, 0), strict=True)
    return tf.reshape(x, [given if wanted == 0 else wanted for wanted, given in sizes])


def reshape_like(x: Operand, reference: Operand) -> tf.Tensor:
    """The elements of x in row-major order, in the shape of `reference`."""
    return tf.reshape(tensor(x), tf.shape(tensor(reference)))


def flatten_to_2d(x: Operand, *, axis: int = 0) -> tf.Tensor:
    """x (*a, *b) -> (product of a, product of b), `a` having `axis` axes."""
    return ops.flatten2d(x, axis)


def slice_static(
    x: Operand,
    *,
    begin_ids: Sequence[int] = (),
    end_ids: Sequence[int] = (),
    strides: Sequence[int] = (),
    begin_masks: Sequence[bool] = (),
    end_masks: Sequence[bool] = (),
    squeeze_masks: Sequence[bool] = (),
) -> tf.Tensor:
    """Return x[begin_ids[0]:end_ids[0]:strides[0], ...] as NumPy slices do.

    `begin_masks` and `end_masks` leave a bound open; `squeeze_masks` takes begin_ids[i] alone
    and drops the axis.
    """
    return ops.slice_by_index(
        x, begin_ids, end_ids, strides or None, begin_masks or None, end_masks or None,
        squeeze_masks or None,
    )  # fmt: skip


def gather(x: Operand, indices: Operand, *, axis: int = 0) -> tf.Tensor:
    """Pick positions along `axis`: x (*a, d, *b), indices (*i) -> (*a, *i, *b)."""
    return gathering.gather(x, indices, axis % len(x.shape))


def tile(x: Operand, counts: Operand | None = None, *, reps: Sequence[int] = ()) -> tf.Tensor:
    """Repeat x reps[i] times along axis i; fewer `reps` are those of the last axes.

    `counts` (rank,) takes the place of `reps`.
    """
    if counts is not None:
        return ops.tile(x, tf.cast(tensor(counts), tf.int32))
    return ops.tile(x, [1] * (len(x.shape) - len(reps)) + list(reps))


def reverse(x: Operand, *, reverse_dim: Sequence[bool] = ()) -> tf.Tensor:
    """Turn the axes round whose entry in `reverse_dim` is true."""
    return tf.reverse(tensor(x), [axis for axis, turn in enumerate(reverse_dim) if turn])


def constant_pad(
    x: Operand,
    amounts: Operand | None = None,
    *,
    value: float = 0.0,
    pad_amounts: Sequence[int] = (),
    pad_to_given_output_size_mode: bool = False,
) -> tf.Tensor:
    """Extend x with `value`; `pad_amounts` is (before, after) for every axis, one after the other.

    With `pad_to_given_output_size_mode` one of the two is the size that the axis shall have,
    unless both are 0. `amounts` (2 * rank,) takes the place of `pad_amounts`.
    """
    x = tensor(x)
    if amounts is not None:
        if tf.get_static_value(tensor(amounts)) is None and not pad_to_given_output_size_mode:
            return ops.pad(x, tf.cast(tensor(amounts), tf.int32), "constant", value)
        pad_amounts = known(amounts, "constantPad to an output size").astype(int).tolist()
    pairs = np.reshape(np.array(pad_amounts, np.int64), (-1, 2)).tolist()
    if len(pairs) != len(x.shape):
        raise ValueError(f"{len(pad_amounts)} amounts for the shape {tuple(x.shape)}")
    if pad_to_given_output_size_mode:
        if any(before and after for before, after in pairs):
            raise UnsupportedOpError("constantPad to an output size with both amounts given")
        pairs = [
            [max(side - size, 0) if side else 0 for side in pair]
            for pair, size in zip(pairs, x.shape, strict=True)
        ]
    return tf.pad(x, pairs, constant_values=value)


def load_constant_nd(data: Array) -> tf.Tensor:
    """A constant of any shape."""
    return tensor(data)


def fill_static(*, value: float = 0.0, target_shape: Sequence[int] = ()) -> tf.Tensor:
    """A constant of the given shape that repeats `value`."""
    return making.fill(list(target_shape), value)


def fill_like(x: Operand, *, value: float = 0.0) -> tf.Tensor:
    """The shape of x, filled with `value`."""
    return making.fill_like(x, value)


def broadcast_to_static(x: Operand, *, target_shape: Sequence[int] = ()) -> tf.Tensor:
    """Repeat x along axes of length 1, and along new leading axes, to `target_shape`."""
    return tf.broadcast_to(tensor(x), bounded(target_shape))
