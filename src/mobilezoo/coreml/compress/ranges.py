"""Scales of values that are rounded to 8 bits, from what they are on examples."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mobilezoo.coreml.compress.activations import Places, Scale
from mobilezoo.errors import InvalidArgumentError
from mobilezoo.graph.node import Array
from mobilezoo.runtime.observing import observe
from mobilezoo.runtime.program import CoreMLProgram

_PATTERNS = 1 << 16  # of float16
_LARGEST = float(np.finfo(np.float16).max)
_CLIPPED = np.geomspace(1.0, 0.25, 16)  # of the largest value: scales that are tried,
_NEAR = np.geomspace(0.92, 1.09, 9)  # and around the best of these
_SMALLEST = 2.0**-24  # of float16


def measure_scales(
    program: CoreMLProgram, inputs: Mapping[str, Array], places: Places
) -> dict[str, Scale]:
    """The scale with the smallest squared error over all examples, for each value.

    Values are counted as float16, so that what is told of millions of them is exact.

    Args:
        program: before anything is rounded.
        inputs: examples, as `predict` takes several at once.
        places: where values are rounded; those of a group share a scale.

    Raises:
        InvalidArgumentError: a value that is NaN or infinite, or a pipeline.
    """
    group_of = {name: i for i, group in enumerate(places.groups) for name in group}
    counts = np.zeros((len(places.groups), _PATTERNS), np.int64)

    def look(name: str, values: Array) -> None:
        if name in group_of:
            counts[group_of[name]] += _counts(name, values)

    observe(program._opened, inputs, look)
    chosen = [_scale(row) for row in counts]
    return {name: chosen[i] for name, i in group_of.items()}


def _counts(name: str, values: Array) -> Array:
    """(2 ** 16,): how often each float16 occurs."""
    if not np.isfinite(values).all():
        raise InvalidArgumentError(
            f"The value '{name}' is NaN or infinite on the examples, and has no scale. Look for "
            "the example with `load_coreml(...).layers(...)`."
        )
    halves = np.clip(values, -_LARGEST, _LARGEST).astype(np.float16)
    counts: Array = np.bincount(halves.reshape(-1).view(np.uint16), minlength=_PATTERNS)
    return counts


def _scale(counts: Array) -> Scale:
    present = np.flatnonzero(counts)
    values = present.astype(np.uint16).view(np.float16).astype(np.float64)
    masses = counts[present].astype(np.float64)
    is_signed = bool(values.min(initial=0.0) < 0)
    lowest, highest = (-128, 127) if is_signed else (0, 255)
    peak = float(np.abs(values).max(initial=0.0))
    if peak == 0.0:
        return Scale(1.0, is_signed)

    def step_of(share: float) -> float:
        return float(np.float16(max(peak * share / highest, _SMALLEST)))

    def error(share: float) -> float:
        step = step_of(share)
        codes = np.clip(np.round(values / step), lowest, highest)
        return float(masses @ np.square(values - codes * step))

    best = min(_CLIPPED, key=error)
    near = [best * factor for factor in _NEAR if best * factor <= 1.0]
    return Scale(step_of(min([best, *near], key=error)), is_signed)
