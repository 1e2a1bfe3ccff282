"""Opens a pipeline, such as a feature extractor and a classifier of features."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mobilezoo.errors import CoreMLFileError
from mobilezoo.runtime.features import Feature
from mobilezoo.runtime.opened import Opened, fetched
from mobilezoo.runtime.operations import Block
from mobilezoo.runtime.package import ModelFile
from mobilezoo.runtime.pipeline.executable import PipelineExecutable

PIPELINES = ("pipeline", "pipelineClassifier", "pipelineRegressor")


def parts_of(model: Any) -> Sequence[Any]:
    """The models of a pipeline, of whichever of its kinds."""
    kind = model.WhichOneof("Type")
    parts: Sequence[Any] = (
        model.pipeline if kind == "pipeline" else getattr(model, kind).pipeline
    ).models
    return parts


def open_pipeline(file: ModelFile, open_part: Callable[[ModelFile], Opened]) -> Opened:
    """Check a pipeline and make it ready to run.

    Args:
        file: the pipeline.
        open_part: opens each of its models.

    Raises:
        CoreMLFileError: a part is damaged, or reads what no part before it makes.
        UnsupportedOpError: a part has what the runtime does not know.
    """
    path = file.path
    parts = [open_part(ModelFile(path, file.spec_path, model)) for model in parts_of(file.model)]
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
        labels=next((part.labels for part in reversed(parts) if part.labels), None),
    )


def _check_connections(
    parts: Sequence[Opened], inputs: Sequence[Feature], path: Path
) -> Mapping[str, Feature]:
    """The features that the parts make, by name."""
    known = {feature.name: feature for feature in inputs}
    made: dict[str, Feature] = {}
    for i, part in enumerate(parts, 1):
        where = f"{path}: part {i} of {len(parts)}"
        for feature in part.inputs:
            source = known.get(feature.name)
            if source is None and not feature.optional:
                raise CoreMLFileError(
                    f"{where} reads {feature.name!r}, which nothing before it makes."
                )
            if source is not None and source.kind != feature.kind:
                raise CoreMLFileError(
                    f"{where} reads {feature.name!r} as {feature.kind}, and it is {source.kind}."
                )
        new = {feature.name: feature for feature in part.outputs if feature.name in part.fetch}
        again = [name for name, feature in new.items() if feature.kind == "image" and name in known]
        if again:
            raise CoreMLFileError(f"{where} makes the image {again[0]!r}, which is there already.")
        made |= new
        known |= new
    return made


def _block(parts: Sequence[Opened], outputs: Sequence[Feature]) -> Block:
    """All parts as one, to be counted; the last classifier among them is the pipeline's."""
    classifiers = [part.block.classifier for part in parts if part.block.classifier is not None]
    return Block(
        inputs=parts[0].block.inputs,
        operations=tuple(operation for part in parts for operation in part.block.operations),
        outputs=tuple(feature.name for feature in outputs),
        classifier=classifiers[-1] if classifiers else None,
        constants={},
    )


def _as_consumed(feature: Feature, parts: Sequence[Opened], path: Path) -> Feature:
    """An input of the pipeline as the first part that reads it declares it.

    It need not be given where no part needs it.
    """
    readers = [taken for part in parts for taken in part.inputs if taken.name == feature.name]
    if not readers:
        raise CoreMLFileError(f"{path}: no part of the pipeline reads the input {feature.name!r}.")
    taken = readers[0]
    if taken.kind != feature.kind or not _agree(taken.shape, feature.shape):
        raise CoreMLFileError(
            f"{path}: input {feature.name!r} is declared as {feature.kind} {feature.shape}, its "
            f"reader takes {taken.kind} {taken.shape}."
        )
    optional = feature.optional or all(reader.optional for reader in readers)
    return replace(
        feature,
        shape=feature.shape or taken.shape,
        leading_batch=taken.leading_batch,
        optional=optional,
    )


def _agree(taken: Sequence[int | None], given: Sequence[int | None]) -> bool:
    """Whether every size that is given is taken; nothing is said without a shape."""
    return not given or (
        len(taken) == len(given)
        and all(size is None or size == own for size, own in zip(taken, given, strict=True))
    )


def _as_made(feature: Feature, made: Mapping[str, Feature]) -> Feature:
    """An output of the pipeline, in the shape that its maker declares."""
    if feature.kind != "array" or feature.name not in made:
        return feature
    maker = made[feature.name]
    return replace(feature, shape=maker.shape, leading_batch=maker.leading_batch)
