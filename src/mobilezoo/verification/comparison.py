"""`verify`: run Keras, run the file, compare."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import keras
import numpy as np

from mobilezoo.data.preprocessing import Preprocessing
from mobilezoo.data.preprocessing import preprocessing as find
from mobilezoo.errors import InvalidArgumentError
from mobilezoo.graph import Graph, capture, fold
from mobilezoo.graph.node import Shape
from mobilezoo.runtime import CoreMLProgram
from mobilezoo.verification.agreement import (
    Agreement,
    FloatArray,
    differences_by_example,
    top1_agreement,
)
from mobilezoo.verification.layers import layer_differences
from mobilezoo.verification.limits import Limits, check_limit, find_limits
from mobilezoo.verification.matching import check_same_inputs, open_file, recorded
from mobilezoo.verification.refusals import refuse_cost, refuse_departure, refuse_vacuous
from mobilezoo.verification.rounding import stored_precision, unrounded
from mobilezoo.verification.runs import (
    as_classifier,
    keras_inputs,
    run_file,
    run_file_layers,
    run_keras,
)
from mobilezoo.verification.trials import (
    EXAMPLES,
    Arrays,
    Trial,
    drawn_inputs,
    fewest_examples,
    has_free_sides,
    input_shape,
    trials,
)

if TYPE_CHECKING:
    from coremltools.models import MLModel


def verify(
    model: keras.Model,
    file: str | os.PathLike[str] | CoreMLProgram | MLModel,
    inputs: Any = None,
    *,
    limit: float | None = None,
    preprocessing: str | Preprocessing | None = None,
    seed: int = 0,
) -> Agreement:
    """Compare a Core ML file with the Keras model that it was made from.

    The file is run by mobilezoo's own runtime, which shares no code with the exporter. Outputs
    are compared on all examples, the output of every Keras layer that the file names on the
    first. A comparison that could not have failed is refused. Of weights in few bits it is found
    whether they are Keras's, rounded, whether the file is right apart from that, and what the
    rounding costs.

    Args:
        model: the Keras model, with the weights that were exported.
        file: path of the file, or what `load_coreml` or `export_coreml` returned.
        inputs: (n, height, width, channels): pixels 0..255 (RGB or gray) for a file that takes
            images, what Keras takes otherwise; a list of such arrays for several inputs.
            For a file of one input that takes several sizes also a list of arrays of different
            sizes, each one picture or several. Default: 4 random ones; for a file that takes
            several sizes 4 of each that it lists (of 8 of them, where it lists more), or of the
            ends of its range and of a size in between.
        limit: largest difference allowed, relative to the largest reference value, between 0 and
            1. Default: 1e-4 for float32, 2e-2 for float16. For weights in few bits what their
            rounding may cost, which can be more than 1: 0.2 for int8 and palette8, otherwise it
            is only reported, as it depends on the network.
        preprocessing: of the file's image input, as for `export_coreml`; default: what the file
            and the model say.
        seed: of the random inputs.

    Returns:
        What was compared and how well it agrees.

    Raises:
        VerificationError: the file departs; names the first layer that does.
        VacuousComparisonError: Keras's output is near zero or does not move with the input.
        InvalidArgumentError: the inputs or the limit do not fit, how pixels are prepared is not
            known, or a file in few bits that is not mobilezoo's needs a `limit`.
    """
    if not isinstance(model, keras.Model):
        raise InvalidArgumentError(
            f"verify takes the Keras model first, then the file; got {type(model).__name__} first."
        )
    check_limit(limit)
    program = open_file(file)
    check_same_inputs(model, program)
    record = recorded(program, model) if preprocessing is None else find(preprocessing)
    chosen = trials(program, model, inputs, seed)
    precision = program.metadata.user_defined.get("com.mobilezoo.precision")
    plain = unrounded(program, model)
    limits = find_limits(
        limit, stored_precision(program), program.path.name, separable=plain is not None
    )
    setting = _Setting(model, program, plain, _graph(program, model), record, limits, seed)
    found = [_compare(setting, trial) for trial in chosen]
    same = [item.top1_agreement for item in found if item.top1_agreement is not None]
    before = [item.before_rounding for item in found if item.before_rounding is not None]
    return Agreement(
        file=program.path.name,
        precision=precision,
        largest_difference=max(item.largest_difference for item in found),
        limit=limits.whole,
        top1_agreement=float(np.mean(same)) if same else None,
        examples=sum(item.examples for item in found),
        layers={
            path: max(item.layers.get(path, 0.0) for item in found) for path in found[0].layers
        },
        tried=tuple(trial.size for trial in chosen if trial.size),
        before_rounding=max(before) if before else None,
    )


@dataclass(frozen=True)
class _Setting:
    """What is compared with what."""

    model: keras.Model
    program: CoreMLProgram
    unrounded: CoreMLProgram | None  # the same with kernels that are not in few bits
    graph: Graph
    record: Preprocessing | None
    limits: Limits
    seed: int


@dataclass(frozen=True)
class _Found:
    """What one size of inputs gave."""

    largest_difference: float
    top1_agreement: float | None
    examples: int
    layers: Mapping[str, float]
    before_rounding: float | None


def _graph(program: CoreMLProgram, model: keras.Model) -> Graph:
    """As it was exported: with free sides where the file takes several sizes."""
    shape: Shape | None = input_shape(program, model)
    free = has_free_sides(program)
    if free and shape is not None:
        shape = (*(None for _ in shape[:-1]), shape[-1])
    return fold(capture(model, shape, any_size=free))[0]


def _compare(setting: _Setting, trial: Trial) -> _Found:
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
    if setting.unrounded is not None:
        outputs, layers = _departures(setting.unrounded, graph, given, reference)
        whole = f"{name}, with its kernels as they were before rounding to few bits,"
        refuse_departure(whole, graph, outputs.differences, layers, limits.computed)
        before = float(outputs.differences.max())
    outputs, layers = _departures(program, graph, given, reference)
    refuse = refuse_departure if setting.unrounded is None else refuse_cost
    refuse(name, graph, outputs.differences, layers, limits.whole)
    return _Found(float(outputs.differences.max()), outputs.top1, len(given[0]), layers, before)


class _Reference(NamedTuple):
    """What Keras computes."""

    outputs: list[FloatArray]
    layers: dict[str, FloatArray]
    shown: int  # examples of which there are layers


class _Outputs(NamedTuple):
    """How far the outputs depart."""

    differences: FloatArray  # one per example
    top1: float | None


def _reference(setting: _Setting, given: Arrays, shown: int = 1) -> _Reference:
    arrays = keras_inputs(setting.program, given, setting.record)
    outputs, layers = run_keras(setting.model, arrays, shown)
    outputs[0] = as_classifier(setting.program, outputs[0])
    return _Reference(outputs, layers, shown)


def _departures(
    program: CoreMLProgram, graph: Graph, given: Arrays, reference: _Reference
) -> tuple[_Outputs, dict[str, float]]:
    """How far the outputs of a program depart, and its layers by their paths."""
    outputs = run_file(program, graph, given)
    in_file = run_file_layers(program, given, reference.shown)
    pairs = zip(outputs, reference.outputs, strict=True)
    differences = np.max([differences_by_example(*pair) for pair in pairs], axis=0)  # NaN stays
    found = _Outputs(differences, top1_agreement(outputs[0], reference.outputs[0]))
    return found, dict(layer_differences(graph, in_file, reference.layers))
