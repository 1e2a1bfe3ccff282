"""Tensors made of numbers: filled, counted up, one-hot, and matrices with zeros put in."""

from __future__ import annotations

import tensorflow as tf

from mobilezoo.runtime.arithmetic import Operand, tensor
from mobilezoo.runtime.ops._sizes import bounded_tensor

__all__ = ["band_part", "fill", "fill_like", "one_hot", "range_1d", "shape"]


def shape(x: Operand) -> tf.Tensor:
    """The sizes of the axes of `x`: (rank,) of int32."""
    return tf.shape(tensor(x))


def fill(shape: Operand, value: float = 0.0) -> tf.Tensor:
    """A tensor of the given shape that repeats `value`."""
    return tf.fill(bounded_tensor(shape), value)


def fill_like(ref_tensor: Operand, value: float = 0.0) -> tf.Tensor:
    """A tensor of the shape of `ref_tensor` that repeats `value`, whose type it has."""
    return tf.fill(tf.shape(tensor(ref_tensor)), value)


def range_1d(start: Operand, end: Operand, step: Operand) -> tf.Tensor:
    """From the start, in steps, up to before the end: (ceil((end - start) / step),)."""
    first, last, by = tensor(start), tensor(end), tensor(step)
    count = (tf.cast(last, tf.float64) - tf.cast(first, tf.float64)) / tf.cast(by, tf.float64)
    with tf.control_dependencies([bounded_tensor(tf.reshape(count, [1]))]):
        return tf.range(tf.reshape(first, []), tf.reshape(last, []), tf.reshape(by, []))


def one_hot(
    indices: Operand,
    one_hot_vector_size: Operand,
    axis: int = -1,
    on_value: float = 1,
    off_value: float = 0,
) -> tf.Tensor:
    """Vectors with `on_value` at place indices[i] and `off_value` elsewhere, along a new axis.

    Where there is no such place the vector is all `off_value`.
    """
    places = tf.cast(tensor(indices), tf.int32)
    size = tf.cast(tf.reshape(tensor(one_hot_vector_size), [1]), tf.int32)
    axis = int(axis) % (len(places.shape) + 1)
    with tf.control_dependencies([bounded_tensor(tf.concat([size, tf.shape(places)], 0))]):
        return tf.one_hot(places, size[0], on_value, off_value, axis=axis)


def band_part(x: Operand, lower: int = -1, upper: int = -1) -> tf.Tensor:
    """Matrices of which so many diagonals below and above the main one stay; all if negative.

    x (*batch, rows, columns) -> the same shape, zero elsewhere.
    """
    x = tensor(x)
    rows, columns = tf.shape(x)[-2], tf.shape(x)[-1]
    return tf.linalg.band_part(x, tf.minimum(int(lower), rows), tf.minimum(int(upper), columns))
