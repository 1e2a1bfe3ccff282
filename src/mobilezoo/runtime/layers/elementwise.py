"""Arithmetic, one element at a time, of one value or of several."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce

import tensorflow as tf

from mobilezoo.errors import UnsupportedOpError
from mobilezoo.runtime.arithmetic import Array, Operand
from mobilezoo.runtime.layout import elementwise

__all__ = ["add", "average", "bias", "clip", "max", "min", "multiply", "scale", "unary"]


def add(values: Sequence[Operand], *, alpha: float = 0.0) -> tf.Tensor:
    """Sum of the values, broadcast; of one value x, x + alpha."""
    return _folded(tf.add, values if len(values) > 1 else (values[0], alpha))


def multiply(values: Sequence[Operand], *, alpha: float = 0.0) -> tf.Tensor:
    """Product of the values, broadcast; of one value x, alpha x."""
    return _folded(tf.multiply, values if len(values) > 1 else (values[0], alpha))


def average(values: Sequence[Operand]) -> tf.Tensor:
    """Mean of the values, broadcast."""
    share = 1.0 / len(values)
    return elementwise(lambda total: total * share, _folded(tf.add, values))


def max(values: Sequence[Operand]) -> tf.Tensor:
    """Largest of the values, broadcast."""
    return _folded(tf.maximum, values)


def min(values: Sequence[Operand]) -> tf.Tensor:
    """Smallest of the values, broadcast."""
    return _folded(tf.minimum, values)


def scale(x: Operand, scale: Array, bias: Array | None = None) -> tf.Tensor:
    """Return scale * x + bias.

    x (*batch, c, h, w), scale and bias (1,), (c, 1, 1), (1, h, w) or (c, h, w).
    """
    if bias is None:
        return elementwise(tf.multiply, x, scale)
    return elementwise(lambda value, a, b: value * a + b, x, scale, bias)


def bias(x: Operand, bias: Array) -> tf.Tensor:
    """Return x + bias: x (*batch, c, h, w), bias (1,), (c, 1, 1), (1, h, w) or (c, h, w)."""
    return elementwise(tf.add, x, bias)


def clip(x: Operand, *, min_val: float = 0.0, max_val: float = 0.0) -> tf.Tensor:
    """Return min(max(x, min_val), max_val)."""
    return elementwise(lambda value: tf.minimum(tf.maximum(value, min_val), max_val), x)


def unary(
    x: Operand,
    *,
    type: str = "SQRT",
    alpha: float = 0.0,
    epsilon: float = 1e-6,
    shift: float = 0.0,
    scale: float = 1.0,
) -> tf.Tensor:
    """Apply one function to v = scale * x + shift; the shape stays.

    SQRT: root of v. RSQRT: 1 / root of (v + epsilon). INVERSE: 1 / (v + epsilon). POWER:
    v^alpha. EXP: e^v. LOG: natural logarithm of v. ABS: |v|. THRESHOLD: max(v, alpha).
    """
    functions: dict[str, Callable[[tf.Tensor], tf.Tensor]] = {
        "SQRT": tf.sqrt,
        "RSQRT": lambda value: tf.math.rsqrt(value + epsilon),
        "INVERSE": lambda value: tf.math.reciprocal(value + epsilon),
        "POWER": lambda value: tf.pow(value, alpha),
        "EXP": tf.exp,
        "LOG": tf.math.log,
        "ABS": tf.abs,
        "THRESHOLD": lambda value: tf.maximum(value, alpha),
    }
    if type not in functions:
        raise UnsupportedOpError(f"unary of type {type}; known are {', '.join(functions)}")
    if scale == 1.0 and shift == 0.0:
        return elementwise(functions[type], x)
    return elementwise(lambda value: functions[type](scale * value + shift), x)


def _folded(function: Callable[..., tf.Tensor], values: Sequence[Operand]) -> tf.Tensor:
    return reduce(lambda x, y: elementwise(function, x, y), values)
