"""Trigonometric and hyperbolic functions, and rounding, one element at a time."""

from __future__ import annotations

import tensorflow as tf

from mobilezoo.runtime.arithmetic import Operand
from mobilezoo.runtime.layout import elementwise

__all__ = ["acos", "asin", "atan", "atanh", "cosh", "exp2", "round", "sinh", "tan"]


def acos(x: Operand) -> tf.Tensor:
    """Return the angle whose cosine is x."""
    return elementwise(tf.acos, x)


def asin(x: Operand) -> tf.Tensor:
    """Return the angle whose sine is x."""
    return elementwise(tf.asin, x)


def atan(x: Operand) -> tf.Tensor:
    """Return the angle whose tangent is x."""
    return elementwise(tf.atan, x)


def atanh(x: Operand) -> tf.Tensor:
    """Return the inverse hyperbolic tangent of x."""
    return elementwise(tf.atanh, x)


def cosh(x: Operand) -> tf.Tensor:
    """Return the hyperbolic cosine of x."""
    return elementwise(tf.cosh, x)


def exp2(x: Operand) -> tf.Tensor:
    """Return 2 to the power x."""
    return elementwise(lambda value: tf.pow(tf.cast(2.0, value.dtype), value), x)


def round(x: Operand) -> tf.Tensor:
    """Return the nearest whole number; halves go to the even one."""
    return elementwise(tf.round, x)


def sinh(x: Operand) -> tf.Tensor:
    """Return the hyperbolic sine of x."""
    return elementwise(tf.sinh, x)


def tan(x: Operand) -> tf.Tensor:
    """Return the tangent of x."""
    return elementwise(tf.tan, x)
