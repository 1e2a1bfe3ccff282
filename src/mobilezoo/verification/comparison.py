"""`verify`: run Keras, run the file, compare."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from mobilezoo.coreml.classes import COMPLEMENT_ADDED, SOFTMAX_ADDED
from mobilezoo.coreml.names import program_names
from mobilezoo.coreml.precision import PRECISIONS
from mobilezoo.data.preprocessing import Preprocessing, preprocessing_of
from mobilezoo.data.preprocessing import preprocessing as find
from mobilezoo.errors import InvalidArgumentError, VerificationError
from mobilezoo.graph import Graph, capture, fold
from mobilezoo.graph.inputs import symbolic_inputs
from mobilezoo.graph.node import Shape
from mobilezoo.runtime import CoreMLProgram, load_coreml
from mobilezoo.verification.agreement import (
    Agreement,
    FloatArray,
    difference,
    differences_by_example,
    refuse_departure,
    refuse_vacuous,
    top1_agreement,
)
from mobilezoo.verification.runs import (
    keras_inputs,
    run_file,
    run_file_layers,
    run_keras,
    softmax,
)
from mobilezoo.verification.trials import (
    EXAMPLES,
    Arrays,
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
    first. A comparison that could not have failed is refused.

    Args:
        model: the Keras model, with the weights that were exported.
        file: path of the file, or what `load_coreml` or `export_coreml` returned.
        inputs: (n, height, width, channels): pixels 0..255 (RGB or gray) for a file that takes
            images, what Keras takes otherwise; a list of such arrays for several inputs.
            Default: 4 random ones; for a file that takes several sizes 4 of each that it lists,
            or of the ends of its range and of a size in between.
        limit: largest difference allowed, relative to the largest reference value. Default:
            1e-4 for float32, 2e-2 for float16, 0.2 for int8 and palette8. Palettes of fewer bits
            have none: how far they depart depends on the network.
        preprocessing: of the file's image input, as for `export_coreml`; default: what the file
            and the model say.
        seed: of the random inputs.

    Returns:
        What was compared and how well it agrees.

    Raises:
        VerificationError: the file departs; names the first layer that does.
        VacuousComparisonError: Keras's output is near zero or does not move with the input.
        InvalidArgumentError: the inputs do not fit, how pixels are prepared is not known, or the
            file's precision needs a `limit`.
    """
    if not isinstance(model, keras.Model):
        raise InvalidArgumentError(
            f"verify takes the Keras model first, then the file; got {type(model).__name__} first."
        )
    if limit is not None and not 0 < limit < 1:
        raise InvalidArgumentError(f"limit={limit} must be between 0 and 1, such as 0.02 for 2 %.")
    program = _open(file)
    precision = program.metadata.user_defined.get("com.mobilezoo.precision")
    if limit is None:
        limit = _default_limit(model, precision, program.path.name)
    _check_same_inputs(model, program)
    record = _recorded(program, model) if preprocessing is None else find(preprocessing)
    setting = _Setting(model, program, _graph(program, model), record, limit, seed)
    found = [_compare(setting, size, given) for size, given in trials(program, model, inputs, seed)]
    same = [item.top1_agreement for item in found if item.top1_agreement is not None]
    return Agreement(
        file=program.path.name,
        precision=precision,
        largest_difference=max(item.largest_difference for item in found),
        limit=limit,
        top1_agreement=float(np.mean(same)) if same else None,
        examples=sum(item.examples for item in found),
        layers={
            path: max(item.layers.get(path, 0.0) for item in found) for path in found[0].layers
        },
        sizes=len(found),
    )


@dataclass(frozen=True)
class _Setting:
    """What is compared with what."""

    model: keras.Model
    program: CoreMLProgram
    graph: Graph
    record: Preprocessing | None
    limit: float
    seed: int


@dataclass(frozen=True)
class _Found:
    """What one size of inputs gave."""

    largest_difference: float
    top1_agreement: float | None
    examples: int
    layers: Mapping[str, float]


def _graph(program: CoreMLProgram, model: keras.Model) -> Graph:
    """As it was exported: with free sides where the file takes several sizes."""
    shape: Shape | None = input_shape(program, model)
    free = has_free_sides(program)
    if free and shape is not None:
        shape = (*(None for _ in shape[:-1]), shape[-1])
    return fold(capture(model, shape, any_size=free))[0]


