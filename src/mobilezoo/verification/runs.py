"""The two sides of a comparison: outputs and layers of both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from mobilezoo.coreml.classes import COMPLEMENT_ADDED, SOFTMAX_ADDED
from mobilezoo.coreml.names import output_names
from mobilezoo.data.preprocessing import SAY_PREPROCESSING, Preprocessing
from mobilezoo.errors import InvalidArgumentError
from mobilezoo.graph import Graph
from mobilezoo.graph.calls import intercept_layers
from mobilezoo.graph.inputs import symbolic_inputs
from mobilezoo.runtime import CoreMLProgram
from mobilezoo.verification.agreement import FloatArray
from mobilezoo.verification.given import Arrays


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
    model: keras.Model, arrays: Sequence[FloatArray], shown: int = 1
) -> tuple[list[FloatArray], dict[str, FloatArray]]:
    """Outputs for all examples, and the output of every layer call for the first.

    Layers of 16 bits compute in float32. Sides may be others than the model declares: then its own
    `call` runs, and that of the models in it, because `model(...)` would refuse them. Nothing is
    compiled: bilinear upsampling of free sides and names with a space run only so.

    Args:
        model: any.
        arrays: one per input.
        shown: examples for which layers are recorded; 0 for none.
    """
    shape = tuple(arrays[0].shape[1:]) or None if len(arrays) == 1 else None
    structure = symbolic_inputs(model, shape, any_size=True)
    resized = not _is_declared(model, shape)
    layers: dict[str, FloatArray] = {}

    def opening(layer: Any, _: str, proceed: Any, args: Any, kwargs: Any) -> Any:
        opened = resized and isinstance(layer, keras.Model)
        return layer.call(*args, **kwargs) if opened else proceed()

    def record(layer: Any, path: str, proceed: Any, args: Any, kwargs: Any) -> Any:
        made = opening(layer, path, proceed, args, kwargs)
        flat = keras.tree.flatten(made)
        if len(flat) == 1:
            layers[path] = _numpy(flat[0])
        return made

    def computed(count: int, handler: Any) -> Any:
        packed = keras.tree.pack_sequence_as(structure, [array[:count] for array in arrays])
        with intercept_layers(model, handler):
            if not resized:
                return model(packed, training=False)
            return model.call(keras.tree.map_structure(keras.ops.convert_to_tensor, packed))

    with in_float32(model):
        if shown:
            computed(shown, record)
        outputs = computed(len(arrays[0]), opening)
    return [_numpy(output) for output in keras.tree.flatten(outputs)], layers


@contextmanager
def in_float32(model: keras.Model) -> Iterator[None]:
    """Layers of 16 bits compute in float32 meanwhile, with the weights that they have.

    The file computes in a precision of its own: it is compared with what the weights say, not with
    how Keras rounds on the way.
    """
    halves = [
        layer for layer in model._flatten_layers() if layer.compute_dtype in ("float16", "bfloat16")
    ]
    policies = [layer._dtype_policy for layer in halves]
    for layer in halves:
        exact = keras.DTypePolicy("float32")
        exact._variable_dtype = layer.variable_dtype  # Keras casts where the two differ
        layer._dtype_policy = exact
    try:
        yield
    finally:
        for layer, policy in zip(halves, policies, strict=True):
            layer._dtype_policy = policy


def _is_declared(model: keras.Model, shape: tuple[int, ...] | None) -> bool:
    try:
        symbolic_inputs(model, shape)
    except InvalidArgumentError:
        return False
    return True


def run_file(program: CoreMLProgram, graph: Graph, given: Arrays) -> list[FloatArray]:
    """The file's outputs for all examples, in the order of the model's."""
    _check_arrays(program)
    features = zip(program.inputs, given, strict=True)
    made = program.predict(
        {feature.name: _as_declared(array, feature) for feature, array in features}
    )
    outputs: list[FloatArray] = []
    for index, name in enumerate(output_names(graph)):
        if index == 0 and program.is_classifier:
            probabilities = made[probability_output(program)]
            rows = [[row[label] for label in program.labels or ()] for row in probabilities]
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


def _check_arrays(program: CoreMLProgram) -> None:
    pictures = [feature.name for feature in program.outputs if feature.kind == "image"]
    if pictures:
        raise InvalidArgumentError(
            f"Output '{pictures[0]}' of the file is a picture, of whole pixels, and Keras's is an "
            "array. verify compares numbers: export the model with arrays as outputs."
        )


def probability_output(program: CoreMLProgram) -> str:
    """Name of a classifier's output of probabilities; "classLabelProbs" in our own files."""
    return next(feature.name for feature in program.outputs if feature.kind == "dictionary")


def run_file_layers(program: CoreMLProgram, given: Arrays, shown: int = 1) -> dict[str, FloatArray]:
    """Every value that the file computes for the first examples, by its name in the program.

    `shown`: how many these are; more than 1 for a file that takes several at once only.
    """
    features = {}
    for feature, array in zip(program.inputs, given, strict=True):
        first = _as_declared(array[:shown], feature)
        has_batch = feature.kind == "array" and feature.leading_batch
        features[feature.name] = first if has_batch else first[0]
    return dict(program.layers(features))


def _as_declared(array: npt.NDArray[Any], feature: Any) -> npt.NDArray[Any]:
    """(n, ...) with the axes that a neural network declares besides Keras's."""
    if feature.kind == "image" or feature.leading_batch or array.ndim == len(feature.shape) + 1:
        return array
    return array.reshape(len(array), *feature.shape)


def _numpy(tensor: Any) -> FloatArray:
    return np.asarray(keras.ops.convert_to_numpy(tensor), np.float32)


def as_classifier(program: CoreMLProgram, output: FloatArray) -> FloatArray:
    """Keras's first output (n, units) with what labels made the exporter add behind it."""
    added = program.metadata.user_defined
    if SOFTMAX_ADDED in added:
        output = _softmax(output)
    return with_complement(output) if COMPLEMENT_ADDED in added else output


def with_complement(probability: FloatArray) -> FloatArray:
    """p (n, 1) -> (1 - p, p)."""
    return np.concatenate([1 - probability, probability], axis=1)


def _softmax(logits: FloatArray) -> FloatArray:
    """(n, classes) -> (n, classes), each row of sum 1."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities: FloatArray = powers / powers.sum(axis=1, keepdims=True)
    return probabilities
