"""Weights in another precision and axis order, part by part: no second whole one is in memory."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from mobilezoo.graph.node import Array

Check = Callable[[Array], None]
Finish = Callable[[Array], Array]  # checks and casts

# Measured: wide enough that runs of memory are long, small enough for the processor's cache.
_COLUMNS = 256  # of a kernel, in a part; more where it has few rows
_ELEMENTS = 1 << 18  # in a part, at least
_BLOCK = 1 << 18  # elements that are read, checked, cast and transposed together
_MOVED = np.dtype(np.complex128).itemsize  # bytes


def parts(
    values: Array,
    axes: tuple[int, ...] | None,
    dtype: type[np.floating[Any]],
    check: Check,
    scale: Array | None = None,
    block: int = _BLOCK,
) -> Iterator[Array]:
    """`(values * scale).astype(dtype).transpose(axes)` in contiguous parts along its first axis.

    Without `axes`, or where the first axis stays, the parts have one axis.

    Args:
        values: a weight.
        axes: of `values`, in the order of the result; None leaves them.
        dtype: of the result.
        check: is called with all values, in blocks, before they are cast.
        scale: of the last axis, or of the last ones; None for 1.
        block: elements of a block.
    """

    def finish(part: Array) -> Array:
        check(part)
        return cast(part, dtype)

    last_first = axes is not None and axes[0] == values.ndim - 1
    if scale is not None and not (last_first and scale.ndim == 1):
        values, scale = values * scale, None
    if axes is None:
        yield from _in_order(values.reshape(-1), finish, block)
    elif last_first:
        yield from _last_first(values, axes, dtype, finish, scale, block)
    else:
        yield np.ascontiguousarray(finish(values).transpose(axes))


def together(pieces: Iterable[Array], shape: Sequence[int], dtype: Any) -> Array:
    """Parts in one array of `shape`."""
    made = np.empty(shape, dtype)
    flat = made.reshape(-1)
    start = 0
    for piece in pieces:
        flat[start : start + piece.size] = piece.reshape(-1)
        start += piece.size
    return made


def cast(values: Array, dtype: type[np.floating[Any]]) -> Array:
    """`values.astype(dtype)`.

    To float16 with TensorFlow, where it is loaded: NumPy takes 50 times as long over numbers below
    6e-5, of which trained networks are full.
    """
    tensorflow = sys.modules.get("tensorflow")
    if dtype is not np.float16 or values.dtype != np.float32 or tensorflow is None:
        return values.astype(dtype, copy=False)
    with tensorflow.device("CPU:0"):
        return np.asarray(tensorflow.raw_ops.Cast(x=values, DstT=tensorflow.float16))


def _in_order(flat: Array, finish: Finish, block: int) -> Iterator[Array]:
    for start in range(0, flat.size, block):
        yield np.ascontiguousarray(finish(flat[start : start + block]))


def _last_first(
    values: Array,
    axes: tuple[int, ...],
    dtype: type[np.floating[Any]],
    finish: Finish,
    scale: Array | None,
    block: int,
) -> Iterator[Array]:
    """Some columns of (rows, columns) after the other, each turned into rows."""
    *front, columns = values.shape
    table = values.reshape(-1, columns)
    width = _in_eights(max(_COLUMNS, _ELEMENTS // len(table)))
    height = _in_eights(block // min(width, columns))
    for left in range(0, columns, width):
        few = table[:, left : left + width]
        turned = np.empty((few.shape[1], len(table)), dtype)
        for top in range(0, len(table), height):
            read = few[top : top + height]
            scaled = read if scale is None else read * scale[left : left + width]
            _turn(finish(np.ascontiguousarray(scaled)), turned[:, top : top + height])
        rest = (0, *(1 + axis for axis in axes[1:]))
        yield np.ascontiguousarray(turned.reshape(-1, *front).transpose(rest))


def _in_eights(size: int) -> int:
    return max(8, size // 8 * 8)


def _turn(table: Array, into: Array) -> None:
    """`into[:] = table.T`, moved 16 bytes at a time where the columns allow it.

    One after the other each number would come from, or go to, another line of the cache.
    """
    rows, columns = table.shape
    numbers = _MOVED // table.itemsize
    if columns % numbers:
        into[:] = table.T
        return
    moved = np.ascontiguousarray(table.view(np.complex128).T)  # (columns / numbers, rows)
    for first, item in enumerate(moved.view(table.dtype).reshape(-1, rows, numbers)):
        into[first * numbers : (first + 1) * numbers] = item.T
