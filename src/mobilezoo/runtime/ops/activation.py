"""Activation functions."""

from __future__ import annotations

import math

import numpy as np
import tensorflow as tf

from mobilezoo.errors import UnsupportedOpError
from mobilezoo.runtime.arithmetic import Array, Operand, tensor
from mobilezoo.runtime.layout import along, elementwise

__all__ = [
    "clamped_relu", "elu", "gelu", "leaky_relu", "linear_activation", "prelu", "relu", "relu6",
    "scaled_tanh", "sigmoid", "sigmoid_hard", "silu", "softmax", "softplus", "softplus_parametric",
    "softsign", "tanh", "thresholded_relu",
]  # fmt: skip


def relu(x: Operand) -> tf.Tensor:
    """Return max(x, 0)."""
    return elementwise(tf.nn.relu, x)


def relu6(x: Operand) -> tf.Tensor:
    """Return min(max(x, 0), 6)."""
    return elementwise(tf.nn.relu6, x)


def leaky_relu(x: Operand, alpha: float) -> tf.Tensor:
    """Return x where x >= 0, alpha * x elsewhere."""
    return elementwise(lambda value: tf.nn.leaky_relu(value, alpha), x)


def clamped_relu(x: Operand, alpha: float, beta: float) -> tf.Tensor:
    """Return min(beta, x) where x >= 0, min(beta, alpha * x) elsewhere."""
    return elementwise(lambda value: tf.minimum(tf.nn.leaky_relu(value, alpha), beta), x)


def thresholded_relu(x: Operand, alpha: float) -> tf.Tensor:
    """Return x where x >= alpha, 0 elsewhere."""
    return elementwise(lambda value: tf.where(value >= alpha, value, 0.0), x)


def prelu(x: Operand, alpha: Array) -> tf.Tensor:
    """Return x where x > 0, alpha_c * x elsewhere: x (n, c, *d), alpha (c,) -> (n, c, *d)."""
    per_channel = np.reshape(alpha, (1, -1) + (1,) * (len(x.shape) - 2))
    return elementwise(
        lambda value, slope: tf.maximum(value, 0.0) + slope * tf.minimum(value, 0.0),
        x,
        per_channel,
    )


def elu(x: Operand, alpha: float) -> tf.Tensor:
    """Return x where x > 0, alpha * (e^x - 1) elsewhere."""
    if alpha == 1.0:
        return elementwise(tf.nn.elu, x)
    return elementwise(lambda value: tf.where(value > 0.0, value, alpha * tf.nn.elu(value)), x)


def sigmoid(x: Operand) -> tf.Tensor:
    """Return 1 / (1 + e^-x)."""
    return elementwise(tf.sigmoid, x)


def sigmoid_hard(x: Operand, alpha: float, beta: float) -> tf.Tensor:
    """Return min(max(alpha * x + beta, 0), 1)."""
    if beta == 0.0 and _is_sixth(alpha):  # how networks write relu6, which TensorFlow has
        return elementwise(lambda value: tf.nn.relu6(value) * alpha, x)
    return elementwise(lambda value: tf.clip_by_value(alpha * value + beta, 0.0, 1.0), x)


def _is_sixth(alpha: float) -> bool:
    return math.isclose(alpha, 1 / 6, rel_tol=1e-6)  # a float32


def silu(x: Operand) -> tf.Tensor:
    """Return x * sigmoid(x)."""
    return elementwise(lambda value: value * tf.sigmoid(value), x)


def tanh(x: Operand) -> tf.Tensor:
    """Return the hyperbolic tangent of x."""
    return elementwise(tf.tanh, x)


def scaled_tanh(x: Operand, alpha: float, beta: float) -> tf.Tensor:
    """Return alpha * tanh(beta * x)."""
    return elementwise(lambda value: alpha * tf.tanh(beta * value), x)


def linear_activation(x: Operand, alpha: float, beta: float) -> tf.Tensor:
    """Return alpha * x + beta."""
    if beta == 0.0:
        return elementwise(lambda value: alpha * value, x)
    return elementwise(lambda value: alpha * value + beta, x)


def softplus(x: Operand) -> tf.Tensor:
    """Return log(1 + e^x)."""
    return elementwise(tf.math.softplus, x)


def softplus_parametric(x: Operand, alpha: Array, beta: Array) -> tf.Tensor:
    """Return alpha_c * log(1 + e^(beta_c * x)): x (n, c, *d), alpha and beta (c,) -> (n, c, *d)."""
    per_channel = (1, -1) + (1,) * (len(x.shape) - 2)
    return elementwise(
        lambda value, scale, slope: scale * tf.math.softplus(value * slope),
        x,
        np.reshape(alpha, per_channel),
        np.reshape(beta, per_channel),
    )


def softsign(x: Operand) -> tf.Tensor:
    """Return x / (1 + |x|)."""
    return elementwise(tf.math.softsign, x)


def gelu(x: Operand, mode: str = "EXACT") -> tf.Tensor:
    """Return x * P(X <= x) for a standard normal X, or one of two approximations.

    EXACT: x/2 (1 + erf(x / sqrt 2)). TANH_APPROXIMATION: x/2 (1 + tanh(sqrt(2/pi)
    (x + 0.044715 x^3))). SIGMOID_APPROXIMATION: x sigmoid(1.702 x).
    """
    functions = {
        "EXACT": lambda value: 0.5 * value * (1.0 + tf.math.erf(value * math.sqrt(0.5))),
        "TANH_APPROXIMATION": lambda value: (
            0.5
            * value
            * (1.0 + tf.tanh(math.sqrt(2.0 / math.pi) * (value + 0.044715 * value * value * value)))
        ),
        "SIGMOID_APPROXIMATION": lambda value: value * tf.sigmoid(1.702 * value),
    }
    if mode not in functions:
        raise UnsupportedOpError(f"gelu with mode={mode!r}; known are {', '.join(functions)}")
    return elementwise(functions[mode], x)


def softmax(x: Operand, axis: int = -1) -> tf.Tensor:
    """Return e^x / sum(e^x) along `axis`; same shape as x."""
    return along(int(axis), tensor(x), tf.nn.softmax)
