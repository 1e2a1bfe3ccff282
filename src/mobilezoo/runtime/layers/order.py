"""Order, place and selection of elements along an axis (specification 4 and later).

Places are floating numbers, as every value of a network is.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from mobilezoo.runtime.arithmetic import Array, Operand, tensor
from mobilezoo.runtime.layers._numbers import known_number
from mobilezoo.runtime.ops import blocks, gathering, making, order
from mobilezoo.runtime.ops._sizes import bounded

__all__ = [
    "arg_sort", "broadcast_to_like", "cum_sum", "gather_along_axis", "gather_nd",
    "lower_triangular", "matrix_band_part", "one_hot", "range_static", "reverse_seq",
    "sliding_windows", "top_k", "upper_triangular", "where_non_zero",
]  # fmt: skip


def top_k(
    x: Operand,
    count: Operand | None = None,
    *,
    k: int = 0,
    axis: int = 0,
    use_bottom_k: bool = False,
) -> tuple[tf.Tensor, tf.Tensor]:
    """The k largest along `axis`, the largest first, and their places; the first of equals first.

    `use_bottom_k`: the smallest, the smallest first. `count` takes the place of k.
    x (*a, d, *b) -> twice (*a, k, *b).
    """
    wanted = k if count is None else int(known_number(count, "topK with a number"))
    if wanted < 1:
        raise ValueError(f"the largest {wanted} elements")
    values, places = order.topk(x, wanted, axis, use_bottom_k)
    return values, tf.cast(places, tf.float32)


def arg_sort(x: Operand, *, axis: int = 0, descending: bool = False) -> tf.Tensor:
    """Places of the elements along `axis` in ascending or descending order, stable."""
    return tf.cast(order.argsort(x, axis, not descending), tf.float32)


def cum_sum(
    x: Operand,
    axes: Operand | None = None,
    *,
    axis: int = 0,
    exclude_final_sum: bool = False,
    reverse: bool = False,
) -> tf.Tensor:
    """Sums of the elements up to each along `axis`, without itself if `exclude_final_sum`.

    `reverse`: from each to the end. `axes` is one number, which takes the place of `axis`.
    """
    along = axis if axes is None else int(known_number(axes, "cumSum along an axis"))
    return order.cumsum(x, along, exclude_final_sum, reverse)


def one_hot(
    x: Operand,
    count: Operand | None = None,
    *,
    one_hot_vector_size: int = 0,
    axis: int = 0,
    on_value: float = 0.0,
    off_value: float = 0.0,
) -> tf.Tensor:
    """Vectors with `on_value` at place x and `off_value` elsewhere, along a new axis.

    `count` takes the place of `one_hot_vector_size`.
    """
    size = one_hot_vector_size if count is None else count
    return making.one_hot(x, size, axis, on_value, off_value)


def gather_along_axis(x: Operand, indices: Operand, *, axis: int = 0) -> tf.Tensor:
    """Return y[..., i, ...] = x[..., indices[..., i, ...], ...], i along `axis`."""
    return gathering.gather_along_axis(x, indices, axis)


def gather_nd(x: Operand, indices: Operand) -> tf.Tensor:
    """Parts of x at places: x (*p, *rest), indices (*i, number of p) -> (*i, *rest)."""
    return gathering.gather_nd(x, indices)


def matrix_band_part(x: Operand, *, num_lower: int = 0, num_upper: int = 0) -> tf.Tensor:
    """Matrices of which so many diagonals below and above the main one stay; all if negative."""
    return making.band_part(x, num_lower, num_upper)


def lower_triangular(x: Operand, *, k: int = 0) -> tf.Tensor:
    """Matrices with zeros above diagonal k, which counts upwards from the main one."""
    return _masked(x, lambda row, column: column - row <= k)


def upper_triangular(x: Operand, *, k: int = 0) -> tf.Tensor:
    """Matrices with zeros below diagonal k, which counts upwards from the main one."""
    return _masked(x, lambda row, column: column - row >= k)


def range_static(
    *, end_value: float = 0.0, start_value: float = 0.0, step_size_value: float = 0.0
) -> tf.Tensor:
    """From the start, in steps, up to before the end: (ceil((end - start) / step),)."""
    if step_size_value == 0.0:
        raise ValueError(f"steps of 0 from {start_value} to {end_value}")
    bounded([max(0, math.ceil((end_value - start_value) / step_size_value))])
    return tensor(np.arange(start_value, end_value, step_size_value, dtype=np.float32))


def broadcast_to_like(x: Operand, reference: Operand) -> tf.Tensor:
    """Repeat x along axes of length 1, and along new leading axes, to the shape of `reference`."""
    return tf.broadcast_to(tensor(x), tf.shape(tensor(reference)))


def reverse_seq(
    x: Operand, lengths: Operand, *, batch_axis: int = 0, sequence_axis: int = 0
) -> tf.Tensor:
    """The first lengths[i] elements along `sequence_axis` in reverse order, i along `batch_axis`.

    lengths (x.shape[batch_axis],) -> the shape of x.
    """
    return order.reverse_sequence(x, lengths, sequence_axis, batch_axis)


def sliding_windows(x: Operand, *, axis: int = 0, window_size: int = 0, step: int = 0) -> tf.Tensor:
    """All windows of `window_size` elements along `axis`, `step` apart.

    x (*a, d, *b) -> (*a, (d - window_size) // step + 1, window_size, *b).
    """
    return blocks.sliding_windows(x, range(len(x.shape))[axis], window_size, step)


def where_non_zero(x: Operand) -> tf.Tensor:
    """Places of the elements that are not zero, row by row: (number of them, rank)."""
    return tf.cast(gathering.non_zero(x), tf.float32)


def _masked(x: Operand, stays: Callable[[Array, Array], Array]) -> tf.Tensor:
    x = tensor(x)
    row, column = np.ogrid[: x.shape[-2], : x.shape[-1]]
    return x * tensor(stays(row, column).astype(np.float32))