def _compare(setting: _Setting, size: str, given: Arrays) -> _Found:
    """Run both on inputs of one size.

    Raises:
        VerificationError: they differ.
        VacuousComparisonError: they could not have differed.
    """
    model, program, graph, limit = setting.model, setting.program, setting.graph, setting.limit
    arrays = keras_inputs(program, given, setting.record)
    shown = min(len(arrays[0]), fewest_examples(program))
    reference, reference_layers = run_keras(model, arrays, shown)
    if SOFTMAX_ADDED in program.metadata.user_defined:
        reference[0] = softmax(reference[0])
    if COMPLEMENT_ADDED in program.metadata.user_defined:
        reference[0] = np.concatenate([1 - reference[0], reference[0]], axis=1)
    refuse_vacuous(model.name, reference, limit)
    if len(arrays[0]) == 1:  # whether the output moves takes more than one example
        drawn = drawn_inputs(program, model, EXAMPLES, setting.seed)
        refuse_vacuous(
            model.name, run_keras(model, keras_inputs(program, drawn, setting.record))[0], limit
        )
    outputs = run_file(program, graph, given)
    file_layers = run_file_layers(program, given, shown)
    layers = dict(_layer_differences(graph, file_layers, reference_layers))
    pairs = zip(outputs, reference, strict=True)
    differences = np.max([differences_by_example(*pair) for pair in pairs], axis=0)  # NaN stays
    refuse_departure(f"{program.path.name}{size}", graph, differences, layers, limit)
    top1 = top1_agreement(outputs[0], reference[0])
    return _Found(float(differences.max()), top1, len(arrays[0]), layers)


def _open(file: Any) -> CoreMLProgram:
    if isinstance(file, CoreMLProgram):
        return file
    path = getattr(file, "package_path", file)  # coremltools' MLModel knows its own
    if path is not None:
        return load_coreml(path)
    with tempfile.TemporaryDirectory() as folder:  # but not that of a neural network
        saved = f"{folder}/model.mlmodel"
        file.save(saved)
        return load_coreml(saved)


def _default_limit(model: keras.Model, precision: str | None, file: str) -> float:
    """By the file's precision; a Keras model that computes in 16 bits is no better than those.

    Raises:
        InvalidArgumentError: sound exports in that precision have no common limit.
    """
    names = [precision] if precision in PRECISIONS else ["float16"]
    if any(layer.compute_dtype in ("float16", "bfloat16") for layer in model.layers):
        names.append("float16")
    limits = [PRECISIONS[name].agreement for name in names if name]
    known = [limit for limit in limits if limit is not None]
    if len(known) < len(limits):
        raise InvalidArgumentError(
            f"{file} holds weights in {precision}, which depart from Keras's on purpose; by how "
            "much the outputs may differ depends on the network. Pass limit=, such as limit=0.3 "
            "for 30 % of the largest value (--limit on the command line)."
        )
    return max(known)


def _check_same_inputs(model: keras.Model, program: CoreMLProgram) -> None:
    try:
        shape, free = input_shape(program, model), has_free_sides(program)
        count = len(keras.tree.flatten(symbolic_inputs(model, shape, any_size=free)))
    except InvalidArgumentError as error:
        raise InvalidArgumentError(
            f"{program.path.name} was not made from '{model.name}': {error}"
        ) from error
    if count != len(program.inputs):
        raise InvalidArgumentError(
            f"{program.path.name} was not made from '{model.name}': it takes "
            f"{len(program.inputs)} input(s), the model {count}."
        )


def _recorded(program: CoreMLProgram, model: keras.Model) -> Preprocessing | None:
    """The preprocessing that the exporter wrote into the file, or that goes with the model.

    Raises:
        VerificationError: both are known and differ.
    """
    text = program.metadata.user_defined.get("com.mobilezoo.preprocessing")
    in_file, of_model = (Preprocessing.from_json(text) if text else None), preprocessing_of(model)
    if in_file is not None and of_model is not None and in_file != of_model:
        raise VerificationError(
            f"{program.path.name} prepares pixels as '{in_file.name}', but '{model.name}' was "
            f"built for '{of_model.name}'. Export it again, or pass preprocessing={in_file.name!r} "
            "to verify if the model was trained so."
        )
    return in_file or of_model


def _layer_differences(
    graph: Graph, in_file: Mapping[str, FloatArray], in_keras: Mapping[str, FloatArray]
) -> Iterator[tuple[str, float]]:
    """(Keras layer, difference of its output) for the layers that the file names."""
    names = program_names(graph)
    seen: set[str] = set()
    for path, tensor in graph.layer_outputs.items():
        values, reference = in_file.get(names.get(tensor, "")), in_keras.get(path)
        if values is None or reference is None or tensor in seen:
            continue
        seen.add(tensor)  # a layer that does nothing returns another layer's tensor
        orders = [difference(order, reference) for order in _orders(values, reference)]
        yield path, float(np.min(orders))  # NaN stays


def _orders(values: FloatArray, reference: FloatArray) -> list[FloatArray]:
    """The file's values in Keras's axis order: channels come first in pictures and sequences.

    Which order the file uses shows in the shape; where both fit (a cube, say) both are tried. A
    neural network has vectors as (n, channels, 1, 1), sequences as (n, channels, 1, length).
    """
    if values.ndim not in (3, 4):
        return [values]
    orders = [values, np.moveaxis(values, 1, -1)]
    if values.ndim > reference.ndim:
        fitting = [order for order in orders if _long_sides(order) == _long_sides(reference)]
        return [order.reshape(reference.shape) for order in fitting] or [values]
    return [order for order in orders if order.shape == reference.shape] or [values]


def _long_sides(array: FloatArray) -> list[int]:
    return [size for size in array.shape if size > 1]
