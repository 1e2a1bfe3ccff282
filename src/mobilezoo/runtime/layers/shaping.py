"""Shape and order of (channels, height, width), with an axis of sequence two axes before."""

from __future__ import annotations

import math
from collections.abc import Sequence

import tensorflow as tf

from mobilezoo.errors import UnsupportedOpError
from mobilezoo.runtime.arithmetic import Array, Operand, tensor
from mobilezoo.runtime.layout import channels_first, channels_last
from mobilezoo.runtime.ops import blocks
from mobilezoo.runtime.ops import shaping as ops
from mobilezoo.runtime.ops._pictures import (
    CHANNELS,
    at_least,
    batch_of,
    elements,
    over_pictures,
)

__all__ = [
    "concat", "copy", "flatten", "load_constant", "permute", "reorganize_data", "reshape",
    "sequence_repeat", "split",
]  # fmt: skip

_SEQUENCE = -5
_REORGANIZED = {
    "SPACE_TO_DEPTH": blocks.space_to_depth,
    "DEPTH_TO_SPACE": blocks.depth_to_space,
    "PIXEL_SHUFFLE": blocks.pixel_shuffle,
}
_LAST = (1, 2, 0)  # CHW -> HWC
_FIRST = (2, 0, 1)  # HWC -> CHW


def copy(x: Operand) -> Operand:
    """Return x."""
    return x


def concat(values: Sequence[Operand], *, sequence_concat: bool = False) -> tf.Tensor:
    """Join along the channels of (*batch, c, h, w), or the sequence of (seq, n, c, h, w).

    The other axes of the values are equal.
    """
    rank = len(values[0].shape)
    axis = _SEQUENCE if sequence_concat else CHANNELS
    at_least(-axis, values[0])
    return ops.concat(values, axis % rank)


def split(x: Operand, *, n_outputs: int = 0) -> list[tf.Tensor]:
    """Cut the channels into equal parts: x (*batch, c, h, w) -> n of (*batch, c / n, h, w)."""
    return ops.split(x, at_least(3, tensor(x)) + CHANNELS, n_outputs)


def flatten(x: Operand, *, mode: str = "CHANNEL_FIRST") -> tf.Tensor:
    """x (*batch, c, h, w) -> (*batch, c * h * w, 1, 1).

    Order (c, h, w), or (h, w, c) for CHANNEL_LAST.
    """
    x = tensor(x)
    at_least(3, x)
    count = elements(x, 3)
    if mode == "CHANNEL_LAST":
        x = _to_last(x)
    return tf.reshape(x, (*batch_of(x, 3), count, 1, 1))


def reshape(
    x: Operand, *, target_shape: Sequence[int] = (), mode: str = "CHANNEL_FIRST"
) -> tf.Tensor:
    """The elements of x in a new shape.

    x (seq, n, c, h, w), `target_shape` (c', h', w') or (seq', c', h', w') ->
    (seq', n, c', h', w'); x (n, c, h, w) -> (n, c', h', w'), with seq' = 1. The order is
    (seq, n, c, h, w), or (seq, n, h, w, c) on both sides for CHANNEL_LAST.
    """
    x = tensor(x)
    rank = at_least(4, x)
    if len(target_shape) not in (3, 4) or min(target_shape) < 1:
        raise ValueError(f"the target shape is {tuple(target_shape)}; 3 or 4 sizes are required")
    picture = tuple(target_shape[-3:])
    if len(target_shape) == 3 or rank == 4:
        batch, given = batch_of(x, 3), elements(x, 3)
    elif x.shape[1] == 1:
        batch, given = (target_shape[0], 1), x.shape[0] * elements(x, 3)
    else:
        raise UnsupportedOpError("reshape of the sequence of a batch")
    if math.prod(target_shape) != given:
        raise ValueError(
            f"the input has shape {tuple(x.shape)}, which does not fill {tuple(target_shape)}"
        )
    if mode != "CHANNEL_LAST":
        return tf.reshape(x, (*batch, *picture))
    channels, height, width = picture
    return _to_first(tf.reshape(_to_last(x), (*batch, height, width, channels)))


def permute(x: Operand, *, axis: Sequence[int] = (0, 1, 2, 3)) -> tf.Tensor:
    """Axis i of (seq, c, h, w) is axis axis[i] of x; the batch stays.

    x (seq, n, c, h, w), or (n, c, h, w) where the sequence stays in its place.
    """
    x = tensor(x)
    if sorted(axis) != [0, 1, 2, 3]:
        raise ValueError(f"axis is {tuple(axis)}; a permutation of 0, 1, 2, 3 is required")
    if len(x.shape) == 5:
        places = (0, 2, 3, 4)
        sequence, *picture = (places[i] for i in axis)
        return tf.transpose(x, (sequence, 1, *picture))
    if len(x.shape) != 4 or axis[0] != 0:
        raise ValueError(f"the input has shape {tuple(x.shape)}; rank 5 is required")
    return ops.transpose(x, (0, *axis[1:]))


def reorganize_data(x: Operand, *, mode: str = "SPACE_TO_DEPTH", block_size: int = 0) -> tf.Tensor:
    """Move blocks of pixels into channels, or back; b is `block_size`.

    SPACE_TO_DEPTH: x (*batch, c, h, w) -> (*batch, b * b * c, h / b, w / b), channel
    (row * b + column) * c + i. DEPTH_TO_SPACE: back. PIXEL_SHUFFLE: from (*batch, c * b * b, h, w)
    to (*batch, c, h * b, w * b), from channel i * b * b + row * b + column.
    """
    if block_size < 2:
        raise ValueError(f"the block size is {block_size}; 2 or more is required")
    if mode in _REORGANIZED:
        return over_pictures(lambda p: _REORGANIZED[mode](p, block_size), x)
    raise UnsupportedOpError(f"reorganizeData with mode {mode}")


def sequence_repeat(x: Operand, *, n_repetitions: int = 1) -> tf.Tensor:
    """x (seq, n, c, h, w) -> (n_repetitions * seq, n, c, h, w)."""
    x = tensor(x)
    if n_repetitions == 1:
        return x
    at_least(5, x)
    return tf.tile(
        x, [n_repetitions if axis == len(x.shape) - 5 else 1 for axis in range(len(x.shape))]
    )


def load_constant(data: Array, *, rank: int = 5) -> tf.Tensor:
    """A constant: data (c, h, w) -> (1, 1, c, h, w), or (1, c, h, w) for rank 4."""
    return tensor(data.reshape((1,) * (rank - 3) + data.shape))


def _to_last(x: tf.Tensor) -> tf.Tensor:
    if len(x.shape) == 4:
        return channels_last(x)
    batch = range(len(x.shape) - 3)
    return tf.transpose(x, (*batch, *(len(batch) + axis for axis in _LAST)))


def _to_first(x: tf.Tensor) -> tf.Tensor:
    if len(x.shape) == 4:
        return channels_first(x)
    batch = range(len(x.shape) - 3)
    return tf.transpose(x, (*batch, *(len(batch) + axis for axis in _FIRST)))
