"""Runs a pipeline: the parts in their order, each on what the ones before it made."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mobilezoo.errors import CoreMLFileError, UnsupportedOpError
from mobilezoo.runtime.arithmetic import Array
from mobilezoo.runtime.executable import Column, Executable, Values
from mobilezoo.runtime.features import Feature
from mobilezoo.runtime.image_outputs import pixels
from mobilezoo.runtime.numbers import SINGLE_KINDS, missing_value
from mobilezoo.runtime.opened import Opened
from mobilezoo.runtime.storage import Storage


class PipelineExecutable:
    """Models that run one after the other.

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
        made = (feature for part in parts for feature in part.outputs)
        self._makers = {feature.name: feature for feature in made if feature.kind == "image"}

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

    def storing(self, kind: type[Storage]) -> PipelineExecutable:
        """As `Executable.storing`, of all parts."""
        parts = [replace(part, executable=part.executable.storing(kind)) for part in self._parts]
        return PipelineExecutable(parts, self._inputs, self._fetch, self._path)

    def _given(self, arrays: Sequence[Array]) -> dict[str, Column]:
        return {item.name: array for item, array in zip(self._inputs, arrays, strict=True)}

    def _read(self, part: Opened, columns: Mapping[str, Column]) -> list[Any]:
        """The inputs of a part: (n, *declared), without a declared 1 that counts examples."""
        count = len(next(iter(columns.values())))
        return [
            self._fitted(feature, columns[feature.name], part)
            if feature.name in columns
            else np.repeat(missing_value(feature), count, axis=0)
            for feature in part.inputs
        ]

    def _fitted(self, feature: Feature, column: Column, part: Opened) -> Column:
        if isinstance(column, list):
            if isinstance(part.executable, Executable):
                raise UnsupportedOpError(
                    f"{self._path}: {feature.name!r} has another size for each example, and a "
                    "network of the pipeline takes it; predict them one by one."
                )
            return [self._one_fitted(feature, each[np.newaxis])[0] for each in column]
        return self._one_fitted(feature, column)

    def _one_fitted(self, feature: Feature, column: Array) -> Array:
        if feature.kind == "image":
            return self._pixels(feature, column)
        if feature.kind in SINGLE_KINDS:
            return column.reshape(len(column))
        single = feature.leading_batch and feature.shape[:1] == (1,)
        shape = _filled(feature.shape[1 if single else 0 :], column.shape[1:])
        if shape is None:
            raise CoreMLFileError(
                f"{self._path}: {feature.name!r} has shape {column.shape[1:]}, the next part of "
                f"the pipeline takes {feature.shape}."
            )
        array = column.reshape(len(column), *shape)
        return array.astype(np.int32) if feature.dtype == "int32" else _floating(array, feature)

    def _pixels(self, feature: Feature, column: Array) -> Array:
        """Of pictures that were given, or that a part made: (n, height, width, channels)."""
        maker = self._makers.get(feature.name)
        if maker is None:
            return column
        found = pixels(maker, column, self._path)
        declared = (*feature.shape[2:], feature.shape[1])
        if any(
            size not in (None, own) for size, own in zip(declared, found.shape[1:], strict=True)
        ):
            raise CoreMLFileError(
                f"{self._path}: image {feature.name!r} is made with (height, width, channels) "
                f"{found.shape[1:]}, the next part of the pipeline takes {declared}."
            )
        return found


def _floating(array: Array, feature: Feature) -> Array:
    """Wide enough for the part, of which networks compute in float32."""
    exact = feature.dtype == "float64" and array.dtype.kind in "iu"
    return array.astype(np.float64 if exact else np.float32) if array.dtype.kind != "f" else array


def _filled(declared: Sequence[int | None], own: Sequence[int]) -> tuple[int, ...] | None:
    """The declared shape with the free sizes from `own`; None where the two do not fit.

    They may differ by axes of length 1: anywhere if all sizes are declared, else in front.
    """
    if None not in declared:
        sizes = [size for size in declared if size is not None]
        same = [size for size in sizes if size != 1] == [size for size in own if size != 1]
        return tuple(sizes) if same else None
    behind = tuple(own[max(len(own) - len(declared), 0) :])
    fits = len(behind) == len(declared) and math.prod(own) == math.prod(behind)
    if not fits or any(
        size not in (None, real) for size, real in zip(declared, behind, strict=True)
    ):
        return None
    return behind
