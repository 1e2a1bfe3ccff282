"""Activation functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf

from mobilezoo.errors import UnsupportedOpError
from mobilezoo.runtime.arithmetic import Array, Operand
from mobilezoo.runtime.layout import along, elementwise
from mobilezoo.runtime.ops import activation as functions
from mobilezoo.runtime.ops._pictures import CHANNELS

__all__ = ["activation", "clamped_relu", "gelu", "softmax", "softmax_nd"]


def activation(
    x: Operand, *, function: str, alpha: float | Array = 0.0, beta: float | Array = 0.0
) -> tf.Tensor:
    """Apply one function to each element; the shape stays.

    linear: alpha x + beta. ReLU: max(x, 0). leakyReLU: x where x >= 0, alpha x elsewhere.
    thresholdedReLU: x where x >= alpha, 0 elsewhere. PReLU: as leakyReLU, alpha (c,) or (1,) for
    x (*batch, c, h, w). tanh. scaledTanh: alpha tanh(beta x). sigmoid. sigmoidHard:
    min(max(alpha x + beta, 0), 1). ELU: x where x >= 0, alpha (e^x - 1) elsewhere. softsign:
    x / (1 + |x|). softplus: log(1 + e^x). parametricSoftplus: alpha log(1 + e^(beta x)), alpha
    and beta (c,) or (1,) for x (*batch, c, h, w).
    """
    if function in _OF_X:
        return _OF_X[function](x)
    if function in _OF_X_ALPHA:
        return _OF_X_ALPHA[function](x, alpha)
    if function in _OF_X_ALPHA_BETA:
        return _OF_X_ALPHA_BETA[function](x, alpha, beta)
    known = ", ".join([*_OF_X, *_OF_X_ALPHA, *_OF_X_ALPHA_BETA])
    raise UnsupportedOpError(f"activation {function}; known are {known}")


def clamped_relu(x: Operand, *, alpha: float = 0.0, beta: float = 0.0) -> tf.Tensor:
    """Return min(x, beta) where x >= 0, min(alpha x, beta) elsewhere."""
    return elementwise(
        lambda value: tf.minimum(tf.where(value >= 0.0, value, alpha * value), beta), x
    )


def gelu(x: Operand, *, mode: str = "EXACT") -> tf.Tensor:
    """Return x times the probability that a standard normal variable is below x.

    EXACT, TANH_APPROXIMATION or SIGMOID_APPROXIMATION, as the ML program's op of that name.
    """
    return functions.gelu(x, mode)


def softmax(x: Operand) -> tf.Tensor:
    """Return e^x / sum(e^x) over the channels: x (*batch, c, h, w)."""
    return softmax_nd(x, axis=CHANNELS)


def softmax_nd(x: Operand, *, axis: int = 0) -> tf.Tensor:
    """Return e^x / sum(e^x) along `axis`; negative axes count from the end."""
    return along(axis % len(x.shape), x, tf.nn.softmax)


def _prelu(x: Operand, alpha: Operand) -> tf.Tensor:
    return elementwise(
        lambda value, slope: tf.where(value >= 0.0, value, slope * value), x, _per_channel(alpha)
    )


def _parametric_softplus(x: Operand, alpha: Operand, beta: Operand) -> tf.Tensor:
    return elementwise(
        lambda value, a, b: a * tf.math.softplus(b * value),
        x,
        _per_channel(alpha),
        _per_channel(beta),
    )


def _per_channel(parameter: Operand) -> Array:
    """(c,) -> (c, 1, 1), which broadcasts against the last three axes."""
    return np.reshape(np.asarray(parameter, np.float32), (-1, 1, 1))


_OF_X: Mapping[str, Callable[..., tf.Tensor]] = {
    "ReLU": functions.relu,
    "tanh": functions.tanh,
    "sigmoid": functions.sigmoid,
    "softsign": functions.softsign,
    "softplus": functions.softplus,
}
_OF_X_ALPHA: Mapping[str, Callable[..., tf.Tensor]] = {
    "leakyReLU": functions.leaky_relu,
    "thresholdedReLU": functions.thresholded_relu,
    "PReLU": _prelu,
    "ELU": functions.elu,
}
_OF_X_ALPHA_BETA: Mapping[str, Callable[..., tf.Tensor]] = {
    "linear": functions.linear_activation,
    "scaledTanh": functions.scaled_tanh,
    "sigmoidHard": functions.sigmoid_hard,
    "parametricSoftplus": _parametric_softplus,
}
