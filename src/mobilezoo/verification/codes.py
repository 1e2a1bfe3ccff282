"""Weights in few bits: whether codes are the rounding of given weights."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mobilezoo.verification.agreement import FloatArray

_FLOAT16 = 2.0**-9  # of the largest weight: codes are chosen between numbers that are rounded
_OFF_CENTRE = 0.05  # of the way to the next value: means are of numbers in float16
_PART = 1 << 20  # weights that are looked at together


def rounding_fault(
    kernel: FloatArray,
    rounded: FloatArray,
    bits: int,
    axis: int | None,
    *,
    best_table: bool = False,
) -> str:
    """Why `rounded` is not `kernel` in few bits, in words; empty where it is.

    Every weight must have become the nearest of the values in use. These must be near enough: the
    root mean square of what rounding moves is below a step of an even scale from -max to max. Of
    the best table, all values are in use, and each is the mean of the weights that it stands for
    (Lloyd 1982). That holds for sound roundings and for hardly anything else.

    Args:
        kernel: as it was.
        rounded: what the codes stand for, of the same shape.
        bits: of a code.
        axis: along which each index has values of its own; None: all share them.
        best_table: whether the values are those of a table that cannot be bettered.
    """
    for weights, codes in _groups(kernel, rounded, axis):
        fault = _fault(weights, codes, bits, best_table)
        if fault:
            return fault
    return ""


def _groups(
    kernel: FloatArray, rounded: FloatArray, axis: int | None
) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Weights that share their values, before and after, in one axis each."""
    if axis is None:
        yield kernel.reshape(-1), rounded.reshape(-1)
        return
    before, after = np.moveaxis(kernel, axis, 0), np.moveaxis(rounded, axis, 0)
    for weights, codes in zip(before, after, strict=True):
        yield weights.reshape(-1), codes.reshape(-1)


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
