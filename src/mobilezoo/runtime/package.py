"""Opens a Core ML file.

A `.mlpackage` is a folder with a manifest that says where the protobuf lies; a `.mlmodel` is the
protobuf.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mobilezoo import _environment
from mobilezoo.errors import CoreMLFileError
from mobilezoo.runtime._paths import path_inside
from mobilezoo.runtime.features import Feature, Metadata, read_feature, read_metadata

_environment.coremltools()  # silences what the next import would print
from coremltools.proto import Model_pb2  # noqa: E402
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # noqa: E402

_DATA_FOLDER = "Data"


@dataclass(frozen=True)
class ModelFile:
    """A Core ML file, its protobuf parsed."""

    path: Path  # the folder, or the .mlmodel file
    spec_path: Path  # the protobuf file, inside the folder
    model: Any  # Model_pb2.Model

    @property
    def kind(self) -> str | None:
        """What the file holds: "mlProgram", "neuralNetwork", ..."""
        kind: str | None = self.model.WhichOneof("Type")
        return kind

    @property
    def metadata(self) -> Metadata:
        """The file's label."""
        return read_metadata(self.model.description, self.model.specificationVersion)

    def features(self) -> tuple[tuple[Feature, ...], tuple[Feature, ...]]:
        """Inputs and outputs, as the file declares them.

        Raises:
            CoreMLFileError: a kind of feature that is not known here.
        """
        description = self.model.description
        return tuple(read_feature(item, self.path) for item in description.input), tuple(
            read_feature(item, self.path) for item in description.output
        )


@dataclass(frozen=True)
class Package:
    """A package, opened: descriptions read, program still in protobuf."""

    path: Path  # the folder
    spec_path: Path  # the protobuf file inside it
    function: Any  # MIL_pb2.Function
    inputs: tuple[Feature, ...]
    outputs: tuple[Feature, ...]
    metadata: Metadata


def read_model(path: str | os.PathLike[str]) -> ModelFile:
    """Parse a `.mlpackage` or a `.mlmodel`.

    Raises:
        CoreMLFileError: there is none at `path`, or it is damaged.
    """
    file = Path(path)
    if not file.exists():
        raise CoreMLFileError(f"{file}: no such file or folder.")
    if file.is_file() and file.suffix != ".mlmodel":
        raise CoreMLFileError(
            f"{file}: a file, but a .mlpackage is a folder. An archive must be unpacked first."
        )
    spec_path = file if file.is_file() else _spec_path(file)
    return ModelFile(file, spec_path, _parse(spec_path))


def open_package(file: ModelFile) -> Package:
    """Read the description of an ML program and find its function.

    Raises:
        CoreMLFileError: it is no ML program in a package, or damaged.
    """
    if file.path == file.spec_path:
        raise CoreMLFileError(f"{file.path}: an ML program, which lies in a .mlpackage folder.")
    function = _main_function(file.model, file.path)
    inputs, outputs = file.features()
    return Package(
        path=file.path,
        spec_path=file.spec_path,
        function=function,
        inputs=inputs,
        outputs=outputs,
        metadata=file.metadata,
    )


def _spec_path(folder: Path) -> Path:
    """The protobuf file that the manifest calls the root of the package."""
    manifest = folder / "Manifest.json"
    if not manifest.is_file():
        raise CoreMLFileError(f"{folder}: no Core ML package, Manifest.json is missing.")
    try:
        content = json.loads(manifest.read_text(encoding="utf-8"))
        inside = content["itemInfoEntries"][content["rootModelIdentifier"]]["path"]
        target = path_inside(folder / _DATA_FOLDER, inside)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise CoreMLFileError(
            f"{manifest}: damaged, it does not say where the program lies ({error!r})."
        ) from error
    if target is None:
        raise CoreMLFileError(f"{manifest}: path {inside!r} leads out of the package.")
    if not target.is_file():
        raise CoreMLFileError(f"{target}: missing, though the manifest names it.")
    return target


def _parse(spec_path: Path) -> Any:
    model = Model_pb2.Model()
    try:
        model.ParseFromString(spec_path.read_bytes())
    except DecodeError as error:
        raise CoreMLFileError(f"{spec_path}: truncated or damaged protobuf ({error}).") from error
    return model


def _main_function(model: Any, folder: Path) -> Any:
    functions = model.mlProgram.functions
    name = model.description.defaultFunctionName or "main"
    if name not in functions:
        raise CoreMLFileError(f"{folder}: no function {name!r}, only {sorted(functions)}.")
    if functions[name].opset not in functions[name].block_specializations:
        raise CoreMLFileError(f"{folder}: function {name!r} has no block for its own op set.")
    return functions[name]
