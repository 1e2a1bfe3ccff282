"""Matrix products and look-ups."""

from __future__ import annotations

import tensorflow as tf

from mobilezoo.runtime.arithmetic import Array, Operand, tensor
from mobilezoo.runtime.layout import elementwise
from mobilezoo.runtime.ops._pictures import at_least, batch_of, elements
from mobilezoo.runtime.ops.linear import linear

__all__ = ["batched_matmul", "dot", "embedding", "embedding_nd", "inner_product"]


def inner_product(x: Operand, weights: Array, bias: Array | None = None) -> tf.Tensor:
    """Affine map over the last axis of x, or over the last three where its rank is 4 or 5.

    weights (c_out, c_in), bias (c_out,).
    x (*batch, c_in) of rank 1, 2 or 3 -> (*batch, c_out);
    x (*batch, c, h, w) of rank 4 or 5 with c * h * w = c_in -> (*batch, c_out, 1, 1).
    """
    x = tensor(x)
    kept = 3 if at_least(1, x) >= 4 else 1
    if elements(x, kept) != weights.shape[1]:
        raise ValueError(
            f"the input has shape {tuple(x.shape)}, but {weights.shape[1]} input channels are "
            "declared"
        )
    if kept == 1:
        return linear(x, weights, bias)
    y = linear(tf.reshape(x, (-1, weights.shape[1])), weights, bias)
    return tf.reshape(y, (*batch_of(x, 3), weights.shape[0], 1, 1))


def batched_matmul(
    a: Operand,
    b: Operand,
    bias: Array | None = None,
    *,
    transpose_a: bool = False,
    transpose_b: bool = False,
) -> tf.Tensor:
    """Product of the matrices in the last two axes; the axes before broadcast.

    a (..., n, k), b (..., k, m) -> (..., n, m); `transpose_a` reads a as (..., k, n),
    `transpose_b` reads b as (..., m, k). A vector a is a row, a vector b a column; the axis that
    they are given stays, except for a vector a with a `b` that the layer itself holds: (k,) ->
    (m,). bias (m,).
    """
    x, y = tensor(a), tensor(b)
    alone = len(x.shape) == 1
    x = tf.expand_dims(x, 0) if alone else x
    y = tf.expand_dims(y, 1) if len(y.shape) == 1 else y
    product = tf.matmul(x, y, transpose_a=transpose_a, transpose_b=transpose_b)
    if bias is not None:
        product = product + tensor(bias)
    return tf.squeeze(product, 0) if alone and not isinstance(b, tf.Tensor) else product


def dot(x: Operand, y: Operand, *, cosine_similarity: bool = False) -> tf.Tensor:
    """Sum of products over the last three axes, of which the channels alone are longer than 1.

    x and y (*batch, c, 1, 1) -> (*batch, 1, 1, 1); `cosine_similarity` divides by both lengths.
    """
    x, y = tensor(x), tensor(y)
    at_least(3, x)
    product = tf.reduce_sum(x * y, (-3, -2, -1), keepdims=True)
    if not cosine_similarity:
        return product
    lengths = [tf.norm(value, axis=(-2, -1), keepdims=True) for value in _as_rows(x, y)]
    return product / tf.reshape(lengths[0] * lengths[1], tf.shape(product))


def embedding(x: Operand, weights: Array, bias: Array | None = None) -> tf.Tensor:
    """Column x of `weights`, plus `bias`: x (*batch, 1, 1, 1) -> (*batch, c_out, 1, 1).

    weights (c_out, words), bias (c_out,).
    """
    x = tensor(x)
    at_least(4, x)
    if x.shape[-3:] != (1, 1, 1):
        raise ValueError(f"the input has shape {tuple(x.shape)}; the last three axes must be 1")
    looked_up = _rows(tf.reshape(x, batch_of(x, 3)), weights, bias)
    return looked_up[..., tf.newaxis, tf.newaxis]


def embedding_nd(x: Operand, weights: Array, bias: Array | None = None) -> tf.Tensor:
    """Column x of `weights`, plus `bias`: x (*batch, 1) -> (*batch, size).

    weights (size, words), bias (size,).
    """
    x = tensor(x)
    if at_least(2, x) and x.shape[-1] != 1:
        raise ValueError(f"the input has shape {tuple(x.shape)}; the last axis must be 1")
    return _rows(tf.reshape(x, batch_of(x, 1)), weights, bias)


def _rows(x: tf.Tensor, weights: Array, bias: Array | None) -> tf.Tensor:
    looked_up = tf.gather(tensor(weights.T), tf.cast(x, tf.int32))
    return looked_up if bias is None else elementwise(tf.add, looked_up, bias)


def _as_rows(*values: tf.Tensor) -> list[tf.Tensor]:
    """(*batch, c, h, w) -> (*batch, c, h * w), each."""
    return [
        tf.reshape(value, (*batch_of(value, 3), value.shape[-3], elements(value, 2)))
        for value in values
    ]
