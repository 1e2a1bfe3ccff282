"""Whole numbers with a scale: weight = scale * code, the scale being chosen for the least error.

A scale decides on two errors. Weights up to the largest code times the scale move by half a step
at most, so that a small scale is good for them; larger weights are cut off, so that a large scale
is good for those. The usual scale, max|w| / largest code, cuts nothing off. Here scales below it
are tried, ever smaller ones as long as one of them is better, then scales around the best, and at
last the scale that is best for the codes that this gives (least squares), twice. Each is judged by
the squared error with the codes that go with it, as float16, which is what files store. So the
error is never above that of the usual scale. For few weights many more scales are tried.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mobilezoo.graph.node import Array

_PART = 1 << 16  # weights that are worked on at once, which a cache holds
_TINIEST = np.float32(2.0**-24)  # the smallest number of float16
_LADDERS = {8: 0.95, 4: 0.9}  # each scale that is tried is so many times the one before
_MOST_STEPS = 12
_AROUND = (0.5, -0.5, 0.25, -0.25)  # of a step of the ladder
_LEAST_SQUARES = 2
# steps of float16, 1024 of which halve a number, from the usual scale, then from the best
_NEARBY: dict[int, tuple[Sequence[int], ...]] = {
    8: (range(-16, 400, 2), (-1, 1)),
    4: (range(-400, 300, 4), range(-3, 4)),
}
_FEW = 25  # weights, as of a depthwise 5x5 filter


class Linear(NamedTuple):
    """Weights as whole numbers.

    Attributes:
        codes: int8, in the shape of the weights.
        scale: float16, above 0: one per channel, or (*blocks) with as many axes as the weights.
    """

    codes: Array
    scale: Array


def symmetric(weights: Array, bits: int, axis: int) -> Linear:
    """Codes -2 ** (bits - 1) ... 2 ** (bits - 1) - 1 with a scale for each index of an axis.

    Args:
        weights: finite, float16 or float32, any shape.
        bits: of a code, 8 or 4.
        axis: of the output channels.
    """
    by_channel = np.moveaxis(weights, axis, 0)
    rows = by_channel.reshape(weights.shape[axis], -1)
    codes, scale = _coded(rows, bits)
    in_order = np.moveaxis(codes.reshape(by_channel.shape), 0, axis)
    return Linear(np.ascontiguousarray(in_order), scale)


def blocks(weights: Array, bits: int, size: int, inputs: int, axis: int) -> Linear:
    """The same with a scale for each output channel and each `size` input channels of it.

    Args:
        weights: finite, float16 or float32, at least 2 axes.
        bits: of a code, 8 or 4.
        size: a divisor of the number of input channels.
        inputs: axis of the input channels.
        axis: of the output channels.
    """
    ordered = np.moveaxis(weights, (axis, inputs), (0, 1))
    outside, inside = ordered.shape[0], ordered.shape[1] // size
    codes, scale = _coded(ordered.reshape(outside * inside, -1), bits)
    in_order = np.moveaxis(codes.reshape(ordered.shape), (0, 1), (axis, inputs))
    counts = [1] * weights.ndim
    counts[axis], counts[inputs] = outside, inside
    by_block = scale.reshape(outside, inside)
    return Linear(
        np.ascontiguousarray(in_order), (by_block if axis < inputs else by_block.T).reshape(counts)
    )


def _coded(rows: Array, bits: int) -> tuple[Array, Array]:
    """(n, m) -> codes (n, m) of int8, scales (n,) of float16."""
    n, m = rows.shape
    codes = np.empty((n, m), np.int8)
    scale = np.empty(n, np.float16)
    step = max(1, _PART // max(1, m))
    for start in range(0, n, step):
        part = slice(start, start + step)
        search = _Search(rows[part].astype(np.float32), bits)
        scale[part] = search.best()
        search.codes(scale[part].astype(np.float32), codes[part])
    return codes, scale


class _Search:
    """The scales of a few rows."""

    def __init__(self, rows: Array, bits: int) -> None:
        self._rows = rows
        self._low, self._high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
        self._ladder = _LADDERS[bits]
        self._steps = _NEARBY[bits]
        self._scratch = np.empty_like(rows)

    def best(self) -> Array:
        """One scale for each row; 1 where all weights are 0."""
        peak = np.maximum(self._rows.max(axis=1), -self._rows.min(axis=1))
        usual = _stored(peak / self._high)
        scale, error = usual, self._error(usual)
        scale, error = self._descend(usual, scale, error)
        for share in _AROUND:
            scale, error = self._better(scale, error, scale * self._ladder**share)
        for _ in range(_LEAST_SQUARES):
            scale, error = self._better(scale, error, self._least_squares(scale))
        if self._rows.shape[1] <= _FEW:
            scale, _ = self._nearby(usual, scale, error)
        return np.where(peak > 0, scale, np.float32(1)).astype(np.float16)

    def codes(self, scale: Array, out: Array) -> None:
        """The rows as codes."""
        np.copyto(out, self._rounded(self._rows, scale, self._scratch), casting="unsafe")

    def _nearby(self, usual: Array, scale: Array, error: Array) -> tuple[Array, Array]:
        """The best of many scales around the usual ones, then around the best of these."""
        start = usual
        for steps in self._steps:
            pattern = start.astype(np.float16).view(np.uint16).astype(np.int32)
            for away in steps:
                other = np.maximum(pattern + away, 1).astype(np.uint16).view(np.float16)
                scale, error = self._better(scale, error, other)
            start = scale
        return scale, error

    def _descend(self, usual: Array, scale: Array, error: Array) -> tuple[Array, Array]:
        """Ever smaller scales of those rows to which the last one did good."""
        active = np.arange(len(usual))
        for power in range(1, _MOST_STEPS + 1):
            tried = _stored(usual[active] * np.float32(self._ladder**power))
            found = self._error(tried, active)
            good = found < error[active]
            rows = active[good]
            scale = scale.copy()
            scale[rows], error[rows] = tried[good], found[good]
            # the second step is tried by all: one alone may be bad by chance
            active = active if power == 1 else rows
            if not active.size:
                break
        return scale, error

    def _better(self, scale: Array, error: Array, other: Array) -> tuple[Array, Array]:
        other = _stored(other)
        found = self._error(other)
        good = found < error
        return np.where(good, other, scale), np.where(good, found, error)

    def _least_squares(self, scale: Array) -> Array:
        """The scales that are best for the codes that `scale` gives."""
        codes = self._rounded(self._rows, scale, self._scratch)
        squares = np.einsum("ij,ij->i", codes, codes)
        products = np.einsum("ij,ij->i", codes, self._rows)
        return np.where(squares > 0, products / np.maximum(squares, 1), scale)

    def _error(self, scale: Array, rows: Array | None = None) -> Array:
        weights = self._rows if rows is None or len(rows) == len(self._rows) else self._rows[rows]
        made = self._rounded(weights, scale, self._scratch[: len(weights)])
        np.multiply(made, scale[:, None], out=made)
        np.subtract(made, weights, out=made)
        errors: Array = np.einsum("ij,ij->i", made, made)
        return errors

    def _rounded(self, weights: Array, scale: Array, out: Array) -> Array:
        np.multiply(weights, (1 / scale)[:, None], out=out)
        np.rint(out, out=out)
        clipped: Array = np.clip(out, self._low, self._high, out=out)
        return clipped


def _stored(scale: Array) -> Array:
    """Scales as the file has them: float16, above 0."""
    rounded: Array = np.maximum(scale.astype(np.float16).astype(np.float32), _TINIEST)
    return rounded


def largest_divisor(number: int, most: int) -> int:
    """The largest divisor that is not above `most`."""
    return next(part for part in range(min(most, number), 0, -1) if number % part == 0)
