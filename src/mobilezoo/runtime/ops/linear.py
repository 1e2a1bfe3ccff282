"""Matrix products."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from mobilezoo.runtime.arithmetic import Array, Operand, tensor, transposed

__all__ = ["linear", "matmul"]


def linear(x: Operand, weight: Array, bias: Array | None = None) -> tf.Tensor:
    """Affine map: x (..., d_in), weight (d_out, d_in), bias (d_out,) -> (..., d_out)."""
    x = tensor(x)
    if len(x.shape) == 1:
        return tf.squeeze(linear(tf.expand_dims(x, 0), weight, bias), 0)
    rows = tf.reshape(x, (-1, x.shape[-1])) if len(x.shape) > 2 else x
    if isinstance(weight, np.ndarray):  # for many rows twice as fast as a product that transposes
        y = tf.matmul(rows, transposed(weight, (1, 0)))
    else:
        y = tf.matmul(rows, weight, transpose_b=True)
    if bias is not None:
        y = tf.nn.bias_add(y, tensor(bias))
    if len(x.shape) > 2:
        y = tf.reshape(y, tf.concat([tf.shape(x)[:-1], [weight.shape[0]]], 0))
        y.set_shape((*x.shape[:-1], weight.shape[0]))
    return y


def matmul(
    x: Operand, y: Operand, transpose_x: bool = False, transpose_y: bool = False
) -> tf.Tensor:
    """Product of matrices in the last two axes; the axes before broadcast.

    x (..., n, k), y (..., k, m) -> (..., n, m); `transpose_x` reads x as (..., k, n),
    `transpose_y` reads y as (..., m, k). A vector has one row as x, one column as y, which goes
    from the result.
    """
    x, y = tensor(x), tensor(y)
    if len(x.shape) == 1:
        return tf.squeeze(matmul(x[tf.newaxis], y, False, transpose_y), -2)
    if len(y.shape) == 1:
        return tf.squeeze(matmul(x, y[:, tf.newaxis], transpose_x, False), -1)
    return tf.matmul(x, y, transpose_a=bool(transpose_x), transpose_b=bool(transpose_y))
