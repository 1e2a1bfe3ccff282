"""Keras and a file on inputs of one size: run both, and refuse what differs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import keras
import numpy as np

from mobilezoo.coreml.classes import SOFTMAX_ADDED
from mobilezoo.data.preprocessing import Preprocessing
from mobilezoo.errors import VerificationError
from mobilezoo.graph import Graph
from mobilezoo.runtime import CoreMLProgram
from mobilezoo.verification.agreement import (
    FloatArray,
    differences_by_example,
    top1_agreement,
)
from mobilezoo.verification.given import Arrays
from mobilezoo.verification.layers import departed_layers, layer_differences
from mobilezoo.verification.limits import Limits
from mobilezoo.verification.refusals import (
    refuse_cost,
    refuse_departure,
    refuse_rounding,
    refuse_vacuous,
)
from mobilezoo.verification.rounding import stored_precision
from mobilezoo.verification.runs import (
    as_classifier,
    keras_inputs,
    run_file,
    run_file_layers,
    run_keras,
)
from mobilezoo.verification.trials import EXAMPLES, Trial, drawn_inputs, fewest_examples

_REST = 0.1  # of a departure, what is left with Keras's own weights: constants stay in float16


@dataclass(frozen=True)
class Setting:
    """What is compared with what.

    Attributes:
        model: with the weights that were exported.
        program: the file.
        exact: returns the file with Keras's own weights in place of their rounding; None where
            they cannot be told.
        few_bits: whether weights of few bits are judged apart from what they cost.
        graph: as exported.
        record: how pixels are prepared.
        limits: that are allowed.
        seed: of random inputs.
    """

    model: keras.Model
    program: CoreMLProgram
    exact: Callable[[], CoreMLProgram | None]
    few_bits: bool
    graph: Graph
    record: Preprocessing | None
    limits: Limits
    seed: int

    @property
    def compared(self) -> tuple[str, ...]:
        """The tensors that are outputs of the file: not the logits to which it adds a softmax."""
        adds = SOFTMAX_ADDED in self.program.metadata.user_defined
        return tuple(self.graph.outputs[1:] if adds else self.graph.outputs)


class Found(NamedTuple):
    """What one size of inputs gave."""

    largest_difference: float
    top1_agreement: float | None
    examples: int
    layers: Mapping[str, float]
    before_rounding: float | None


def judge(setting: Setting, trial: Trial) -> Found:
    """Run both on inputs of one size.

    Raises:
        VerificationError: they differ.
        VacuousComparisonError: they could not have differed.
    """
    program, graph, limits = setting.program, setting.graph, setting.limits
    at = f" at {trial.size}" if trial.size else ""
    given = trial.arrays()
    shown = min(len(given[0]), fewest_examples(program))
    reference = _reference(setting, given, shown)
    refuse_vacuous(graph.name, reference.outputs, limits.computed, at)
    if len(given[0]) == 1:  # whether the output moves takes more than one example
        drawn = drawn_inputs(program, setting.model, EXAMPLES, setting.seed, trial.sides)
        refuse_vacuous(graph.name, _reference(setting, drawn).outputs, limits.computed, at)
    name, before = f"{program.path.name}{at}", None
    found = _departures(program, graph, given, reference)
    exact = setting.exact() if setting.few_bits or _drifts(setting, found) else None
    if exact is not None:
        whole = f"{name}, with weights as they were before rounding,"
        unrounded = _departures(exact, graph, given, reference)
        refuse_departure(whole, graph, *unrounded[:2], limits.computed, setting.compared)
        before = unrounded.largest
    if setting.few_bits:
        refuse_cost(name, graph, found.differences, found.layers, limits.whole)
    elif exact is None:
        _refuse_rounding(setting, given, reference, found, name)
        refuse_departure(name, graph, *found[:2], limits.whole, setting.compared)
    before = before if setting.few_bits else None
    return Found(found.largest, found.top1, len(given[0]), found.layers, before)


class _Reference(NamedTuple):
    """What Keras computes."""

    outputs: list[FloatArray]
    layers: dict[str, FloatArray]
    shown: int  # examples of which there are layers


class _Departures(NamedTuple):
    """How far a file departs."""

    differences: FloatArray  # of the outputs, one per example
    layers: dict[str, float]  # by their paths
    top1: float | None

    @property
    def largest(self) -> float:
        return float(self.differences.max())  # NaN stays


def _reference(setting: Setting, given: Arrays, shown: int = 1) -> _Reference:
    arrays = keras_inputs(setting.program, given, setting.record)
    outputs, layers = run_keras(setting.model, arrays, shown)
    outputs[0] = as_classifier(setting.program, outputs[0])
    return _Reference(outputs, layers, shown)


def _departures(
    program: CoreMLProgram, graph: Graph, given: Arrays, reference: _Reference
) -> _Departures:
    outputs = run_file(program, graph, given)
    in_file = run_file_layers(program, given, reference.shown)
    pairs = zip(outputs, reference.outputs, strict=True)
    differences = np.max([differences_by_example(*pair) for pair in pairs], axis=0)
    layers = dict(layer_differences(graph, in_file, reference.layers))
    return _Departures(differences, layers, top1_agreement(outputs[0], reference.outputs[0]))


def _refuse_rounding(
    setting: Setting, given: Arrays, reference: _Reference, found: _Departures, name: str
) -> None:
    """Say where the outputs of a float16 file depart that nothing but its rounded weights do it."""
    limit = setting.limits.whole
    rounded = stored_precision(setting.program) == "float16"
    if not rounded or found.largest <= limit or not np.isfinite(found.largest):
        return
    try:
        exact = setting.exact()
    except VerificationError:  # they are no rounding of Keras's
        return
    if exact is None:
        return
    before = _departures(exact, setting.graph, given, reference)
    departed = departed_layers(setting.graph, before.layers, limit, setting.compared)
    if before.largest <= min(limit, _REST * found.largest) and not departed:
        refuse_rounding(name, found.differences, before.largest, limit)


def _drifts(setting: Setting, found: _Departures) -> bool:
    """Whether layers depart though the outputs agree: rounded weights add up, a softmax hides."""
    limit = setting.limits.whole
    departed = departed_layers(setting.graph, found.layers, limit, setting.compared)
    return found.largest <= limit and bool(departed)
