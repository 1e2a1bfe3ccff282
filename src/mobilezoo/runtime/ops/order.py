"""Ops that depend on the order of elements along an axis."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import tensorflow as tf

from mobilezoo.runtime.arithmetic import Operand, tensor

__all__ = ["cumsum", "reduce_argmax", "reduce_argmin", "reverse"]


def cumsum(x: Operand, axis: int = 0, exclusive: bool = False, reverse: bool = False) -> tf.Tensor:
    """Sums of the elements up to each along `axis`; `exclusive`: without the element itself."""
    return tf.cumsum(tensor(x), int(axis), exclusive=bool(exclusive), reverse=bool(reverse))


def reduce_argmax(x: Operand, axis: int = -1, keep_dims: bool = True) -> tf.Tensor:
    """Position of the largest element along `axis`, the first of equals, as int32."""
    return _position(tf.argmax, x, axis, keep_dims)


def reduce_argmin(x: Operand, axis: int = -1, keep_dims: bool = True) -> tf.Tensor:
    """Position of the smallest element along `axis`, the first of equals, as int32."""
    return _position(tf.argmin, x, axis, keep_dims)


def reverse(x: Operand, axes: Sequence[int] | None = None) -> tf.Tensor:
    """The elements along `axes` in reverse order, along all axes if None."""
    x = tensor(x)
    return tf.reverse(x, list(range(len(x.shape))) if axes is None else [int(i) for i in axes])


def _position(
    function: Callable[..., tf.Tensor], x: Operand, axis: int, keep_dims: bool
) -> tf.Tensor:
    found = function(tensor(x), int(axis), output_type=tf.int32)
    return tf.expand_dims(found, int(axis)) if keep_dims else found
