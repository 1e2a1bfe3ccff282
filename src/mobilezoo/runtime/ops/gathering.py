"""Selection of elements by place. Negative places count from the end; any beyond is an error."""

from __future__ import annotations

import tensorflow as tf

from mobilezoo.runtime.arithmetic import Operand, tensor
from mobilezoo.runtime.ops._axes import from_the_start, moved_back, moved_last

__all__ = ["gather", "gather_along_axis", "gather_nd", "non_zero"]


def gather(
    x: Operand,
    indices: Operand,
    axis: int = 0,
    batch_dims: int = 0,
    validate_indices: bool = False,
) -> tf.Tensor:
    """Pick positions along `axis`; negative indices count from the end.

    x (*n, *a, d, *b), indices (*n, *i) -> (*n, *a, *i, *b), `*n` having `batch_dims` axes and
    `*n, *a` `axis`.
    """
    x = tensor(x)
    indices = tensor(indices)
    axis = range(len(x.shape))[int(axis)]
    _check_batch(int(batch_dims), axis, len(indices.shape))
    places = from_the_start(indices, tf.shape(x)[axis])
    return tf.gather(x, places, axis=axis, batch_dims=int(batch_dims))


def gather_along_axis(
    x: Operand, indices: Operand, axis: int = 0, validate_indices: bool = False
) -> tf.Tensor:
    """Return y[..., i, ...] = x[..., indices[..., i, ...], ...], i along `axis`.

    x (*a, d, *b), indices (*a, i, *b) -> (*a, i, *b); negative indices count from the end.
    """
    values, places = moved_last(tensor(x), int(axis)), moved_last(tensor(indices), int(axis))
    places = from_the_start(places, tf.shape(values)[-1])
    taken = tf.gather(values, places, axis=-1, batch_dims=len(values.shape) - 1)
    return moved_back(taken, int(axis))


def gather_nd(
    x: Operand, indices: Operand, batch_dims: int = 0, validate_indices: bool = False
) -> tf.Tensor:
    """Parts of x at places: x (*n, *p, *rest), indices (*n, *i, number of p) -> (*n, *i, *rest).

    `*n` has `batch_dims` axes; negative indices count from the end.
    """
    x, indices = tensor(x), tensor(indices)
    first = int(batch_dims)
    _check_batch(first, len(x.shape) - indices.shape[-1], len(indices.shape) - 1)
    sizes = tf.shape(x)[first : first + indices.shape[-1]]
    return tf.gather_nd(x, from_the_start(indices, sizes), batch_dims=first)


def _check_batch(batch_dims: int, *most: int) -> None:
    if not 0 <= batch_dims <= min(most):  # TensorFlow would end the process
        raise ValueError(f"batch_dims={batch_dims}; 0 to {min(most)} are possible")


def non_zero(x: Operand) -> tf.Tensor:
    """Places of the elements that are not zero, row by row: (number of them, rank) of int32."""
    x = tensor(x)
    found = x if x.dtype == tf.bool else tf.not_equal(x, tf.zeros((), x.dtype))
    return tf.cast(tf.where(found), tf.int32)
