"""Reductions over axes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import tensorflow as tf

from mobilezoo.runtime.arithmetic import Operand, tensor
from mobilezoo.runtime.layout import (
    channels_first,
    channels_last,
    elementwise,
    is_stored_last,
    last_axis_of,
)

__all__ = [
    "reduce_l1_norm", "reduce_l2_norm", "reduce_log_sum", "reduce_log_sum_exp", "reduce_max",
    "reduce_mean", "reduce_min", "reduce_prod", "reduce_sum", "reduce_sum_square",
]  # fmt: skip


def reduce_mean(
    x: Operand, axes: Sequence[int] | None = None, keep_dims: bool = False
) -> tf.Tensor:
    """Mean over `axes`, all if None; a reduced axis goes, or stays with length 1."""
    return _reduce(tf.reduce_mean, x, axes, keep_dims)


def reduce_sum(x: Operand, axes: Sequence[int] | None = None, keep_dims: bool = False) -> tf.Tensor:
    """Sum over `axes`, all if None; a reduced axis goes, or stays with length 1."""
    return _reduce(tf.reduce_sum, x, axes, keep_dims)


def reduce_max(x: Operand, axes: Sequence[int] | None = None, keep_dims: bool = False) -> tf.Tensor:
    """Largest value over `axes`, all if None; a reduced axis goes, or stays with length 1."""
    return _reduce(tf.reduce_max, x, axes, keep_dims)


def reduce_min(x: Operand, axes: Sequence[int] | None = None, keep_dims: bool = False) -> tf.Tensor:
    """Smallest value over `axes`, all if None; a reduced axis goes, or stays with length 1."""
    return _reduce(tf.reduce_min, x, axes, keep_dims)


def reduce_prod(
    x: Operand, axes: Sequence[int] | None = None, keep_dims: bool = False
) -> tf.Tensor:
    """Product over `axes`, all if None; a reduced axis goes, or stays with length 1."""
    return _reduce(tf.reduce_prod, x, axes, keep_dims)


def reduce_l1_norm(
    x: Operand, axes: Sequence[int] | None = None, keep_dims: bool = False
) -> tf.Tensor:
    """Sum of |x| over `axes`, all if None; a reduced axis goes, or stays with length 1."""
    return reduce_sum(elementwise(tf.abs, x), axes, keep_dims)


def reduce_l2_norm(
    x: Operand, axes: Sequence[int] | None = None, keep_dims: bool = False
) -> tf.Tensor:
    """Root of the sum of x^2 over `axes`, all if None; these go, or stay with length 1."""
    return elementwise(tf.sqrt, reduce_sum_square(x, axes, keep_dims))


def reduce_sum_square(
    x: Operand, axes: Sequence[int] | None = None, keep_dims: bool = False
) -> tf.Tensor:
    """Sum of x^2 over `axes`, all if None; a reduced axis goes, or stays with length 1."""
    return reduce_sum(elementwise(tf.square, x), axes, keep_dims)


def reduce_log_sum(
    x: Operand, axes: Sequence[int] | None = None, keep_dims: bool = False
) -> tf.Tensor:
    """Log of the sum over `axes`, all if None; a reduced axis goes, or stays with length 1."""
    return elementwise(tf.math.log, reduce_sum(x, axes, keep_dims))


def reduce_log_sum_exp(
    x: Operand, axes: Sequence[int] | None = None, keep_dims: bool = False
) -> tf.Tensor:
    """Log of the sum of e^x over `axes`, all if None; these go, or stay with length 1."""
    return _reduce(tf.reduce_logsumexp, x, axes, keep_dims)


def _reduce(
    function: Callable[..., tf.Tensor], x: Operand, axes: Sequence[int] | None, keep_dims: bool
) -> tf.Tensor:
    x = tensor(x)
    over = list(range(len(x.shape))) if axes is None else [int(axis) for axis in axes]
    if not is_stored_last(x):
        return function(x, over, keepdims=bool(keep_dims))
    y = function(channels_last(x), [last_axis_of(axis) for axis in over], keepdims=True)
    y = channels_first(y)
    return y if keep_dims else tf.squeeze(y, over)
