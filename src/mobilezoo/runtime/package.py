"""Opens a `.mlpackage`: a folder with a manifest that says where the program lies."""

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
class Package:
    """A package, opened: descriptions read, program still in protobuf."""

    path: Path  # the folder
    spec_path: Path  # the protobuf file inside it
    function: Any  # MIL_pb2.Function
    inputs: tuple[Feature, ...]
    outputs: tuple[Feature, ...]
    metadata: Metadata


def open_package(path: str | os.PathLike[str]) -> Package:
    """Open a `.mlpackage` that holds an ML program.

    Raises:
        CoreMLFileError: there is none at `path`, or it is damaged.
    """
    folder = Path(path)
    if not folder.exists():
        raise CoreMLFileError(f"{folder}: no such file or folder.")
    if folder.is_file():
        raise CoreMLFileError(_why_no_folder(folder))
    spec_path = _spec_path(folder)
    model = _parse(spec_path)
    description = model.description
    return Package(
        path=folder,
        spec_path=spec_path,
        function=_main_function(model, folder),
        inputs=tuple(read_feature(feature, folder) for feature in description.input),
        outputs=tuple(read_feature(feature, folder) for feature in description.output),
        metadata=read_metadata(description, model.specificationVersion),
    )


def _why_no_folder(path: Path) -> str:
    if path.suffix == ".mlmodel":
        return (
            f"{path}: .mlmodel files (neural networks) are not supported yet; "
            "a .mlpackage with an ML program is required."
        )
    return f"{path}: a file, but a .mlpackage is a folder. An archive must be unpacked first."


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
    kind = model.WhichOneof("Type")
    if kind != "mlProgram":
        raise CoreMLFileError(f"{folder}: holds a model of type {kind}, an mlProgram is required.")
    functions = model.mlProgram.functions
    name = model.description.defaultFunctionName or "main"
    if name not in functions:
        raise CoreMLFileError(f"{folder}: no function {name!r}, only {sorted(functions)}.")
    if functions[name].opset not in functions[name].block_specializations:
        raise CoreMLFileError(f"{folder}: function {name!r} has no block for its own op set.")
    return functions[name]
