"""Runs a pipeline: the parts in their order, each on what the ones before it made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mobilezoo.errors import CoreMLFileError
from mobilezoo.runtime.arithmetic import Array
from mobilezoo.runtime.executable import Column, Values
from mobilezoo.runtime.features import Feature
from mobilezoo.runtime.opened import Opened


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

    def run(self, arrays: Sequence[Array]) -> list[Column]:
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

    def _given(self, arrays: Sequence[Array]) -> dict[str, Any]:
        return {item.name: array for item, array in zip(self._inputs, arrays, strict=True)}

    def _read(self, part: Opened, columns: Mapping[str, Any]) -> list[Array]:
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
