"""Opens a pipeline, such as a feature extractor and a classifier of features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from mobilezoo.errors import CoreMLFileError, UnsupportedOpError
from mobilezoo.runtime.features import Feature
from mobilezoo.runtime.network.opening import NETWORKS, open_network
from mobilezoo.runtime.opened import Opened, fetched
from mobilezoo.runtime.operations import Block
from mobilezoo.runtime.package import ModelFile
from mobilezoo.runtime.pipeline.executable import PipelineExecutable

PIPELINES = ("pipeline", "pipelineClassifier", "pipelineRegressor")


def open_pipeline(file: ModelFile) -> Opened:
    """Check a pipeline and make it ready to run.

    Raises:
        CoreMLFileError: a part is damaged, or reads what no part before it makes.
        UnsupportedOpError: a part is no neural network, or has layers that the runtime does not
            know.
    """
    path = file.path
    pipeline = getattr(file.model, str(file.kind))
    models = (pipeline if file.kind == "pipeline" else pipeline.pipeline).models
    kinds = [model.WhichOneof("Type") for model in models]
    foreign = [
        f"part {i} of {len(kinds)}, {kind}" for i, kind in enumerate(kinds, 1)
        if kind not in NETWORKS
    ]  # fmt: skip
    if foreign:
        raise UnsupportedOpError(f"{path}: not supported: {'; '.join(foreign)}.")
    parts = [open_network(ModelFile(path, file.spec_path, model)) for model in models]
    inputs, outputs = file.features()
    if not parts or not inputs or not outputs:
        raise CoreMLFileError(f"{path}: a pipeline without parts, inputs or outputs.")
    made = _check_connections(parts, inputs, path)
    block = _block(parts, outputs)
    inputs = tuple(_as_consumed(feature, parts, path) for feature in inputs)
    outputs = tuple(_as_made(feature, made) for feature in outputs)
    fetch = fetched(block, outputs)
    defined = {name for part in parts for name in part.fetch} | {item.name for item in inputs}
    missing = [name for name in fetch if name not in defined]
    if missing:
        raise CoreMLFileError(f"{path}: no part of the pipeline makes {missing[0]!r}.")
    return Opened(
        path=path,
        inputs=inputs,
        outputs=outputs,
        metadata=file.metadata,
        block=block,
        fetch=fetch,
        executable=PipelineExecutable(parts, inputs, fetch, path),
    )


def _check_connections(
    parts: Sequence[Opened], inputs: Sequence[Feature], path: Path
) -> Mapping[str, Feature]:
    """The features that the parts make, by name."""
    known = {feature.name for feature in inputs}
    made: dict[str, Feature] = {}
    for i, part in enumerate(parts, 1):
        for feature in part.inputs:
            if feature.name not in known:
                raise CoreMLFileError(
                    f"{path}: part {i} of {len(parts)} reads {feature.name!r}, which nothing "
                    "before it makes."
                )
        arrays = {feature.name: feature for feature in part.outputs if feature.kind == "array"}
        made |= arrays
        known |= arrays.keys()
    return made


def _block(parts: Sequence[Opened], outputs: Sequence[Feature]) -> Block:
    """All parts as one, to be counted; the last part's classifier is the pipeline's."""
    return Block(
        inputs=parts[0].block.inputs,
        operations=tuple(operation for part in parts for operation in part.block.operations),
        outputs=tuple(feature.name for feature in outputs),
        classifier=parts[-1].block.classifier,
        constants={},
    )


def _as_consumed(feature: Feature, parts: Sequence[Opened], path: Path) -> Feature:
    """An input of the pipeline as the first part that reads it declares it."""
    for part in parts:
        for taken in part.inputs:
            if taken.name == feature.name:
                if (taken.kind, taken.shape) != (feature.kind, feature.shape):
                    raise CoreMLFileError(
                        f"{path}: input {feature.name!r} is declared as {feature.kind} "
                        f"{feature.shape}, its reader takes {taken.kind} {taken.shape}."
                    )
                return replace(feature, leading_batch=taken.leading_batch)
    raise CoreMLFileError(f"{path}: no part of the pipeline reads the input {feature.name!r}.")


def _as_made(feature: Feature, made: Mapping[str, Feature]) -> Feature:
    """An output of the pipeline, in the shape that its maker declares."""
    if feature.kind != "array" or feature.name not in made:
        return feature
    maker = made[feature.name]
    return replace(feature, shape=maker.shape, leading_batch=maker.leading_batch)
