"""MIL program -> `.mlpackage` folder: specification, weights, manifest."""

from __future__ import annotations

import gc
import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import coremltools as ct
from coremltools import proto
from coremltools.converters.mil.backend.mil.load import MILProtoExporter
from coremltools.converters.mil.mil import Program
from coremltools.converters.mil.mil.passes.pass_registry import PASS_REGISTRY
from coremltools.models import utils

from mobilezoo._content import CONTENT_HASH, content_hash
from mobilezoo.coreml.weight_file import WeightFile
from mobilezoo.errors import InvalidArgumentError

if TYPE_CHECKING:
    from coremltools.proto import Model_pb2

# All that our own programs need of coremltools' 90 passes; the rest took 30 s and 5 GB on VGG16.
_PASSES = ("common::dead_code_elimination", "common::dedup_op_and_var_names")
_AUTHOR = "com.apple.CoreML"
_SPECIFICATION = f"{_AUTHOR}/model.mlmodel"
_WEIGHTS = f"{_AUTHOR}/weights"


def check_packages() -> None:
    """Raise InvalidArgumentError where coremltools cannot open a package."""
    if utils._ModelPackage is None:
        raise InvalidArgumentError(
            "This installation of coremltools has no native library, as on Windows, and cannot "
            "open a .mlpackage. Write a .mlmodel, or export on Linux or macOS."
        )


def write_package(
    emit: Callable[[WeightFile], Program], description: Model_pb2.ModelDescription, folder: Path
) -> Model_pb2.Model:
    """Write an ML package (specification version 6, iOS 15).

    The same program gives the same bytes.

    Args:
        emit: makes the program; weights go straight to their place in the package.
        description: of the features.
        folder: to be made.

    Returns:
        Its specification.
    """
    poured = WeightFile(weights_folder(folder))
    with _no_collection():
        program = emit(poured)
        poured.write()
        specification = _specification(program, poured, description)
    finish_package(specification, poured.digests, folder)
    return specification


def weights_folder(folder: Path) -> Path:
    """Make the folder of the weight files of a package that is being written."""
    weights = folder / "Data" / _WEIGHTS
    weights.mkdir(parents=True)
    return weights


def finish_package(
    specification: Model_pb2.Model, digests: Mapping[str, bytes], folder: Path
) -> None:
    """Write the specification, with its content hash, and the manifest.

    Args:
        specification: changed: it gets the hash.
        digests: SHA-256 of the weight files, by their names; without any, their folder goes.
        folder: of the package, in which `weights_folder` is.
    """
    data = folder / "Data"
    set_content_hash(specification, digests)
    _write_specification(specification, folder)
    items = [("model.mlmodel", _SPECIFICATION, "CoreML Model Specification")]
    if digests:
        items.append(("weights", _WEIGHTS, "CoreML Model Weights"))
    else:
        (data / _WEIGHTS).rmdir()
    (folder / "Manifest.json").write_text(_manifest(items), "utf-8")


def annotate(specification: Model_pb2.Model, folder: Path, key: str, text: str) -> None:
    """Add a text to the metadata of a package that is written."""
    specification.description.metadata.userDefined[key] = text
    _write_specification(specification, folder)


def _write_specification(specification: Model_pb2.Model, folder: Path) -> None:
    serialized = specification.SerializeToString(deterministic=True)
    (folder / "Data" / _SPECIFICATION).write_bytes(serialized)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Building makes many objects and no garbage; to look for some takes a tenth of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _specification(
    program: Program, weights: WeightFile, description: Model_pb2.ModelDescription
) -> Model_pb2.Model:
    for name in _PASSES:
        PASS_REGISTRY[name](program)
    specification = proto.Model_pb2.Model(
        specificationVersion=ct.target.iOS15, description=description
    )
    exporter = _Exporter(program, weights_dir="", specification_version=ct.target.iOS15)
    exporter.weights = weights
    specification.mlProgram.CopyFrom(exporter.export())
    return specification


class _Exporter(MILProtoExporter):  # type: ignore[misc]
    """coremltools' exporter, whose weights are in their file already."""

    weights: WeightFile

    def create_file_value(self, var: Any) -> Any:
        """Where the values of a constant lie."""
        return self.weights.value_of(var)


def set_content_hash(model: Model_pb2.Model, weights: Mapping[str, bytes]) -> None:
    """Write what the file computes as a hash into its metadata; see `content_hash`."""
    model.description.metadata.userDefined[CONTENT_HASH] = content_hash(model, weights)


def _manifest(items: list[tuple[str, str, str]]) -> str:
    identifiers = [str(uuid.uuid5(uuid.NAMESPACE_URL, path)) for _, path, _ in items]
    entries = {
        identifier: {"author": _AUTHOR, "description": what, "name": name, "path": path}
        for identifier, (name, path, what) in zip(identifiers, items, strict=True)
    }
    content = {
        "fileFormatVersion": "1.0.0",
        "itemInfoEntries": entries,
        "rootModelIdentifier": identifiers[0],
    }
    return json.dumps(content, indent=4)
