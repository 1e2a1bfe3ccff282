"""No op allocates without bound, whatever a file asks for."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import tensorflow as tf

from mobilezoo.runtime import limits
from mobilezoo.runtime.arithmetic import Operand, tensor


def bounded(shape: Iterable[int | None]) -> tuple[int, ...]:
    """A shape whose elements may be allocated; sizes that are not known yet count as 1.

    Raises:
        ValueError: it has a negative size, or more than `limits.MOST_ELEMENTS`.
    """
    sizes = tuple(1 if size is None else int(size) for size in shape)
    count = math.prod(max(size, 1) for size in sizes)
    if any(size < 0 for size in sizes) or count > limits.MOST_ELEMENTS:
        raise ValueError(
            f"a shape of {sizes}, {count} elements; at most {limits.MOST_ELEMENTS} are supported"
        )
    return sizes


def bounded_tensor(shape: Operand) -> tf.Tensor:
    """A computed shape; whether its elements may be allocated is asked when it is known."""
    sizes = tensor(shape)
    known = tf.get_static_value(sizes)
    if known is not None:
        bounded(np.ceil(np.maximum(known, 0)))
        return sizes
    count = tf.reduce_prod(tf.maximum(tf.cast(sizes, tf.float64), 1.0))
    limit = tf.constant(limits.MOST_ELEMENTS, tf.float64)
    message = f"at most {limits.MOST_ELEMENTS} elements are supported"
    with tf.control_dependencies([tf.debugging.assert_less_equal(count, limit, message)]):
        return tf.identity(sizes)


def at_most(most: int, count: int, what: str) -> int:
    """A number of things from 1 to `most`, each of which costs time or memory of its own.

    Raises:
        ValueError: there are none, or more.
    """
    if not 1 <= count <= most:
        raise ValueError(f"{count} {what}; 1 to {most} are supported")
    return int(count)
