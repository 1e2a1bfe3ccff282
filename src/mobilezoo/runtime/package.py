"""Opens a Core ML file.

A `.mlpackage` is a folder with a manifest that says where the protobuf lies; a `.mlmodel` is the
protobuf.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from mobilezoo import _environment
from mobilezoo.errors import CoreMLFileError, InvalidArgumentError
from mobilezoo.runtime import limits
from mobilezoo.runtime._paths import check_file, content_of, path_inside, text_in_place
from mobilezoo.runtime.features import Feature, Metadata, read_feature, read_metadata

_environment.coremltools()  # silences what the next import would print
from coremltools.proto import Model_pb2  # noqa: E402
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # noqa: E402

_DATA_FOLDER = "Data"
_TEXT = 1000  # bytes by which a text is told


class InPackage(Protocol):
    """coremltools' `MLModel`: one of a package knows where that is, others have None there."""

    package_path: Any


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

    @property
    def functions(self) -> tuple[str, ...]:
        """Names of an ML program's functions; empty for others."""
        return tuple(sorted(self.model.mlProgram.functions)) if self.kind == "mlProgram" else ()

    @property
    def default_function(self) -> str:
        """The function of an ML program that runs unless another is asked for."""
        name: str = self.model.description.defaultFunctionName
        return name or "main"

    def features(
        self, function_name: str | None = None
    ) -> tuple[tuple[Feature, ...], tuple[Feature, ...]]:
        """Inputs and outputs, as the file declares them; those of a function, where it has several.

        Outputs may be empty, as where no box is found.

        Raises:
            CoreMLFileError: a kind of feature that is not known here, or two of one name.
        """
        description = self.model.description
        for function in description.functions:
            if function.name == function_name:
                description = function
        self._check_names("input", description.input)
        self._check_names("output", description.output)
        return tuple(read_feature(item, self.path) for item in description.input), tuple(
            read_feature(item, self.path, lowest=0) for item in description.output
        )

    def _check_names(self, side: str, declared: Iterable[Any]) -> None:
        count = Counter(item.name for item in declared)
        twice = next((name for name, times in count.items() if times > 1), None)
        if twice is not None:
            raise CoreMLFileError(
                f"{self.path}: damaged, {side} {twice!r} is declared {count[twice]} times."
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


def read_model(path: str | os.PathLike[str] | InPackage) -> ModelFile:
    """Parse a `.mlpackage` or a `.mlmodel`.

    Raises:
        CoreMLFileError: there is none at `path`, or it is damaged.
        InvalidArgumentError: `path` is no path.
    """
    file = _existing(path)
    spec_path = _spec_path(file)
    return ModelFile(file, spec_path, _parse(spec_path))


def open_package(file: ModelFile, function_name: str | None = None) -> Package:
    """Read the description of an ML program and find its function, or the one of that name.

    Raises:
        CoreMLFileError: it is no ML program in a package, or damaged.
    """
    if file.path == file.spec_path:
        raise CoreMLFileError(f"{file.path}: an ML program, which lies in a .mlpackage folder.")
    name = function_name or file.default_function
    function = _function(file, name)
    inputs, outputs = file.features(name)
    return Package(
        path=file.path,
        spec_path=file.spec_path,
        function=function,
        inputs=inputs,
        outputs=outputs,
        metadata=file.metadata,
    )


def class_labels(message: Any) -> tuple[str | int, ...]:
    """The labels of a message that has `ClassLabels`; empty where it has none."""
    kind = message.WhichOneof("ClassLabels")
    return tuple(getattr(message, kind).vector) if kind else ()


def _existing(path: Any) -> Path:
    """The path of something that may be a Core ML file, by its kind and name."""
    given, path = path, getattr(path, "package_path", path)  # MLModel knows that of its package
    if not isinstance(path, (str, os.PathLike)):
        kind = "None" if given is None else type(given).__name__
        raise InvalidArgumentError(
            f"{kind} is no path. Pass that of a .mlpackage or a .mlmodel; save what is in memory "
            "first."
        )
    file = Path(path)
    if file.suffix == ".mlmodelc":
        raise CoreMLFileError(
            f"{file}: compiled for devices. Take the .mlpackage or .mlmodel it was made from."
        )
    if not file.exists():
        raise CoreMLFileError(f"{file}: no such file or folder.")
    if file.is_file() and file.suffix in (".keras", ".h5"):
        raise CoreMLFileError(
            f"{file}: a Keras model, no Core ML file. Load it with keras.models.load_model, and "
            "write a Core ML file with mobilezoo.export_coreml."
        )
    if file.is_file() and file.suffix == ".mlpackage":
        raise CoreMLFileError(
            f"{file}: a file, but a .mlpackage is a folder. An archive must be unpacked first."
        )
    if file.is_file() and file.suffix != ".mlmodel":
        raise CoreMLFileError(
            f"{file}: no Core ML file. Those end in .mlmodel, or are folders that end in "
            ".mlpackage. An archive must be unpacked first."
        )
    return file


def _spec_path(folder: Path) -> Path:
    """The protobuf file: itself, or that which the manifest calls the root of the package."""
    if folder.is_file():  # of one's own choice, perhaps a link
        return check_file(folder, folder.resolve().parent, limits.MOST_SPECIFICATION_BYTES)
    manifest = folder / "Manifest.json"
    if not manifest.is_file():
        raise CoreMLFileError(f"{folder}: no Core ML package, Manifest.json is missing.")
    check_file(manifest, folder, limits.MOST_MANIFEST_BYTES)
    try:
        content = json.loads(content_of(manifest).decode())
        inside = content["itemInfoEntries"][content["rootModelIdentifier"]]["path"]
        target = path_inside(folder / _DATA_FOLDER, inside)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise CoreMLFileError(
            f"{manifest}: damaged, it does not say where the program lies ({error!r})."
        ) from error
    if target is None:
        raise CoreMLFileError(f"{manifest}: path {inside!r} leads out of the package.")
    return check_file(target, folder, limits.MOST_SPECIFICATION_BYTES)


def _parse(spec_path: Path) -> Any:
    model = Model_pb2.Model()
    content = content_of(spec_path)
    if not content:
        raise CoreMLFileError(f"{spec_path}: holds no model; the file is empty.")
    try:
        model.ParseFromString(content)
    except DecodeError as error:
        what = _text_in(content) or f"truncated or damaged protobuf ({error})"
        raise CoreMLFileError(f"{spec_path}: {what}.") from error
    return model


def _text_in(content: bytes) -> str | None:
    """What a file is that holds text and no protobuf; None for other files."""
    beginning = content[:_TEXT]
    other = text_in_place(beginning)
    if other is not None:
        return other
    printable = all(byte >= 32 or byte in b"\t\n\r" for byte in beginning)
    return "a text, no Core ML model" if printable and _is_utf8(content) else None


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def _function(file: ModelFile, name: str) -> Any:
    functions = file.model.mlProgram.functions
    if name not in functions:
        raise CoreMLFileError(f"{file.path}: no function {name!r}, only {list(file.functions)}.")
    if functions[name].opset not in functions[name].block_specializations:
        raise CoreMLFileError(f"{file.path}: function {name!r} has no block for its own op set.")
    return functions[name]
