"""Arithmetic, comparison and logic with NumPy's broadcasting (specification 4 and later).

Truth values are floating numbers: 0 is false, any other is true, and results are 0 or 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce

import tensorflow as tf

from mobilezoo.runtime.arithmetic import Operand
from mobilezoo.runtime.layout import elementwise
from mobilezoo.runtime.ops.elementwise import ceil, cos, erf, floor, sign, sin
from mobilezoo.runtime.ops.trigonometry import acos, asin, atan, atanh, cosh, exp2, round, sinh, tan

__all__ = [
    "acos", "acosh", "add_broadcastable", "asin", "asinh", "atan", "atanh", "ceil", "cos",
    "cosh", "divide_broadcastable", "equal", "erf", "exp2", "floor", "floor_div_broadcastable",
    "greater_equal", "greater_than", "less_equal", "less_than", "logical_and", "logical_not",
    "logical_or", "logical_xor", "max_broadcastable", "min_broadcastable", "mod_broadcastable",
    "multiply_broadcastable", "not_equal", "pow_broadcastable", "round", "sign", "sin", "sinh",
    "subtract_broadcastable", "tan", "tanh", "where_broadcastable",
]  # fmt: skip


def acosh(x: Operand) -> tf.Tensor:
    """Return the inverse hyperbolic cosine of x."""
    return elementwise(tf.acosh, x)


def asinh(x: Operand) -> tf.Tensor:
    """Return the inverse hyperbolic sine of x."""
    return elementwise(tf.asinh, x)


def tanh(x: Operand) -> tf.Tensor:
    """Return the hyperbolic tangent of x."""
    return elementwise(tf.tanh, x)


def add_broadcastable(values: Sequence[Operand]) -> tf.Tensor:
    """Return the sum of the values, broadcast."""
    return reduce(lambda x, y: elementwise(tf.add, x, y), values)


def multiply_broadcastable(values: Sequence[Operand]) -> tf.Tensor:
    """Return the product of the values, broadcast."""
    return reduce(lambda x, y: elementwise(tf.multiply, x, y), values)


def max_broadcastable(values: Sequence[Operand]) -> tf.Tensor:
    """Return the largest of the values, broadcast."""
    return reduce(lambda x, y: elementwise(tf.maximum, x, y), values)


def min_broadcastable(values: Sequence[Operand]) -> tf.Tensor:
    """Return the smallest of the values, broadcast."""
    return reduce(lambda x, y: elementwise(tf.minimum, x, y), values)


def subtract_broadcastable(x: Operand, y: Operand) -> tf.Tensor:
    """Return x - y; broadcast."""
    return elementwise(tf.subtract, x, y)


def divide_broadcastable(x: Operand, y: Operand) -> tf.Tensor:
    """Return x / y; broadcast."""
    return elementwise(tf.realdiv, x, y)


def floor_div_broadcastable(x: Operand, y: Operand) -> tf.Tensor:
    """Return floor(x / y); broadcast."""
    return elementwise(tf.math.floordiv, x, y)


def mod_broadcastable(x: Operand, y: Operand) -> tf.Tensor:
    """Return x - floor(x / y) * y: the sign is that of y; broadcast."""
    return elementwise(tf.math.floormod, x, y)


def pow_broadcastable(x: Operand, y: Operand) -> tf.Tensor:
    """Return x to the power y; broadcast."""
    return elementwise(tf.pow, x, y)


def equal(x: Operand, y: Operand | None = None, *, alpha: float = 0.0) -> tf.Tensor:
    """Return whether x == y, broadcast; alpha instead of a missing y."""
    return _truth(tf.equal, x, alpha if y is None else y)


def not_equal(x: Operand, y: Operand | None = None, *, alpha: float = 0.0) -> tf.Tensor:
    """Return whether x != y, broadcast; alpha instead of a missing y."""
    return _truth(tf.not_equal, x, alpha if y is None else y)


def less_than(x: Operand, y: Operand | None = None, *, alpha: float = 0.0) -> tf.Tensor:
    """Return whether x < y, broadcast; alpha instead of a missing y."""
    return _truth(tf.less, x, alpha if y is None else y)


def less_equal(x: Operand, y: Operand | None = None, *, alpha: float = 0.0) -> tf.Tensor:
    """Return whether x <= y, broadcast; alpha instead of a missing y."""
    return _truth(tf.less_equal, x, alpha if y is None else y)


def greater_than(x: Operand, y: Operand | None = None, *, alpha: float = 0.0) -> tf.Tensor:
    """Return whether x > y, broadcast; alpha instead of a missing y."""
    return _truth(tf.greater, x, alpha if y is None else y)


def greater_equal(x: Operand, y: Operand | None = None, *, alpha: float = 0.0) -> tf.Tensor:
    """Return whether x >= y, broadcast; alpha instead of a missing y."""
    return _truth(tf.greater_equal, x, alpha if y is None else y)


def logical_and(x: Operand, y: Operand) -> tf.Tensor:
    """Return whether both x and y are true, broadcast."""
    return _truth(lambda a, b: tf.logical_and(a != 0.0, b != 0.0), x, y)


def logical_or(x: Operand, y: Operand) -> tf.Tensor:
    """Return whether x or y is true, broadcast."""
    return _truth(lambda a, b: tf.logical_or(a != 0.0, b != 0.0), x, y)


def logical_xor(x: Operand, y: Operand) -> tf.Tensor:
    """Return whether exactly one of x and y is true, broadcast."""
    return _truth(lambda a, b: tf.math.logical_xor(a != 0.0, b != 0.0), x, y)


def logical_not(x: Operand) -> tf.Tensor:
    """Return whether x is false."""
    return _truth(lambda value: tf.equal(value, 0.0), x)


def where_broadcastable(condition: Operand, x: Operand, y: Operand) -> tf.Tensor:
    """Return x where the condition is true and y elsewhere, the three broadcast."""
    return elementwise(lambda c, a, b: tf.where(c != 0.0, a, b), condition, x, y)


def _truth(function: Callable[..., tf.Tensor], *operands: Operand) -> tf.Tensor:
    return elementwise(lambda *values: tf.cast(function(*values), tf.float32), *operands)
