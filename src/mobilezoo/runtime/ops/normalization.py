"""Normalization."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from mobilezoo.errors import UnsupportedOpError
from mobilezoo.runtime.arithmetic import Array, Operand, tensor
from mobilezoo.runtime.layout import channels_first, channels_last, elementwise, is_stored_last
from mobilezoo.runtime.ops._pictures import at_least

__all__ = ["batch_norm", "instance_norm", "l2_norm", "layer_norm", "local_response_norm"]


def batch_norm(
    x: Operand,
    mean: Array,
    variance: Array,
    gamma: Array | None = None,
    beta: Array | None = None,
    epsilon: float = 1e-5,
) -> tf.Tensor:
    """Return gamma * (x - mean) / sqrt(variance + epsilon) + beta, per channel.

    x (n, c, *d), the others (c,) -> (n, c, *d).
    """
    per_channel = (1, -1) + (1,) * (len(x.shape) - 2)
    shapes = {np.shape(values) for values in (mean, variance, gamma, beta) if values is not None}
    if len(shapes) > 1 or np.ndim(mean) != 1:
        raise ValueError(f"statistics and factors of shapes {sorted(shapes)}; vectors are required")
    scale = 1.0 / np.sqrt(np.asarray(variance, np.float64) + epsilon)
    if gamma is not None:
        scale = scale * gamma
    offset = -mean * scale if beta is None else beta - mean * scale
    return elementwise(
        lambda value, a, b: value * a + b,
        x,
        scale.astype(np.float32).reshape(per_channel),
        offset.astype(np.float32).reshape(per_channel),
    )


def instance_norm(
    x: Operand, gamma: Array | None = None, beta: Array | None = None, epsilon: float = 1e-5
) -> tf.Tensor:
    """Return gamma * (x - mean) / sqrt(variance + epsilon) + beta, over each channel's pixels.

    x (n, c, *d), the others (c,) -> (n, c, *d).
    """
    if is_stored_last(x):
        y = channels_first(standardized(channels_last(x), (1, 2), epsilon))
    else:
        x = tensor(x)
        y = standardized(x, range(2, len(x.shape)), epsilon)
    per_channel = (1, -1) + (1,) * (len(x.shape) - 2)
    if gamma is not None:
        y = elementwise(tf.multiply, y, np.reshape(gamma, per_channel))
    if beta is not None:
        y = elementwise(tf.add, y, np.reshape(beta, per_channel))
    return y


def l2_norm(x: Operand, epsilon: float = 1e-6) -> tf.Tensor:
    """Return x / sqrt(sum(x^2) + epsilon), the sum over (c, h, w): x (*batch, c, h, w)."""
    x = tensor(x)
    at_least(3, x)
    squares = tf.reduce_sum(tf.square(x), (-3, -2, -1), keepdims=True)
    return x * tf.math.rsqrt(squares + epsilon)


def standardized(x: tf.Tensor, axes: Sequence[int], epsilon: float) -> tf.Tensor:
    """Return (x - mean) / sqrt(variance + epsilon), the statistics over `axes`."""
    centred = x - tf.reduce_mean(x, axes, keepdims=True)
    variance = tf.reduce_mean(tf.square(centred), axes, keepdims=True)
    return centred * tf.math.rsqrt(variance + epsilon)


def layer_norm(
    x: Operand,
    axes: Sequence[int] | None = None,
    gamma: Array | None = None,
    beta: Array | None = None,
    epsilon: float = 1e-5,
) -> tf.Tensor:
    """Return gamma * (x - mean) / sqrt(variance + epsilon) + beta, statistics over `axes`.

    x of any shape, gamma and beta of the shape that x has along `axes` -> the shape of x.
    """
    x = tensor(x)
    rank = len(x.shape)
    kept = sorted(range(rank) if axes is None else (int(axis) % rank for axis in axes))
    y = standardized(x, kept, epsilon)
    spread = [x.shape[axis] if axis in kept else 1 for axis in range(rank)]
    if gamma is not None:
        y = y * tensor(np.reshape(gamma, spread))
    if beta is not None:
        y = y + tensor(np.reshape(beta, spread))
    return y


def local_response_norm(
    x: Operand, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> tf.Tensor:
    """Return x / (k + alpha / size * s) ^ beta, s the sum of squares over `size` channels.

    x (n, c, h, w) -> (n, c, h, w). The `size` channels, an odd number, are centred on each.
    """
    if len(x.shape) != 4 or size % 2 == 0:
        raise UnsupportedOpError(
            f"local_response_norm of rank {len(x.shape)} over {size} channels; "
            "rank 4 and an odd number of channels are known"
        )
    y = tf.nn.local_response_normalization(
        channels_last(x), depth_radius=size // 2, bias=k, alpha=alpha / size, beta=beta
    )
    return channels_first(y)
