"""Attention, and the products that it is written in."""

from __future__ import annotations

import math

import tensorflow as tf

from mobilezoo.errors import UnsupportedOpError
from mobilezoo.runtime.arithmetic import Operand, tensor
from mobilezoo.runtime.ops._sizes import bounded

__all__ = ["einsum", "scaled_dot_product_attention"]


def scaled_dot_product_attention(
    query: Operand, key: Operand, value: Operand, attn_mask: Operand | None = None
) -> tf.Tensor:
    """Return softmax(query key^T / sqrt(e) + mask) value.

    query (*b, l, e), key (*b, s, e), value (*b, s, v), attn_mask broadcast to (*b, l, s), added,
    or of booleans, true where an element takes part -> (*b, l, v).
    """
    query, key, value = tensor(query), tensor(key), tensor(value)
    bounded((*query.shape[:-1], key.shape[-2]))
    scores = tf.matmul(query, key, transpose_b=True) * (1.0 / math.sqrt(query.shape[-1]))
    if attn_mask is not None:
        mask = tensor(attn_mask)
        if mask.dtype == tf.bool:
            scores = tf.where(mask, scores, -float("inf"))
        else:
            scores += mask
    return tf.matmul(tf.nn.softmax(scores, -1), value)


def einsum(values: tuple[Operand, Operand], equation: str) -> tf.Tensor:
    """Product of matrices on the axes -3 and -1: "nchw,nwhu->nchu" or "chw,whr->chr".

    (*n, c, h, w), (*n, w, h, u) -> (*n, c, h, u); n and h broadcast.
    """
    first, _, rest = equation.replace(" ", "").partition(",")
    second, _, result = rest.partition("->")
    names = {letter: str(i) for i, letter in enumerate(dict.fromkeys(first + second + result))}
    given = tuple("".join(names[letter] for letter in word) for word in (first, second, result))
    if given not in (("0123", "0324", "0124"), ("012", "213", "013")) or len(values) != 2:
        raise UnsupportedOpError(
            f"einsum with equation={equation!r}; known are nchw,nwhu->nchu and chw,whr->chr"
        )
    x, y = (tensor(value) for value in values)
    rank = len(x.shape)
    batch = range(rank - 3)
    rows = tf.transpose(x, (*batch, rank - 2, rank - 3, rank - 1))  # (*n, h, c, w)
    columns = tf.transpose(y, (*batch, rank - 2, rank - 3, rank - 1))  # (*n, h, w, u)
    return tf.transpose(tf.matmul(rows, columns), (*batch, rank - 2, rank - 3, rank - 1))
