"""An axis brought to the end and back, and places counted from the end."""

from __future__ import annotations

import tensorflow as tf


def moved_last(x: tf.Tensor, axis: int) -> tf.Tensor:
    """(*a, d, *b) -> (*a, *b, d), d being `axis`."""
    axis = range(len(x.shape))[axis]
    order = [i for i in range(len(x.shape)) if i != axis]
    return x if axis == len(order) else tf.transpose(x, [*order, axis])


def moved_back(x: tf.Tensor, axis: int) -> tf.Tensor:
    """(*a, *b, d) -> (*a, d, *b), d becoming `axis`."""
    rank = len(x.shape)
    order = list(range(rank - 1))
    order.insert(axis % rank, rank - 1)
    return x if order[-1] == rank - 1 else tf.transpose(x, order)


def from_the_start(places: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    """Places as int32; negative ones count from the end of `size` elements."""
    places = tf.cast(places, tf.int32)
    return tf.where(places < 0, places + size, places)
