"""Weights -> codes with what they stand for, in the precision that was asked for."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mobilezoo.coreml.compress.linear import blocks, largest_divisor, symmetric
from mobilezoo.coreml.compress.palette import grouped_palette, palette
from mobilezoo.coreml.compress.sparse import prune
from mobilezoo.coreml.precision import Precision, Scheme
from mobilezoo.graph.node import Array

SMALLEST_KERNEL = 2048  # elements; below, a kernel stays as it is
_WORTHWHILE = 0.75  # of the bytes before: a kernel that would take more stays, too


@dataclass(frozen=True, eq=False)
class Coded:
    """Weights in few bits.

    Attributes:
        precision: in which they are.
        shape: of the weights.
        axis: of their output channels.
        numbers: codes, or floating numbers where there are neither tables nor scales; in the
            shape of the weights, or (kept,) of sparse ones.
        tables: (*groups, 2 ** bits), a table for each block of an axis; None: no palette.
        scale: (*blocks); None: not linear.
        kept: which weights are not zero, in the shape of the weights; None: all.
    """

    precision: Precision
    shape: tuple[int, ...]
    axis: int
    numbers: Array
    tables: Array | None = None
    scale: Array | None = None
    kept: Array | None = None

    @property
    def bits(self) -> int:
        """Of a code."""
        return self.precision.bits


def encode(
    weights: Array, axis: int, precision: Precision, importance: Array | None = None
) -> Coded:
    """The codes with the smallest squared error.

    Args:
        weights: finite, float16 or float32, whose type tables and scales get.
        axis: of the output channels.
        precision: a compressed one.
        importance: by which the squared error of each weight of a palette is multiplied, of a shape
            that broadcasts to that of the weights; None: all the same.
    """
    half, factor = _in_float16(weights)
    kept = None
    if precision.density is not None:
        kept = prune(half, precision.density)
        half = np.where(kept, half, np.float16(0))
    coded = _coded(half, axis, precision, kept, importance)
    return _scaled(coded, factor, weights.dtype)


def restored(coded: Coded) -> Array:
    """The weights that codes stand for, float32 in the shape of the weights."""
    numbers = coded.numbers
    if coded.kept is not None:
        numbers = np.zeros(coded.shape, numbers.dtype)
        numbers[coded.kept] = coded.numbers
    if coded.tables is not None:
        weights = _looked_up(numbers, coded.tables)
        if coded.kept is not None:
            weights[~coded.kept] = 0  # where there are no codes
        return weights
    dense: Array = numbers.astype(np.float32)
    if coded.scale is not None:
        dense *= _spread(coded.scale, coded.shape)
    return dense


def _looked_up(codes: Array, tables: Array) -> Array:
    *groups, entries = tables.shape
    table = np.arange(math.prod(groups)).reshape(groups) * entries
    places = _spread(table, codes.shape) + codes
    weights: Array = tables.reshape(-1).astype(np.float32)[places]
    return weights


def _spread(values: Array, shape: tuple[int, ...]) -> Array:
    """One for each block of an axis -> one for each element of it."""
    for axis, (size, count) in enumerate(zip(shape, values.shape, strict=True)):
        if count > 1:
            values = np.repeat(values, size // count, axis)
    return values


def is_worthwhile(shape: tuple[int, ...], axis: int, precision: Precision, itemsize: int) -> bool:
    """Whether a kernel of that shape is stored in few bits: it is large, and that saves a quarter.

    A scale for each of few weights, say, would save nothing. Where activations are rounded, too,
    chips are faster for it: there all kernels count that do not become larger.
    """
    size = math.prod(shape)
    if precision.rounds_activations:
        return stored_bytes(shape, axis, precision, itemsize) <= size * itemsize
    if size < SMALLEST_KERNEL:
        return False
    return stored_bytes(shape, axis, precision, itemsize) <= _WORTHWHILE * size * itemsize


def stored_bytes(shape: tuple[int, ...], axis: int, precision: Precision, itemsize: int) -> float:
    """Bytes of codes, tables, scales and masks, without the records that stand before them."""
    size = math.prod(shape)
    kept, mask = size, 0.0
    if precision.density is not None:
        kept, mask = round(size * precision.density), size / 8
    if precision.scheme is None:
        return kept * itemsize + mask
    numbers = shape[axis]
    if precision.scheme is Scheme.PALETTE:
        groups = 1
        if precision.group_size is not None:
            groups = shape[axis] // largest_divisor(shape[axis], precision.group_size)
        numbers = groups * 2**precision.bits
    elif precision.block_size is not None:
        channels = shape[_inputs(axis)]
        numbers *= channels // largest_divisor(channels, precision.block_size)
    return kept * precision.bits / 8 + numbers * itemsize + mask


def _coded(
    half: Array, axis: int, precision: Precision, kept: Array | None, importance: Array | None
) -> Coded:
    shape = half.shape
    if precision.scheme is None:
        return Coded(precision, shape, axis, half[kept], kept=kept)
    if precision.scheme is Scheme.PALETTE:
        return _palette(half, axis, precision, kept, importance)
    if precision.block_size is None:
        linear = symmetric(half, precision.bits, axis)
        spread = [1] * half.ndim
        spread[axis] = -1
        scale = linear.scale.reshape(spread)
    else:
        inputs = _inputs(axis)
        size = largest_divisor(shape[inputs], precision.block_size)
        linear = blocks(half, precision.bits, size, inputs, axis)
        scale = linear.scale
    codes = linear.codes if kept is None else linear.codes[kept]
    return Coded(precision, shape, axis, codes, scale=scale, kept=kept)


def _palette(
    half: Array, axis: int, precision: Precision, kept: Array | None, importance: Array | None
) -> Coded:
    bits, size = precision.bits, precision.group_size
    if size is not None:
        size = largest_divisor(half.shape[axis], size)
        codes, tables = grouped_palette(half, bits, axis, size, importance)
        groups = [1] * half.ndim
        groups[axis] = len(tables)
        tables = tables.reshape(*groups, -1)
    else:
        if importance is not None and kept is not None:
            importance = np.broadcast_to(importance, half.shape)[kept]
        codes, table = palette(half if kept is None else half[kept], bits, importance)
        tables = table.reshape(*[1] * half.ndim, -1)
    return Coded(precision, half.shape, axis, codes, tables=tables, kept=kept)


def _in_float16(weights: Array) -> tuple[Array, float]:
    """Weights in float16, and by what they were multiplied to be well within its range."""
    if weights.dtype == np.float16:
        return weights, 1.0
    peak = float(np.abs(weights).max(initial=0.0))
    factor = 1.0 if peak == 0.0 else 2.0 ** -math.frexp(peak)[1]
    return (weights * np.float32(factor)).astype(np.float16), factor


def _scaled(coded: Coded, factor: float, dtype: np.dtype[Any]) -> Coded:
    """Tables, scales or numbers in the type of the weights, which were multiplied by `factor`."""

    def restored(numbers: Array) -> Array:
        scaled: Array = (numbers.astype(np.float64) / factor).astype(dtype)
        return scaled

    if coded.tables is not None:
        return replace(coded, tables=restored(coded.tables))
    if coded.scale is not None:
        return replace(coded, scale=restored(coded.scale))
    return replace(coded, numbers=restored(coded.numbers))


def _inputs(axis: int) -> int:
    """The axis of the input channels, by that of the output channels."""
    return 1 if axis == 0 else axis - 1
