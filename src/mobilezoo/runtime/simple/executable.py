"""Runs a simple model, one example after the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from mobilezoo.errors import CoreMLFileError, InvalidArgumentError
from mobilezoo.runtime.arithmetic import Array
from mobilezoo.runtime.executable import Column, stacked
from mobilezoo.runtime.simple.model import Features, SimpleModel
from mobilezoo.runtime.storage import Storage

_NUMBERS = ("double", "int64")


class SimpleExecutable:
    """A simple model that runs.

    Args:
        model: what to compute.
        inputs: the i-th array given to `run` belongs to the i-th.
        outputs: as the file declares them.
        where: the file and the kind of model, for messages.
    """

    runs_many = True

    def __init__(self, model: SimpleModel, inputs: Features, outputs: Features, where: str) -> None:
        self._model, self._inputs, self._where = model, inputs, where
        self._declared = {feature.name: feature for feature in outputs}

    def run(self, arrays: Sequence[Column]) -> list[Column]:
        """As `Executable.run`; arrays are (n, *declared) whatever is declared."""
        rows = [self._computed(arrays, i) for i in range(len(arrays[0]))]
        return [stacked([row[name] for row in rows]) for name in self._model.makes]

    def values(self, arrays: Sequence[Column]) -> Iterator[tuple[str, Array]]:
        """As `Executable.values`."""
        yield from self._computed(arrays, 0).items()

    def storing(self, kind: type[Storage]) -> SimpleExecutable:
        """As `Executable.storing`: itself, for devices compute these on the CPU in doubles."""
        return self

    def _computed(self, arrays: Sequence[Column], i: int) -> dict[str, Array]:
        """What is made of example i."""
        values = {
            feature.name: array[i] for feature, array in zip(self._inputs, arrays, strict=True)
        }
        try:
            made: Mapping[str, Any] = self._model.compute(values)
            return {name: self._as_declared(name, value) for name, value in made.items()}
        except (CoreMLFileError, InvalidArgumentError) as error:
            raise type(error)(f"{self._where}: {error}") from error

    def _as_declared(self, name: str, value: Any) -> Array:
        """A number where one is declared, else an array of the declared shape."""
        array, feature = np.asarray(value), self._declared.get(name)
        if feature is None or feature.kind not in (*_NUMBERS, "array"):
            return array
        if feature.kind in _NUMBERS and array.size == 1:
            number = array.reshape(())
            return _whole(number, name) if feature.kind == "int64" else number
        sizes = [size for size in feature.shape if size is not None]
        fixed = feature.kind == "array" and len(sizes) == len(feature.shape)
        if not fixed:
            return array
        if np.prod(sizes) != array.size:
            raise CoreMLFileError(
                f"{name!r} is declared as {feature.shape}, the model makes {array.shape}."
            )
        return array.reshape(sizes)


def _whole(number: Array, name: str) -> Array:
    """A whole number; Core ML, too, refuses to lose what is behind the point."""
    if number != np.rint(number):
        raise InvalidArgumentError(f"{name!r} is {number}, and a whole number is declared.")
    return number.astype(np.int64)
