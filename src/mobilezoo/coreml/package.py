"""MIL program -> `.mlpackage` folder: specification, weights, manifest."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import coremltools as ct
from coremltools.converters.mil.backend.mil.load import load as to_specification
from coremltools.converters.mil.mil import Program
from coremltools.converters.mil.mil.passes.pass_registry import PASS_REGISTRY

from mobilezoo._content import CONTENT_HASH, content_hash

if TYPE_CHECKING:
    from coremltools.proto import Model_pb2

# All that our own programs need of coremltools' 90 passes; the rest took 30 s and 5 GB on VGG16.
_PASSES = ("common::dead_code_elimination", "common::dedup_op_and_var_names")
_AUTHOR = "com.apple.CoreML"
_SPECIFICATION = f"{_AUTHOR}/model.mlmodel"
_WEIGHTS = f"{_AUTHOR}/weights"


def write_package(program: Program, description: Model_pb2.ModelDescription, folder: Path) -> None:
    """Write a program as an ML package (specification version 6, iOS 15).

    Weights go straight to their place in the package, 64-byte aligned, so that Core ML can map
    them to memory. The same program gives the same bytes.
    """
    data = folder / "Data"
    weights = data / _WEIGHTS
    weights.mkdir(parents=True)
    for name in _PASSES:
        PASS_REGISTRY[name](program)
    specification = to_specification(
        program,
        weights_dir=str(weights),
        specification_version=ct.target.iOS15,
        model_description=description,
    )
    files = {f"weights/{item.name}": item for item in weights.iterdir()}
    set_content_hash(specification, files)
    serialized = specification.SerializeToString(deterministic=True)
    (data / _SPECIFICATION).write_bytes(serialized)
    items = [("model.mlmodel", _SPECIFICATION, "CoreML Model Specification")]
    if any(weights.iterdir()):
        items.append(("weights", _WEIGHTS, "CoreML Model Weights"))
    else:
        weights.rmdir()
    (folder / "Manifest.json").write_text(_manifest(items), "utf-8")


def set_content_hash(model: Model_pb2.Model, weights: Mapping[str, Path]) -> None:
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
