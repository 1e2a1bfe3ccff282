"""`inspect_coreml`: what a Core ML file holds."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mobilezoo._content import content_hash
from mobilezoo._labels import labels_in
from mobilezoo.errors import CoreMLFileError
from mobilezoo.inspection.features import read_features
from mobilezoo.inspection.network import read_layers
from mobilezoo.inspection.program import ProgramReader
from mobilezoo.inspection.record import FeatureRecord, Inspection, OperationRecord
from mobilezoo.inspection.weight_files import WeightFiles
from mobilezoo.runtime.package import InPackage, read_model
from mobilezoo.runtime.values import tensor_type

# specification version -> lowest iOS and macOS
_SYSTEMS = {
    1: ("11", "10.13"), 2: ("11.2", "10.13.2"), 3: ("12", "10.14"), 4: ("13", "10.15"),
    5: ("14", "11"), 6: ("15", "12"), 7: ("16", "13"), 8: ("17", "14"), 9: ("18", "15"),
    10: ("26", "26"),
}  # fmt: skip
_PIPELINES = ("pipeline", "pipelineClassifier", "pipelineRegressor")
_NETWORKS = ("neuralNetwork", "neuralNetworkClassifier", "neuralNetworkRegressor")


def inspect_coreml(path: str | os.PathLike[str] | InPackage) -> Inspection:
    """Say what a Core ML file holds: any `.mlpackage` or `.mlmodel`, whoever wrote it.

    Nothing is run, and weights are not decompressed.

    Args:
        path: the `.mlpackage` folder or the `.mlmodel` file, or coremltools' `MLModel` of a folder.

    Raises:
        CoreMLFileError: there is no such file, or it is damaged.
    """
    file = read_model(path)
    root = file.path
    if file.kind is None:
        raise CoreMLFileError(f"{root}: holds no model; it is empty or damaged.")
    contents = _Contents(WeightFiles(file.spec_path), root)
    operations = tuple(contents.operations(file.model, ""))
    model, metadata = file.model, file.model.description.metadata
    labels = _labels(model)
    ios, macos = _SYSTEMS.get(model.specificationVersion, ("unknown", "unknown"))
    return Inspection(
        path=str(root),
        format=_words(file.kind),
        specification_version=model.specificationVersion,
        minimum_ios=ios,
        minimum_macos=macos,
        size_bytes=_size_bytes(root),
        specification_bytes=file.spec_path.stat().st_size,
        author=metadata.author,
        license=metadata.license,
        version=metadata.versionString,
        short_description=metadata.shortDescription,
        user_defined=dict(sorted(metadata.userDefined.items())),
        content_hash=content_hash(model, contents.files.digests()),
        updatable=model.isUpdatable,
        inputs=_features(model, "input"),
        outputs=tuple(_shaped(feature, model) for feature in _features(model, "output")),
        states=_features(model, "state"),
        training_inputs=_features(model, "trainingInput"),
        labels=labels_in(metadata.userDefined) if labels is None else labels,
        functions=tuple(sorted(model.mlProgram.functions)),
        models=tuple((name, _part_in_words(part)) for name, part in _parts(model)),
        operations=operations,
        weight_files=contents.files.records(),
    )


@dataclass(frozen=True)
class _Contents:
    files: WeightFiles
    path: Path

    def operations(self, model: Any, prefix: str) -> Iterator[OperationRecord]:
        """Operations and layers of a model, and of all models of a pipeline."""
        kind = _kind(model)
        if kind == "mlProgram":
            functions = model.mlProgram.functions
            reader = ProgramReader(self.files, self.path)
            for name in sorted(functions):
                inside = f"{prefix}{name}/" if len(functions) > 1 else prefix
                yield from reader.function(functions[name], inside)
        elif kind in _NETWORKS:
            yield from read_layers(getattr(model, kind), prefix)
        for name, part in _parts(model):
            yield from self.operations(part, f"{prefix}{name}/")


def _kind(model: Any) -> str:
    return model.WhichOneof("Type") or "unknown"


def _parts(model: Any) -> list[tuple[str, Any]]:
    """The models of a pipeline, with their names or numbers; nothing of other kinds."""
    kind = _kind(model)
    if kind not in _PIPELINES:
        return []
    pipeline = model.pipeline if kind == "pipeline" else getattr(model, kind).pipeline
    names = list(pipeline.names)
    if len(set(names)) != len(pipeline.models):
        names = [str(i) for i in range(1, len(pipeline.models) + 1)]
    return list(zip(names, pipeline.models, strict=True))


def _features(model: Any, side: str) -> tuple[FeatureRecord, ...]:
    """The features of one side; of a file of several functions, each function's."""
    description = model.description
    kind = _kind(model)
    steps = getattr(model, kind).preprocessing if kind in _NETWORKS else ()
    features = read_features(getattr(description, side), preprocessing=steps)
    for function in description.functions:
        features += read_features(getattr(function, side, ()), function.name)
    return features


