"""The two sides of a comparison: inputs for both, outputs and layers of both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from mobilezoo.coreml.names import output_names
from mobilezoo.data.preprocessing import SAY_PREPROCESSING, Preprocessing
from mobilezoo.errors import InvalidArgumentError
from mobilezoo.graph import Graph
from mobilezoo.graph.calls import intercept_layers
from mobilezoo.graph.inputs import symbolic_inputs
from mobilezoo.randomize import random_inputs, random_pictures
from mobilezoo.runtime import CoreMLProgram
from mobilezoo.verification.agreement import FloatArray

Arrays = list[npt.NDArray[Any]]

_EXAMPLES = 4


def input_shape(program: CoreMLProgram, model: keras.Model) -> tuple[int, ...] | None:
    """(height, width, channels) of the file's one input, for models that leave sides free."""
    return _sides(program, model)[0] if len(program.inputs) == 1 else None


def file_inputs(program: CoreMLProgram, model: keras.Model, inputs: Any, seed: int) -> Arrays:
    """What goes into the file, one array per input feature: given, or drawn.

    Raises:
        InvalidArgumentError: another number of arrays, or no examples.
    """
    if inputs is None:
        drawn = random_inputs(model, _EXAMPLES, seed, input_shape=input_shape(program, model))
        rng = np.random.default_rng(seed)
        return [
            random_pictures(rng, (_EXAMPLES, *sides)) if feature.kind == "image" else array
            for feature, array, sides in zip(
                program.inputs, keras.tree.flatten(drawn), _sides(program, model), strict=True
            )
        ]
    given = [np.asarray(a) for a in (inputs if isinstance(inputs, (list, tuple)) else [inputs])]
    if len(given) != len(program.inputs):
        raise InvalidArgumentError(
            f"{len(given)} input array(s) given; the file takes {len(program.inputs)}."
        )
    for feature, array, sides in zip(program.inputs, given, _sides(program, model), strict=True):
        if array.shape[1:] != sides or len(array) == 0:
            raise InvalidArgumentError(
                f"Input '{feature.name}' has shape {array.shape}; pass (n, "
                f"{', '.join(map(str, sides))}) with n at least 1."
            )
    return given


def keras_inputs(
    program: CoreMLProgram, given: Arrays, record: Preprocessing | None
) -> list[FloatArray]:
    """What Keras takes for the same examples: pictures are prepared.

    Raises:
        InvalidArgumentError: the file takes pictures and there is no record.
    """
    arrays: list[FloatArray] = []
    for feature, array in zip(program.inputs, given, strict=True):
        if feature.kind != "image":
            arrays.append(np.asarray(array, np.float32))
        elif record is not None:
            arrays.append(record(array))
        else:
            raise InvalidArgumentError(
                "The file takes pictures, and neither it nor the model says how their pixels must "
                f"be prepared. {SAY_PREPROCESSING}."
            )
    return arrays


def run_keras(
    model: keras.Model, arrays: Sequence[FloatArray]
) -> tuple[list[FloatArray], dict[str, FloatArray]]:
    """Outputs for all examples, and the output of every layer call for the first."""
    layers: dict[str, FloatArray] = {}

    def record(_layer: Any, path: str, proceed: Any, *_: Any) -> Any:
        made = proceed()
        flat = keras.tree.flatten(made)
        if len(flat) == 1:
            layers[path] = _numpy(flat[0])
        return made

    shape = tuple(arrays[0].shape[1:]) if len(arrays) == 1 else None
    structure = symbolic_inputs(model, shape)
    with intercept_layers(model, record):
        model(keras.tree.pack_sequence_as(structure, [a[:1] for a in arrays]), training=False)
    outputs = model.predict_on_batch(keras.tree.pack_sequence_as(structure, list(arrays)))
    return [_numpy(output) for output in keras.tree.flatten(outputs)], layers


def run_file(program: CoreMLProgram, graph: Graph, given: Arrays) -> list[FloatArray]:
    """The file's outputs for all examples, in the order of the model's."""
    features = zip(program.inputs, given, strict=True)
    made = program.predict(
        {feature.name: _as_declared(array, feature) for feature, array in features}
    )
    outputs: list[FloatArray] = []
    for index, name in enumerate(output_names(graph)):
        if index == 0 and program.labels is not None:
            probabilities = made[probability_output(program)]
            rows = [[row[label] for label in program.labels] for row in probabilities]
            outputs.append(np.asarray(rows, np.float32))
            continue
        if name not in made and len(made) == 1 and len(graph.outputs) == 1:
            (name,) = made  # a file that mobilezoo did not write has names of its own
        if name not in made:
            raise InvalidArgumentError(
                f"The file has no output '{name}', only {', '.join(map(repr, made))}: it was made "
                "from another model."
            )
        array = np.asarray(made[name], np.float32)
        rank = len(graph.spec(graph.outputs[index]).shape)
        if array.ndim == rank + 1 and array.shape[1] == 1:  # a sequence of a neural network
            array = array[:, 0]
        outputs.append(array)
    return outputs


def probability_output(program: CoreMLProgram) -> str:
    """Name of a classifier's output of probabilities; "classLabelProbs" in our own files."""
    return next(feature.name for feature in program.outputs if feature.kind == "dictionary")


def run_file_layers(program: CoreMLProgram, given: Arrays) -> dict[str, FloatArray]:
    """Every value that the file computes for the first example, by its name in the program."""
    features = {}
    for feature, array in zip(program.inputs, given, strict=True):
        first = _as_declared(array[:1], feature)
        has_batch = feature.kind == "array" and feature.leading_batch
        features[feature.name] = first if has_batch else first[0]
    return dict(program.layers(features))


def _sides(program: CoreMLProgram, model: keras.Model) -> list[tuple[int, ...]]:
    """Shape of one example of each input in Keras's order, without the batch."""
    try:
        declared = keras.tree.flatten(symbolic_inputs(model, None))
    except InvalidArgumentError:  # it does not say
        declared = []
    sides = [_sides_of(feature) for feature in program.inputs]
    for i, (own, tensor) in enumerate(zip(sides, declared, strict=False)):
        if len(own) == len(tensor.shape) and own[:1] == (1,):
            sides[i] = own[1:]  # a neural network has (1, length, channels) for a sequence
    return sides


def _sides_of(feature: Any) -> tuple[int, ...]:
    if feature.kind == "image":
        return (feature.height, feature.width, 1 if feature.color == "GRAYSCALE" else 3)
    return tuple(feature.shape[1:] if feature.leading_batch else feature.shape)


def _as_declared(array: npt.NDArray[Any], feature: Any) -> npt.NDArray[Any]:
    """(n, ...) with the axes that a neural network declares besides Keras's."""
    if feature.kind == "image" or feature.leading_batch:
        return array
    return array.reshape(len(array), *feature.shape)


def _numpy(tensor: Any) -> FloatArray:
    return np.asarray(keras.ops.convert_to_numpy(tensor), np.float32)


def softmax(logits: FloatArray) -> FloatArray:
    """(n, classes) -> (n, classes), each row of sum 1."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities: FloatArray = powers / powers.sum(axis=1, keepdims=True)
    return probabilities
