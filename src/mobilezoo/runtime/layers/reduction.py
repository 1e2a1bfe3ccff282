"""Reductions over axes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import tensorflow as tf

from mobilezoo.errors import UnsupportedOpError
from mobilezoo.runtime.arithmetic import Operand, tensor
from mobilezoo.runtime.layout import elementwise
from mobilezoo.runtime.ops import reduction as ops

__all__ = [
    "arg_max", "arg_min", "reduce", "reduce_l1", "reduce_l2", "reduce_log_sum",
    "reduce_log_sum_exp", "reduce_max", "reduce_mean", "reduce_min", "reduce_prod", "reduce_sum",
    "reduce_sum_square",
]  # fmt: skip

_AXES = {"CHW": (-3, -2, -1), "HW": (-2, -1), "C": (-3,), "H": (-2,), "W": (-1,)}


def reduce(x: Operand, *, mode: str = "SUM", axis: str = "CHW", epsilon: float = 1e-6) -> tf.Tensor:
    """Reduce x (*batch, c, h, w) over the axes that `axis` spells; they stay with length 1.

    SUM; AVG; PROD; LOGSUM: sum of log(x + epsilon); SUMSQUARE: sum of x^2; L1: sum of |x|; L2:
    root of the sum of x^2; MAX; MIN; ARGMAX: position of the largest, the first of equals.
    """
    if mode == "ARGMAX" and len(axis) == 1:
        return arg_max(x, axis=_AXES[axis][0])
    if (mode not in _MODES and mode != "LOGSUM") or axis not in _AXES:
        raise UnsupportedOpError(f"reduce with mode {mode} over {axis}")
    if mode == "LOGSUM":
        logs = elementwise(lambda value: tf.math.log(value + epsilon), x)
        return reduce_sum(logs, axes=_AXES[axis], keep_dims=True)
    return _MODES[mode](x, axes=_AXES[axis], keep_dims=True)


def reduce_sum(
    x: Operand, *, axes: Sequence[int] = (), keep_dims: bool = False, reduce_all: bool = False
) -> tf.Tensor:
    """Sum over `axes`, or over all; a reduced axis goes, or stays with length 1."""
    return _reduced(ops.reduce_sum, x, axes, keep_dims, reduce_all)


def reduce_mean(
    x: Operand, *, axes: Sequence[int] = (), keep_dims: bool = False, reduce_all: bool = False
) -> tf.Tensor:
    """Mean over `axes`, or over all; a reduced axis goes, or stays with length 1."""
    return _reduced(ops.reduce_mean, x, axes, keep_dims, reduce_all)


def reduce_prod(
    x: Operand, *, axes: Sequence[int] = (), keep_dims: bool = False, reduce_all: bool = False
) -> tf.Tensor:
    """Product over `axes`, or over all; a reduced axis goes, or stays with length 1."""
    return _reduced(ops.reduce_prod, x, axes, keep_dims, reduce_all)


def reduce_max(
    x: Operand, *, axes: Sequence[int] = (), keep_dims: bool = False, reduce_all: bool = False
) -> tf.Tensor:
    """Largest over `axes`, or over all; a reduced axis goes, or stays with length 1."""
    return _reduced(ops.reduce_max, x, axes, keep_dims, reduce_all)


def reduce_min(
    x: Operand, *, axes: Sequence[int] = (), keep_dims: bool = False, reduce_all: bool = False
) -> tf.Tensor:
    """Smallest over `axes`, or over all; a reduced axis goes, or stays with length 1."""
    return _reduced(ops.reduce_min, x, axes, keep_dims, reduce_all)


def reduce_l1(
    x: Operand, *, axes: Sequence[int] = (), keep_dims: bool = False, reduce_all: bool = False
) -> tf.Tensor:
    """Sum of |x| over `axes`, or over all; a reduced axis goes, or stays with length 1."""
    return _reduced(ops.reduce_l1_norm, x, axes, keep_dims, reduce_all)


def reduce_l2(
    x: Operand, *, axes: Sequence[int] = (), keep_dims: bool = False, reduce_all: bool = False
) -> tf.Tensor:
    """Root of the sum of x^2 over `axes`, or over all; these go, or stay with length 1."""
    return _reduced(ops.reduce_l2_norm, x, axes, keep_dims, reduce_all)


def reduce_log_sum(
    x: Operand, *, axes: Sequence[int] = (), keep_dims: bool = False, reduce_all: bool = False
) -> tf.Tensor:
    """Log of the sum over `axes`, or over all; a reduced axis goes, or stays with length 1."""
    return _reduced(ops.reduce_log_sum, x, axes, keep_dims, reduce_all)


def reduce_sum_square(
    x: Operand, *, axes: Sequence[int] = (), keep_dims: bool = False, reduce_all: bool = False
) -> tf.Tensor:
    """Sum of x^2 over `axes`, or over all; a reduced axis goes, or stays with length 1."""
    return _reduced(ops.reduce_sum_square, x, axes, keep_dims, reduce_all)


def reduce_log_sum_exp(
    x: Operand, *, axes: Sequence[int] = (), keep_dims: bool = False, reduce_all: bool = False
) -> tf.Tensor:
    """Log of the sum of e^x over `axes`, or over all; these go, or stay with length 1."""
    return ops.reduce_log_sum_exp(x, None if reduce_all else axes, keep_dims)


def arg_max(x: Operand, *, axis: int = 0, remove_dim: bool = False) -> tf.Tensor:
    """Position of the largest along `axis`, the first of equals, as a floating number."""
    return _position(tf.argmax, x, axis, remove_dim)


def arg_min(x: Operand, *, axis: int = 0, remove_dim: bool = False) -> tf.Tensor:
    """Position of the smallest along `axis`, the first of equals, as a floating number."""
    return _position(tf.argmin, x, axis, remove_dim)


def _position(
    function: Callable[..., tf.Tensor], x: Operand, axis: int, remove_dim: bool
) -> tf.Tensor:
    x = tensor(x)
    y = tf.cast(function(x, axis), tf.float32)
    return y if remove_dim and len(x.shape) > 1 else tf.expand_dims(y, axis)


def _reduced(
    function: Callable[..., tf.Tensor],
    x: Operand,
    axes: Sequence[int],
    keep_dims: bool,
    reduce_all: bool,
) -> tf.Tensor:
    """A value that would be left without axes keeps one: the rank is never below 1."""
    y = function(x, None if reduce_all else axes, keep_dims)
    return tf.reshape(y, (1,)) if len(y.shape) == 0 else y


_MODES: Mapping[str, Callable[..., tf.Tensor]] = {
    "SUM": reduce_sum,
    "AVG": reduce_mean,
    "PROD": reduce_prod,
    "SUMSQUARE": reduce_sum_square,
    "L1": reduce_l1,
    "L2": reduce_l2,
    "MAX": reduce_max,
    "MIN": reduce_min,
}
