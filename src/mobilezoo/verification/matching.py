"""What a file and a Keras model must have in common before they are compared."""

from __future__ import annotations

import tempfile
from typing import Any

import keras

from mobilezoo.data.preprocessing import Preprocessing, preprocessing_of
from mobilezoo.errors import InvalidArgumentError, VerificationError
from mobilezoo.graph.inputs import symbolic_inputs
from mobilezoo.runtime import CoreMLProgram, load_coreml
from mobilezoo.verification.trials import has_free_sides, input_shape


def open_file(file: Any) -> CoreMLProgram:
    """The file at a path, or the one of an `MLModel`; a program as it is."""
    if isinstance(file, CoreMLProgram):
        return file
    path = getattr(file, "package_path", file)  # coremltools' MLModel knows its own
    if path is not None:
        return load_coreml(path)
    with tempfile.TemporaryDirectory() as folder:  # but not that of a neural network
        saved = f"{folder}/model.mlmodel"
        file.save(saved)
        return load_coreml(saved)


def check_same_inputs(
    model: keras.Model, program: CoreMLProgram, shape: tuple[int, ...] | None = None
) -> None:
    """Raise InvalidArgumentError if the file takes other inputs than the model.

    Args:
        model: the model.
        program: the file.
        shape: of the file's one input in Keras's order, without the batch; None for its own.
    """
    try:
        shape = input_shape(program, model) if shape is None else shape
        free = has_free_sides(program)
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


def recorded(program: CoreMLProgram, model: keras.Model) -> Preprocessing | None:
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
            "if the model was trained so."
        )
    return in_file or of_model
