"""Elements put, or worked in, by place; negative places count from the end.

The `mode` is SCATTER_UPDATE, or SCATTER_ADD, SUB, MUL, DIV, MAX or MIN, which count each of several
updates of one place.
"""

from __future__ import annotations

import tensorflow as tf

from mobilezoo.runtime.arithmetic import Operand, tensor
from mobilezoo.runtime.ops import scattering as ops
from mobilezoo.runtime.ops._pictures import batch_of

__all__ = ["scatter", "scatter_along_axis", "scatter_nd"]


def scatter(
    x: Operand, indices: Operand, updates: Operand, *, axis: int = 0, mode: str = "SCATTER_UPDATE"
) -> tf.Tensor:
    """Work `updates` into x at positions along `axis`.

    x (*a, d, *b), indices (*i), updates (*a, *i, *b) -> (*a, d, *b).
    """
    data, places, parts = tensor(x), tensor(indices), tensor(updates)
    axis = range(len(data.shape))[axis]
    after = len(data.shape) - axis - 1
    sizes = batch_of(parts, 0)
    before, behind = sizes[:axis], sizes[len(sizes) - after :]
    flat = tf.reshape(parts, (*before, tf.size(places), *behind))
    return ops.scatter(data, tf.reshape(places, [-1]), flat, axis, _mode(mode))


def scatter_along_axis(
    x: Operand, indices: Operand, updates: Operand, *, axis: int = 0, mode: str = "SCATTER_UPDATE"
) -> tf.Tensor:
    """Work updates[..., i, ...] into x[..., indices[..., i, ...], ...], i along `axis`.

    x (*a, d, *b), indices and updates (*a, i, *b) -> (*a, d, *b).
    """
    return ops.scatter_along_axis(x, indices, updates, axis, _mode(mode))


def scatter_nd(
    x: Operand, indices: Operand, updates: Operand, *, mode: str = "SCATTER_UPDATE"
) -> tf.Tensor:
    """Work `updates` into parts of x.

    x (*p, *rest), indices (*i, number of p), updates (*i, *rest) -> the shape of x.
    """
    return ops.scatter_nd(x, indices, updates, _mode(mode))


def _mode(mode: str) -> str:
    return mode.removeprefix("SCATTER_").lower()
