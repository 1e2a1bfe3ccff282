"""Runs a network: declared shapes outside, the network's own shapes inside."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mobilezoo.errors import CoreMLFileError
from mobilezoo.runtime.arithmetic import Array
from mobilezoo.runtime.executable import Column, Executable, Values
from mobilezoo.runtime.features import Feature
from mobilezoo.runtime.operations import Block, Operation


class NetworkExecutable(Executable):
    """A network that runs.

    Args:
        block: what to compute.
        inner: the inputs in the shapes that enter the network.
        fetch: names of the values to return.
        many: the operations for any number of examples at once, or None.
        outputs: as the file declares them.
        path: of the file, for messages.
    """

    def __init__(
        self,
        block: Block,
        inner: Sequence[Feature],
        fetch: Sequence[str],
        many: Sequence[Operation] | None,
        outputs: Sequence[Feature],
        path: Path,
    ) -> None:
        super().__init__(block, inner, fetch, many)
        self._inner = tuple(inner)
        self._declared = {feature.name: feature for feature in outputs}
        self._path = path

    def run(self, arrays: Sequence[Array]) -> list[Column]:
        """As `Executable.run`, from and to the declared shapes."""
        results = super().run(self._inside(arrays))
        return [
            self._outside(name, column)
            if isinstance(column, np.ndarray)
            else [self._outside(name, each[np.newaxis])[0] for each in column]
            for name, column in zip(self._fetch, results, strict=True)
        ]

    def values(self, arrays: Sequence[Array]) -> Values:
        """As `Executable.values`, in the network's own shapes."""
        return super().values(self._inside(arrays))

    def _inside(self, arrays: Sequence[Array]) -> list[Array]:
        """(n, *declared) -> (n, *inner), without the 1 with which the inner shape may begin."""
        return [
            _with_rank(array, len(feature.shape))
            if feature.kind == "array" and feature.shape[:1] == (1,)
            else array
            for feature, array in zip(self._inner, arrays, strict=True)
        ]

    def _outside(self, name: str, array: Array) -> Array:
        """(n, *own) -> (n, *declared), which may differ by axes of length 1."""
        feature = self._declared.get(name)
        if feature is None or feature.kind != "array":
            return array
        own = array.shape[1:]
        shape = feature.shape or (_natural(own) if not feature.leading_batch else own)
        if [size for size in own if size != 1] != [size for size in shape if size != 1]:
            raise CoreMLFileError(
                f"{self._path}: output {name!r} is declared as {feature.shape}, the network "
                f"computes {own}."
            )
        return array.reshape(len(array), *shape)


def _with_rank(array: Array, rank: int) -> Array:
    """(n, ...) with as many axes of length 1 behind as are missing."""
    return array.reshape(array.shape + (1,) * (rank - array.ndim))


def _natural(own: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of an output for which none is declared: (c) or (c, h, w) where it can be."""
    if math.prod(own[:-3]) != 1:
        return own
    return own[-3:-2] if own[-2:] == (1, 1) else own[-3:]
