"""Chance and memory: what a model makes anew in each call, and a file would hold frozen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from mobilezoo.graph.node import Weight
from mobilezoo.graph.problems import Problems

DRAWS = (
    "it draws random numbers at inference, and a file would repeat the same ones. Draw in training "
    "only (`if training:`), make them an input of the model, or export the model up to there"
)

ASSIGNS = (
    "it assigns a variable at inference, and a file keeps nothing from one prediction to the next. "
    "Assign in training only (`if training:`), or make it an input and an output of the model"
)

BY_EXAMPLE = (
    "it makes values of its own for each example, and a file computes one at a time. Make the same "
    "for all, or make them an input of the model"
)


class Fixed(NamedTuple):
    """Values in a node that are no variable's: the call of a layer made them."""

    path: str
    layer: Any
    weights: tuple[Weight, ...]


def note_changes(problems: Problems, once: Mapping[str, Fixed], again: Mapping[str, Fixed]) -> None:
    """Note the layers whose values are others when the model runs again.

    Args:
        problems: that are known.
        once: name of a node -> the values in it.
        again: the same of a second run.
    """
    for name, fixed in {**again, **once}.items():
        if name not in once or name not in again or not _same(once[name], again[name]):
            problems.note(fixed.path, fixed.layer, DRAWS)


def note_rows(problems: Problems, one: Mapping[str, Fixed], two: Mapping[str, Fixed]) -> None:
    """Note the layers that make other values for a second example than for the first.

    Args:
        problems: that are known.
        one: name of a node -> the values in it, for one example.
        two: the same for two.
    """
    for name, fixed in one.items():
        if name in two and not _same(fixed, two[name], repeated=True):
            problems.note(fixed.path, fixed.layer, BY_EXAMPLE)


def _same(first: Fixed, second: Fixed, *, repeated: bool = False) -> bool:
    """`repeated`: whether the second may hold the first twice."""
    if len(first.weights) != len(second.weights):
        return False
    pairs = [
        (np.asarray(a.read()), np.asarray(b.read()))
        for a, b in zip(first.weights, second.weights, strict=True)
    ]
    return all(
        np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
        or (repeated and a.shape[:1] == (1,) and np.array_equal(np.concatenate([a, a]), b))
        for a, b in pairs
    )
