"""Weights in few bits: whether codes are the rounding of given weights."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from mobilezoo.runtime.stored import Weights
from mobilezoo.verification.agreement import FloatArray

_FLOAT16 = 2.0**-9  # of the largest weight: codes are chosen between numbers that are rounded
_OFF_CENTRE = 0.05  # of the way to the next value: means are of numbers in float16
_MOST_GROUPS = 4096  # that are looked at one by one
_PART = 1 << 20  # weights that are looked at together


def rounding_fault(
    kernel: FloatArray, rounded: FloatArray, stored: Weights, *, best_table: bool = False
) -> str:
    """Why `rounded` is not `kernel` in few bits, in words; empty where it is.

    Every weight must have become the nearest of the values in use. These must be near enough: the
    root mean square of what rounding moves is below a step of an even scale from -max to max. Of
    the best table, all values are in use, and each is the mean of the weights that it stands for
    (Lloyd 1982). That holds for sound roundings and for hardly anything else. Of sparse weights,
    no weight may be gone that is larger than one that is kept; the others are as above.

    Args:
        kernel: as it was.
        rounded: what the codes stand for, of the same shape.
        stored: how they are stored.
        best_table: whether the values are those of a table that cannot be bettered.
    """
    if stored.is_sparse:
        fault = _pruning_fault(kernel, rounded, stored.bits)
        if fault or stored.bits is None:
            return fault
    if math.prod(stored.blocks) > _MOST_GROUPS:
        return _distance_fault(kernel, rounded, stored)
    for weights, codes in _groups(kernel, rounded, stored):
        if stored.is_sparse:
            weights, codes = weights[codes != 0], codes[codes != 0]
        fault = _fault(weights, codes, stored.bits or 0, best_table) if weights.size else ""
        if fault:
            return fault
    return ""


def _distance_fault(kernel: FloatArray, rounded: FloatArray, stored: Weights) -> str:
    """Why many small blocks are not near enough; a scale of each has few weights to tell more."""
    before, after = (_in_blocks(array, stored.blocks) for array in (kernel, rounded))
    largest = np.abs(before).max(axis=1)
    steps = 2 * largest / (2 ** (stored.bits or 8) - 1) + _FLOAT16 * largest
    far = ~(np.sqrt(np.square(before - after).mean(axis=1)) <= steps)
    return f"{far.mean():.1%} of its blocks are too far from their weights" if far.any() else ""


def _pruning_fault(kernel: FloatArray, rounded: FloatArray, bits: int | None) -> str:
    """Why the weights that are not zero are not the largest, or, without codes, not the same."""
    gone, kept = np.abs(kernel[rounded == 0]), np.abs(kernel[rounded != 0])
    largest = float(np.abs(kernel).max(initial=0.0))
    # weights that are kept, and the code of a small one of which stands for zero
    tolerance = _FLOAT16 * largest + (0.0 if bits is None else 2 * largest / (2**bits - 1))
    if gone.size and kept.size and not gone.max() <= kept.min() + tolerance:
        return f"a weight of {gone.max():.3g} is gone, and one of {kept.min():.3g} is not"
    moved = np.abs(kernel - rounded)[rounded != 0]
    if bits is None and not (moved <= _FLOAT16 * kept).all():
        return f"{(moved > _FLOAT16 * kept).mean():.1%} of those that are kept are other numbers"
    return ""


def _groups(
    kernel: FloatArray, rounded: FloatArray, stored: Weights
) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Weights that share their values, before and after, in one axis each."""
    blocks = list(stored.blocks or [1] * kernel.ndim)
    if stored.axis is not None:
        blocks[stored.axis] = kernel.shape[stored.axis]
    yield from zip(_in_blocks(kernel, blocks), _in_blocks(rounded, blocks), strict=True)


def _in_blocks(array: FloatArray, blocks: Sequence[int]) -> FloatArray:
    """(number of blocks, elements of each)."""
    sizes = [
        part
        for size, count in zip(array.shape, blocks, strict=True)
        for part in (count, size // count)
    ]
    rank = array.ndim
    ordered = array.reshape(sizes).transpose(*range(0, 2 * rank, 2), *range(1, 2 * rank, 2))
    return ordered.reshape(math.prod(blocks), -1)


def _fault(weights: FloatArray, codes: FloatArray, bits: int, best_table: bool) -> str:
    largest = float(max(weights.max(), -weights.min()))
    tolerance = _FLOAT16 * largest
    values = np.unique(np.concatenate([np.unique(part) for _, part in _parts(weights, codes)]))
    middles = (values[1:] + values[:-1]) / 2
    sums, counts = np.zeros(len(values)), np.zeros(len(values))
    astray, squares = 0, 0.0
    for part, coded in _parts(weights, codes):
        moved = np.abs(part - coded)
        nearest = np.abs(part - values[np.searchsorted(middles, part)])
        astray += int(np.sum(~(moved - nearest <= tolerance)))  # NaN is astray
        squares += float(np.sum(np.square(moved, dtype=np.float64)))
        index = np.minimum(np.searchsorted(values, coded), len(values) - 1)
        sums += np.bincount(index, part, len(values))
        counts += np.bincount(index, minlength=len(values))
    if astray:
        return (
            f"{astray / len(weights):.1%} of the weights stand for another value than the nearest"
        )
    if not np.sqrt(squares / len(weights)) <= 2 * largest / (2**bits - 1) + tolerance:
        return f"its {len(values)} values are too far from the weights that stand for them"
    if best_table:
        if len(values) < 2**bits and len(values) < len(np.unique(np.float16(weights))):
            return f"of the table's {2**bits} values only {len(values)} are in use"
        gaps = np.diff(values, prepend=-np.inf, append=np.inf)
        allowed = _OFF_CENTRE * np.minimum(gaps[:-1], gaps[1:]) + tolerance
        if not (np.abs(sums / counts - values) <= allowed).all():
            return "its table's values are not the means of the weights that stand for them"
    return ""


def _parts(weights: FloatArray, codes: FloatArray) -> Iterator[tuple[FloatArray, FloatArray]]:
    for start in range(0, len(weights), _PART):
        part = slice(start, start + _PART)
        yield np.asarray(weights[part], np.float32), codes[part]