def _shaped(feature: FeatureRecord, model: Any) -> FeatureRecord:
    """An array whose shape is not described, in that of an ML program: None where it is free."""
    if feature.kind != "array" or feature.shape or _kind(model) != "mlProgram":
        return feature
    default = model.description.defaultFunctionName or "main"
    functions = model.mlProgram.functions
    name = feature.function or default
    blocks = functions[name].block_specializations.values() if name in functions else ()
    shapes = (
        tensor_type(output.type)[1]
        for block in blocks
        for raw in block.operations
        for output in raw.outputs
        if output.name == feature.name
    )
    return replace(feature, shape=next(shapes, ()))


def _labels(model: Any) -> tuple[str | int, ...] | None:
    """The classes: of a `classify` operation, of the model, or of a pipeline's last classifier."""
    kind = _kind(model)
    if kind == "mlProgram":
        return _classified(model.mlProgram)
    for _, part in reversed(_parts(model)):
        labels = _labels(part)
        if labels is not None:
            return labels
    message = getattr(model, kind, None)
    if message is None or "ClassLabels" not in message.DESCRIPTOR.oneofs_by_name:
        return None
    field = message.WhichOneof("ClassLabels")
    return tuple(getattr(message, field).vector) if field else None


def _classified(program: Any) -> tuple[str | int, ...] | None:
    for function in program.functions.values():
        for block in function.block_specializations.values():
            constants = {
                raw.outputs[0].name: raw.attributes["val"]
                for raw in block.operations
                if raw.type == "const" and raw.outputs
            }
            for raw in block.operations:
                if raw.type == "classify":
                    return _texts(raw.inputs["classes"].arguments, constants)
    return None


def _texts(bindings: Sequence[Any], constants: dict[str, Any]) -> tuple[str | int, ...]:
    """The strings or numbers of a list."""
    labels: list[str | int] = []
    for binding in bindings:
        value = binding.value if binding.HasField("value") else constants.get(binding.name)
        if value is None:
            continue
        for item in value.immediateValue.list.values:
            tensor = item.immediateValue.tensor
            labels += getattr(tensor, tensor.WhichOneof("value") or "strings").values
    return tuple(labels)


def _part_in_words(model: Any) -> str:
    """A model of a pipeline; of a suppression of boxes what it does unless it is told otherwise."""
    kind = _kind(model)
    if kind != "nonMaximumSuppression":
        return _words(kind)
    message = model.nonMaximumSuppression
    return (
        f"{_words(kind)}, overlap {message.iouThreshold:g}, confidence "
        f"{message.confidenceThreshold:g}{', per class' if message.pickTop.perClass else ''}"
    )


def _words(kind: str) -> str:
    """NeuralNetworkClassifier -> neural network classifier."""
    if kind == "mlProgram":
        return "ML program"
    return re.sub(r"(?<=[a-z])([A-Z])", r" \1", kind).lower()


def _size_bytes(root: Path) -> int:
    if root.is_file():
        return root.stat().st_size
    return sum(item.stat().st_size for item in root.rglob("*") if item.is_file())
