"""Pipelines of neural networks, such as a feature extractor and a classifier of features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from mobilezoo.errors import CoreMLFileError, UnsupportedOpError
from mobilezoo.runtime.arithmetic import Array
from mobilezoo.runtime.executable import Values
from mobilezoo.runtime.features import Feature
from mobilezoo.runtime.network.opening import NETWORKS, open_network
from mobilezoo.runtime.opened import Opened, fetched
from mobilezoo.runtime.operations import Block
from mobilezoo.runtime.package import ModelFile
from mobilezoo.runtime.storage import Storage

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


class PipelineExecutable:
    """Networks that run one after the other.

    Args:
        parts: in their order.
        inputs: of the pipeline; the i-th array given to `run` belongs to the i-th.
        fetch: names of the values to return.
        path: of the file, for messages.
    """

    def __init__(
        self, parts: Sequence[Opened], inputs: Sequence[Feature], fetch: Sequence[str], path: Path
    ) -> None:
        self._parts, self._inputs = tuple(parts), tuple(inputs)
        self._fetch, self._path = tuple(fetch), path

    @property
    def runs_many(self) -> bool:
        """Whether any number of examples runs at once; else one after the other."""
        return all(part.executable.runs_many for part in self._parts)

    def run(self, arrays: Sequence[Array]) -> list[Array]:
        """As `Executable.run`, through all parts."""
        columns = self._given(arrays)
        for part in self._parts:
            made = part.executable.run(self._read(part, columns))
            columns |= dict(zip(part.fetch, made, strict=True))
        return [columns[name] for name in self._fetch]

    def values(self, arrays: Sequence[Array]) -> Values:
        """As `Executable.values`, through all parts."""
        columns = self._given([array[:1] for array in arrays])
        for part in self._parts:
            read = self._read(part, columns)
            yield from part.executable.values(read)
            columns |= dict(zip(part.fetch, part.executable.run(read), strict=True))

    def storing(self, kind: type[Storage]) -> PipelineExecutable:
        """As `Executable.storing`, of all parts."""
        parts = [replace(part, executable=part.executable.storing(kind)) for part in self._parts]
        return PipelineExecutable(parts, self._inputs, self._fetch, self._path)

    def _given(self, arrays: Sequence[Array]) -> dict[str, Array]:
        return {item.name: array for item, array in zip(self._inputs, arrays, strict=True)}

    def _read(self, part: Opened, columns: Mapping[str, Array]) -> list[Array]:
        """The inputs of a part: (n, *declared), without a declared 1 that counts examples."""
        return [self._fitted(feature, columns[feature.name]) for feature in part.inputs]

    def _fitted(self, feature: Feature, column: Array) -> Array:
        if feature.kind == "image":
            return column
        single = feature.leading_batch and feature.shape[:1] == (1,)
        shape = tuple(size or 0 for size in feature.shape[1 if single else 0 :])
        if [size for size in column.shape[1:] if size != 1] != [n for n in shape if n != 1]:
            raise CoreMLFileError(
                f"{self._path}: {feature.name!r} has shape {column.shape[1:]}, the next part of "
                f"the pipeline takes {feature.shape}."
            )
        return column.reshape(len(column), *shape)


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
