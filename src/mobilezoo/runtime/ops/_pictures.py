"""The last three axes are (channels, height, width); whatever comes before is batch."""

from __future__ import annotations

import math
from collections.abc import Callable

import tensorflow as tf

from mobilezoo.runtime.arithmetic import Operand, tensor

CHANNELS, HEIGHT, WIDTH = -3, -2, -1


def over_pictures(function: Callable[[tf.Tensor], tf.Tensor], x: Operand) -> tf.Tensor:
    """Apply a function of (n, c, h, w) to x (*batch, c, h, w), of rank 3 or more."""
    x = tensor(x)
    rank = at_least(3, x)
    if rank == 4:
        return function(x)
    if rank == 3:
        return tf.squeeze(function(x[tf.newaxis]), 0)
    y = function(tf.reshape(x, (-1, *x.shape[-3:])))
    return tf.reshape(y, (*batch_of(x, 3), *y.shape[-3:]))


def at_least(rank: int, x: tf.Tensor) -> int:
    """The rank of `x`.

    Raises:
        ValueError: it is below `rank`.
    """
    if len(x.shape) < rank:
        raise ValueError(f"the input has shape {tuple(x.shape)}; rank {rank} or more is required")
    return len(x.shape)


def batch_of(x: tf.Tensor, kept: int) -> tuple[int, ...]:
    """All sizes but the last `kept`, for a reshape; -1 for one that is open."""
    return tuple(-1 if size is None else int(size) for size in x.shape[: len(x.shape) - kept])


def elements(x: tf.Tensor, kept: int) -> int:
    """Number of elements in the last `kept` axes, whose sizes are known."""
    return math.prod(int(size) for size in x.shape[len(x.shape) - kept :])
