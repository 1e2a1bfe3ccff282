"""Borders of pictures: added, taken off, or cut out."""

from __future__ import annotations

import builtins
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from mobilezoo.errors import UnsupportedOpError
from mobilezoo.runtime.arithmetic import Operand, tensor
from mobilezoo.runtime.layout import channels_first, channels_last, is_stored_last, reorder
from mobilezoo.runtime.ops import shaping as ops
from mobilezoo.runtime.ops._pictures import CHANNELS, HEIGHT, WIDTH, at_least

__all__ = ["crop", "padding", "slice"]

_MODES = {"constant": "constant", "reflection": "reflect", "replication": "replicate"}
_AXES = {"CHANNEL_AXIS": CHANNELS, "HEIGHT_AXIS": HEIGHT, "WIDTH_AXIS": WIDTH}


def padding(
    x: Operand,
    *,
    mode: str = "constant",
    value: float = 0.0,
    amounts: Sequence[int] = (0, 0, 0, 0),
) -> tf.Tensor:
    """Extend pictures: x (*batch, h, w) -> (*batch, top + h + bottom, left + w + right).

    Args:
        x: of rank 2 or more.
        mode: "constant" puts `value`, "reflection" mirrors without repeating the edge,
            "replication" repeats the edge.
        value: of the border.
        amounts: pixels at the top, bottom, left, right.
    """
    at_least(2, tensor(x))
    if mode not in _MODES:
        raise UnsupportedOpError(f"padding of kind {mode}; known are {', '.join(_MODES)}")
    return ops.pad(x, np.array(amounts), _MODES[mode], value)


def crop(
    x: Operand,
    reference: Operand | None = None,
    *,
    amounts: Sequence[int] = (0, 0, 0, 0),
    offset: Sequence[int] = (0, 0),
) -> tf.Tensor:
    """Cut a picture out: x (*batch, h, w) -> (*batch, h', w'), of rank 3 or more.

    Without a `reference`, `amounts` are taken off the top, bottom, left, right; with one
    (*batch, h', w'), its size is cut out at `offset`, which counts from the top and the left.
    """
    x = tensor(x)
    at_least(3, x)
    height, width = x.shape[-2:]
    if reference is None:
        top, bottom, left, right = amounts
        ends = (height - bottom, width - right)
    else:
        top, left = offset
        ends = (top + reference.shape[-2], left + reference.shape[-1])
    if not (top < ends[0] <= height and left < ends[1] <= width):
        raise ValueError(
            f"rows {top} to {ends[0]} and columns {left} to {ends[1]} are to be cut out of "
            f"{height} x {width} pixels"
        )
    return _sliced(x, {HEIGHT: builtins.slice(top, ends[0]), WIDTH: builtins.slice(left, ends[1])})


def slice(
    x: Operand,
    *,
    start_index: int = 0,
    end_index: int = 0,
    stride: int = 1,
    axis: str = "CHANNEL_AXIS",
) -> tf.Tensor:
    """Return x[start_index:end_index:stride] along the channels, the height or the width.

    x (*batch, c, h, w); negative indices count from the end.
    """
    if axis not in _AXES:
        raise UnsupportedOpError(f"slice along {axis}; known are {', '.join(_AXES)}")
    return _sliced(tensor(x), {_AXES[axis]: builtins.slice(start_index, end_index, stride)})


def _sliced(x: tf.Tensor, ranges: dict[int, object]) -> tf.Tensor:
    everything = builtins.slice(None)
    at_least(max(-axis for axis in ranges), x)
    index = [ranges.get(axis - len(x.shape), everything) for axis in range(len(x.shape))]
    if is_stored_last(x):
        return channels_first(channels_last(x)[tuple(reorder(index))])
    return x[tuple(index)]
