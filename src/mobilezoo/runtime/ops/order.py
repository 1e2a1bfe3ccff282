"""Ops that depend on the order of elements along an axis."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import tensorflow as tf

from mobilezoo.runtime.arithmetic import Operand, cast_type, tensor
from mobilezoo.runtime.ops._axes import moved_back, moved_last

__all__ = [
    "argsort", "cumsum", "reduce_argmax", "reduce_argmin", "reverse", "reverse_sequence", "topk",
]  # fmt: skip


def cumsum(x: Operand, axis: int = 0, exclusive: bool = False, reverse: bool = False) -> tf.Tensor:
    """Sums of the elements up to each along `axis`; `exclusive`: without the element itself."""
    return tf.cumsum(tensor(x), int(axis), exclusive=bool(exclusive), reverse=bool(reverse))


def argsort(x: Operand, axis: int = -1, ascending: bool = False) -> tf.Tensor:
    """Places of the elements along `axis`, the largest first, or the smallest; of int32.

    Equal elements keep their order.
    """
    direction = "ASCENDING" if ascending else "DESCENDING"
    return tf.argsort(tensor(x), axis=int(axis), direction=direction, stable=True)


def topk(
    x: Operand,
    k: int = 1,
    axis: int = -1,
    ascending: bool = False,
    sort: bool = True,
    return_indices: bool = True,
    output_indices_dtype: str = "int32",
) -> tuple[tf.Tensor, ...]:
    """The k largest along `axis`, or the k smallest if `ascending`, and their places.

    x (*a, d, *b) -> twice (*a, k, *b), the first of equals first; all d for k = -1. They come
    in order, whatever `sort` says.
    """
    last = moved_last(tensor(x), int(axis))
    size = last.shape[-1]
    count = size if k == -1 else int(k)
    if size is not None and not 1 <= count <= size:
        raise ValueError(f"the largest {count} of {size} elements")
    if ascending:
        places = argsort(last, ascending=True)[..., :count]
        values = tf.gather(last, places, axis=-1, batch_dims=len(last.shape) - 1)
    else:
        values, places = tf.math.top_k(last, count)
    found = moved_back(values, int(axis))
    if not return_indices:
        return (found,)
    return found, tf.cast(moved_back(places, int(axis)), cast_type(output_indices_dtype))


def reduce_argmax(
    x: Operand, axis: int = -1, keep_dims: bool = False, output_dtype: str = "int32"
) -> tf.Tensor:
    """Position of the largest element along `axis`, the first of equals, as int32 or uint16."""
    return _position(tf.argmax, x, axis, keep_dims, output_dtype)


def reduce_argmin(
    x: Operand, axis: int = -1, keep_dims: bool = False, output_dtype: str = "int32"
) -> tf.Tensor:
    """Position of the smallest element along `axis`, the first of equals, as int32 or uint16."""
    return _position(tf.argmin, x, axis, keep_dims, output_dtype)


def reverse(x: Operand, axes: Sequence[int] | None = None) -> tf.Tensor:
    """The elements along `axes` in reverse order, along all axes if None."""
    x = tensor(x)
    return tf.reverse(x, list(range(len(x.shape))) if axes is None else [int(i) for i in axes])


def reverse_sequence(
    x: Operand, lengths: Operand, seq_axis: int = 0, batch_axis: int = 0
) -> tf.Tensor:
    """The first lengths[i] elements along `seq_axis` in reverse order, for i along `batch_axis`.

    lengths (x.shape[batch_axis],) -> the shape of x.
    """
    x = tensor(x)
    rank = len(x.shape)
    counts = tf.cast(tensor(lengths), tf.int32)
    return tf.reverse_sequence(x, counts, int(seq_axis) % rank, int(batch_axis) % rank)


def _position(
    function: Callable[..., tf.Tensor], x: Operand, axis: int, keep_dims: bool, output_dtype: str
) -> tf.Tensor:
    found = tf.cast(function(tensor(x), int(axis)), cast_type(output_dtype))
    return tf.expand_dims(found, int(axis)) if keep_dims else found
