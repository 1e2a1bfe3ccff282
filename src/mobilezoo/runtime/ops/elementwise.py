"""Arithmetic, comparison and logic, one element at a time, with NumPy's broadcasting."""

from __future__ import annotations

import math

import numpy as np
import tensorflow as tf

from mobilezoo.runtime.arithmetic import Operand, cast_type
from mobilezoo.runtime.layout import elementwise

__all__ = [
    "abs", "add", "cast", "ceil", "clip", "cos", "equal", "erf", "exp", "floor", "floor_div",
    "greater", "greater_equal", "inverse", "less", "less_equal", "log", "logical_and",
    "logical_not", "logical_or", "logical_xor", "maximum", "minimum", "mod", "mul", "not_equal",
    "pow", "real_div", "rsqrt", "select", "sign", "sin", "sqrt", "square", "sub", "threshold",
]  # fmt: skip

_SMALLEST_NORMAL = float(np.finfo(np.float32).tiny)


def add(x: Operand, y: Operand) -> tf.Tensor:
    """Return x + y, broadcast."""
    return elementwise(tf.add, x, y)


def sub(x: Operand, y: Operand) -> tf.Tensor:
    """Return x - y, broadcast."""
    return elementwise(tf.subtract, x, y)


def mul(x: Operand, y: Operand) -> tf.Tensor:
    """Return x * y, broadcast."""
    return elementwise(tf.multiply, x, y)


def real_div(x: Operand, y: Operand) -> tf.Tensor:
    """Return x / y, broadcast; of whole numbers without the fraction, towards zero."""
    return elementwise(_divided, x, y)


def _divided(x: Operand, y: Operand) -> tf.Tensor:
    whole = tf.convert_to_tensor(x if isinstance(x, tf.Tensor) else y).dtype.is_integer
    return tf.truncatediv(x, y) if whole else tf.realdiv(x, y)


def floor_div(x: Operand, y: Operand) -> tf.Tensor:
    """Return floor(x / y), broadcast: rounded towards minus infinity."""
    return elementwise(tf.math.floordiv, x, y)


def mod(x: Operand, y: Operand) -> tf.Tensor:
    """Return x - floor(x / y) * y, broadcast: the sign is that of y."""
    return elementwise(tf.math.floormod, x, y)


def pow(x: Operand, y: Operand) -> tf.Tensor:
    """Return x to the power y, broadcast."""
    return elementwise(tf.pow, x, y)


def maximum(x: Operand, y: Operand) -> tf.Tensor:
    """Return the larger of x and y, broadcast."""
    return elementwise(tf.maximum, x, y)


def minimum(x: Operand, y: Operand) -> tf.Tensor:
    """Return the smaller of x and y, broadcast."""
    return elementwise(tf.minimum, x, y)


def equal(x: Operand, y: Operand) -> tf.Tensor:
    """Return x == y as booleans, broadcast."""
    return elementwise(tf.equal, x, y)


def not_equal(x: Operand, y: Operand) -> tf.Tensor:
    """Return x != y as booleans, broadcast."""
    return elementwise(tf.not_equal, x, y)


def greater(x: Operand, y: Operand) -> tf.Tensor:
    """Return x > y as booleans, broadcast."""
    return elementwise(tf.greater, x, y)


def greater_equal(x: Operand, y: Operand) -> tf.Tensor:
    """Return x >= y as booleans, broadcast."""
    return elementwise(tf.greater_equal, x, y)


def less(x: Operand, y: Operand) -> tf.Tensor:
    """Return x < y as booleans, broadcast."""
    return elementwise(tf.less, x, y)


def less_equal(x: Operand, y: Operand) -> tf.Tensor:
    """Return x <= y as booleans, broadcast."""
    return elementwise(tf.less_equal, x, y)


def logical_and(x: Operand, y: Operand) -> tf.Tensor:
    """Return x and y of booleans, broadcast."""
    return elementwise(tf.logical_and, x, y)


def logical_or(x: Operand, y: Operand) -> tf.Tensor:
    """Return x or y of booleans, broadcast."""
    return elementwise(tf.logical_or, x, y)


def logical_xor(x: Operand, y: Operand) -> tf.Tensor:
    """Return whether exactly one of two booleans holds, broadcast."""
    return elementwise(tf.math.logical_xor, x, y)


def logical_not(x: Operand) -> tf.Tensor:
    """Return not x, of booleans."""
    return elementwise(tf.logical_not, x)


def select(cond: Operand, a: Operand, b: Operand) -> tf.Tensor:
    """Return `a` where `cond` holds and `b` elsewhere, the three broadcast."""
    return elementwise(tf.where, cond, a, b)


def cast(x: Operand, dtype: str) -> tf.Tensor:
    """Change the type; floating to integer cuts the fraction off, towards zero.

    Between floating types nothing changes: see `mobilezoo.runtime.arithmetic`.
    """
    target = cast_type(dtype)
    return elementwise(lambda value: tf.cast(value, target), x)


def clip(x: Operand, alpha: float, beta: float) -> tf.Tensor:
    """Return min(max(x, alpha), beta)."""
    return elementwise(lambda value: tf.minimum(tf.maximum(value, alpha), beta), x)


def threshold(x: Operand, alpha: float) -> tf.Tensor:
    """Return max(x, alpha)."""
    return elementwise(lambda value: tf.maximum(value, alpha), x)


def inverse(x: Operand, epsilon: float = 1e-4) -> tf.Tensor:
    """Return 1 / (x + epsilon)."""
    return elementwise(lambda value: tf.math.reciprocal(value + epsilon), x)


def log(x: Operand, epsilon: float = 1e-45) -> tf.Tensor:
    """Return the natural logarithm of x + epsilon."""
    if epsilon >= _SMALLEST_NORMAL or epsilon == 0.0:
        return elementwise(lambda value: tf.math.log(value + epsilon), x)
    least = math.log(float(np.float32(epsilon)))  # TensorFlow takes so small a number for zero
    return elementwise(
        lambda value: tf.where(tf.abs(value) < _SMALLEST_NORMAL, least, tf.math.log(value)), x
    )


def rsqrt(x: Operand, epsilon: float = 1e-12) -> tf.Tensor:
    """Return 1 / sqrt(x + epsilon)."""
    return elementwise(lambda value: tf.math.rsqrt(value + epsilon), x)


def sqrt(x: Operand) -> tf.Tensor:
    """Return the square root of x."""
    return elementwise(tf.sqrt, x)


def square(x: Operand) -> tf.Tensor:
    """Return x * x."""
    return elementwise(tf.square, x)


def exp(x: Operand) -> tf.Tensor:
    """Return e to the power x."""
    return elementwise(tf.exp, x)


def erf(x: Operand) -> tf.Tensor:
    """Return the Gauss error function of x."""
    return elementwise(tf.math.erf, x)


def abs(x: Operand) -> tf.Tensor:
    """Return the absolute value of x."""
    return elementwise(tf.abs, x)


def sign(x: Operand) -> tf.Tensor:
    """Return -1, 0 or 1."""
    return elementwise(tf.sign, x)


def floor(x: Operand) -> tf.Tensor:
    """Return x rounded towards minus infinity."""
    return elementwise(tf.floor, x)


def ceil(x: Operand) -> tf.Tensor:
    """Return x rounded towards plus infinity."""
    return elementwise(tf.math.ceil, x)


def sin(x: Operand) -> tf.Tensor:
    """Return the sine of x, in radians."""
    return elementwise(tf.sin, x)


def cos(x: Operand) -> tf.Tensor:
    """Return the cosine of x, in radians."""
    return elementwise(tf.cos, x)
