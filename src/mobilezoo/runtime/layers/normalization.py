"""Normalization."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from mobilezoo.runtime.arithmetic import Array, Operand, tensor
from mobilezoo.runtime.ops._pictures import CHANNELS, HEIGHT, WIDTH, at_least, over_pictures
from mobilezoo.runtime.ops.normalization import (
    batch_norm,
    l2_norm,
    layer_norm,
    local_response_norm,
    standardized,
)

__all__ = ["batchnorm", "l2normalize", "layer_normalization", "lrn", "mvn"]


def batchnorm(
    x: Operand,
    gamma: Array,
    beta: Array,
    mean: Array | None = None,
    variance: Array | None = None,
    *,
    epsilon: float = 1e-5,
    compute_mean_var: bool = False,
    instance_normalization: bool = False,
) -> tf.Tensor:
    """Return gamma * (x - mean) / sqrt(variance + epsilon) + beta, per channel.

    x (*batch, c, h, w), the others (c,). With `compute_mean_var` the mean and the variance (over
    n, not n - 1) are those of each picture's channel if `instance_normalization`, else those of
    the channel in the whole batch.
    """
    if not compute_mean_var:
        if mean is None or variance is None:
            raise ValueError("mean or variance is missing, and compute_mean_var is false")
        return over_pictures(lambda p: batch_norm(p, mean, variance, gamma, beta, epsilon), x)

    def normalized(pictures: tf.Tensor) -> tf.Tensor:
        axes = (2, 3) if instance_normalization else (0, 2, 3)
        scale, shift = gamma.reshape(-1, 1, 1), beta.reshape(-1, 1, 1)
        return standardized(pictures, axes, epsilon) * scale + shift

    return over_pictures(normalized, x)


def mvn(
    x: Operand,
    *,
    across_channels: bool = False,
    normalize_variance: bool = False,
    epsilon: float = 1e-6,
) -> tf.Tensor:
    """Return x - mean, divided by sqrt(variance + epsilon) if `normalize_variance`.

    x (*batch, c, h, w); statistics over (h, w), or over (c, h, w) if `across_channels`.
    """
    x = tensor(x)
    at_least(3, x)
    axes = (CHANNELS, HEIGHT, WIDTH) if across_channels else (HEIGHT, WIDTH)
    if normalize_variance:
        return standardized(x, axes, epsilon)
    return x - tf.reduce_mean(x, axes, keepdims=True)


def l2normalize(x: Operand, *, epsilon: float = 1e-6) -> tf.Tensor:
    """Return x / sqrt(sum(x^2) + epsilon), the sum over (c, h, w): x (*batch, c, h, w)."""
    return l2_norm(x, epsilon)


def lrn(
    x: Operand, *, alpha: float = 0.0, beta: float = 0.0, local_size: int = 0, k: float = 1.0
) -> tf.Tensor:
    """Return x / (k + alpha / local_size * s) ^ beta, s the sum of squares over channels.

    x (*batch, c, h, w). The `local_size` channels, an odd number, are centred on each.
    """
    return over_pictures(lambda p: local_response_norm(p, local_size, alpha, beta, k), x)


def layer_normalization(
    x: Operand,
    gamma: Array,
    beta: Array,
    *,
    normalized_shape: Sequence[int] = (),
    eps: float = 0.0,
) -> tf.Tensor:
    """Return gamma * (x - mean) / sqrt(variance + eps) + beta.

    x (*batch, *normalized_shape), gamma and beta of `normalized_shape`, over which the
    statistics are taken.
    """
    return layer_norm(x, range(-len(normalized_shape), 0), gamma, beta, eps)
