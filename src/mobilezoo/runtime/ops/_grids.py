"""Where the pixels of a resized picture lie among the given ones, and the values there."""

from __future__ import annotations

from typing import TypeAlias

import tensorflow as tf

from mobilezoo.errors import UnsupportedOpError

Size: TypeAlias = int | tf.Tensor

MODES = ("DEFAULT", "STRICT_ALIGN_CORNERS", "ALIGN_CORNERS", "UNALIGN_CORNERS", "OFFSET_CORNERS")


def offsets(mode: str, length: tf.Tensor, wanted: Size) -> tf.Tensor:
    """Distances of the wanted pixels from the first of an interval.

    Pixel i of n of an interval of m pixels, which is m - 1 long, lies at i m / n (DEFAULT), at
    i (m - 1) / (n - 1) (STRICT_ALIGN_CORNERS; ALIGN_CORNERS, which puts a single one into the
    middle), at (i + 1/2) m / n - 1/2 (UNALIGN_CORNERS) or at (i + 1/2) max(1, m - 1) / n
    (OFFSET_CORNERS).

    Args:
        mode: one of `MODES`.
        length: m - 1, of any shape; negative where the interval runs backwards.
        wanted: n.

    Returns:
        (*shape of length, n), not yet clipped to the interval.
    """
    if mode not in MODES:
        raise UnsupportedOpError(f"sampling_mode={mode!r}; known are {', '.join(MODES)}")
    length = tf.cast(length, tf.float64)[..., tf.newaxis]
    steps, count = tf.range(wanted), tf.cast(wanted, tf.float64)
    steps = tf.cast(steps, tf.float64)
    pixels = length + tf.where(length < 0, tf.cast(-1.0, tf.float64), tf.cast(1.0, tf.float64))
    if mode == "DEFAULT":
        return steps * pixels / count
    if mode == "UNALIGN_CORNERS":
        return (steps + 0.5) * pixels / count - 0.5
    if mode == "OFFSET_CORNERS":
        long = tf.abs(length) > 1
        return (steps + 0.5) * tf.where(long, length, tf.sign(pixels)) / count
    ends = steps * length / tf.maximum(count - 1, 1)
    return tf.where(count > 1, ends, length / 2) if mode == "ALIGN_CORNERS" else ends


def places(mode: str, given: Size, wanted: Size) -> tf.Tensor:
    """Where the wanted pixels of a whole side of `given` lie, from 0 to given - 1: (wanted,)."""
    last = tf.cast(given, tf.float64) - 1
    return tf.clip_by_value(offsets(mode, last, wanted), tf.zeros((), tf.float64), last)


def between(x: tf.Tensor, axis: int, where: tf.Tensor) -> tf.Tensor:
    """Values of x at places along an axis, between two elements in proportion.

    x (*a, d, *b), where (m,) -> (*a, m, *b).
    """
    lower = tf.floor(where)
    share = tf.cast(where - lower, x.dtype)
    share = tf.reshape(share, (-1, *(1,) * (len(x.shape) - axis - 1)))
    first = tf.cast(lower, tf.int32)
    second = tf.minimum(first + 1, tf.shape(x)[axis] - 1)
    below, above = tf.gather(x, first, axis=axis), tf.gather(x, second, axis=axis)
    return below + (above - below) * share
