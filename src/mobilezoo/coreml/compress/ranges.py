"""Scales of values that are rounded to 8 bits, from what they are on examples."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mobilezoo.coreml.compress.activations import Places, Scale
from mobilezoo.errors import InvalidArgumentError
from mobilezoo.graph.node import Array
from mobilezoo.runtime.observing import observe
from mobilezoo.runtime.program import CoreMLProgram

_SMALLEST, _LARGEST = 2.0**-24, float(np.finfo(np.float16).max)  # steps in float16


def measure_scales(
    program: CoreMLProgram, inputs: Mapping[str, Array], places: Places
) -> dict[str, Scale]:
    """The finest scale that cuts nothing off on any example, for each value.

    Args:
        program: before anything is rounded.
        inputs: examples, as `predict` takes several at once.
        places: where values are rounded; those of a group share a scale.

    Raises:
        InvalidArgumentError: a value that is NaN or infinite, or a pipeline.
    """
    group_of = {name: i for i, group in enumerate(places.groups) for name in group}
    ranges = [(0.0, 0.0) for _ in places.groups]

    def look(name: str, values: Array) -> None:
        if name not in group_of or values.size == 0:
            return
        low, high = float(values.min()), float(values.max())
        if not np.isfinite([low, high]).all():
            raise InvalidArgumentError(
                f"The value '{name}' is NaN or infinite on the examples, and has no scale. Look "
                "for the example with `load_coreml(...).layers(...)`."
            )
        before = ranges[group_of[name]]
        ranges[group_of[name]] = min(low, before[0]), max(high, before[1])

    observe(program._opened, inputs, look)
    return {name: _scale(*ranges[i]) for name, i in group_of.items()}


def _scale(low: float, high: float) -> Scale:
    """Codes -127 to 127, or 0 to 255 where nothing is negative."""
    step = max(-low, high) / 127 if low < 0 else high / 255
    return Scale(min(max(step, _SMALLEST), _LARGEST) if step else 1.0, low < 0)
