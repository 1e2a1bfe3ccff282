"""A program that was run once, and again from any operation on, with other weights.

Every value is kept, so that what lies before the first change need not be computed again: of n
layers that are changed in turn, half of the network runs on the average.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from mobilezoo.errors import InvalidArgumentError
from mobilezoo.runtime.arithmetic import Array
from mobilezoo.runtime.examples import read_examples
from mobilezoo.runtime.executable import Executable
from mobilezoo.runtime.interpreter import evaluate
from mobilezoo.runtime.opened import Opened
from mobilezoo.runtime.operations import Operation
from mobilezoo.runtime.storage import Storage
from mobilezoo.runtime.stored import Place, with_constants

_DEVICE = "CPU:0"


class Replay:
    """The values of a program for some examples, in float32.

    Args:
        opened: the program; no pipeline.
        inputs: as `predict` takes them, several at once.
        fetch: names of the values that are asked for.

    Raises:
        InvalidArgumentError: a pipeline, or inputs that the program does not take.
    """

    def __init__(self, opened: Opened, inputs: Mapping[str, Any], fetch: Sequence[str]) -> None:
        executable = opened.executable
        if not isinstance(executable, Executable):
            raise InvalidArgumentError(f"{opened.path.name} is no ML program, but a pipeline.")
        arrays = read_examples(opened.inputs, inputs).arrays
        executable.run([array[:1] for array in arrays])  # refuses what needs too much
        self._fetch = tuple(fetch)
        with tf.device(_DEVICE):
            self._runs = executable.begun(arrays)
            for operations, environment in self._runs:
                for _ in evaluate(operations, environment, Storage()):
                    pass

    def values(self, name: str) -> list[Array]:
        """One array for all examples, or one for each."""
        return [np.asarray(environment[name]) for _, environment in self._runs]

    def outputs(self) -> list[Array]:
        """The fetched values: (n, ...) each, the examples one behind the other."""
        return self._joined([environment for _, environment in self._runs])

    def outputs_with(self, weights: Mapping[Place, Array]) -> list[Array]:
        """The fetched values with other weights in some places.

        Args:
            weights: place -> float32, in the shape of what is there.
        """
        made = []
        for operations, environment in self._runs:
            first = next(
                (i for i, item in enumerate(operations) if _places(item) & weights.keys()),
                len(operations),
            )
            changed = [with_constants(item, weights) for item in operations[first:]]
            inner = dict(environment)
            with tf.device(_DEVICE):
                for _ in evaluate(changed, inner, Storage()):
                    pass
            made.append({name: inner[name] for name in self._fetch})
        return self._joined(made)

    def _joined(self, environments: Sequence[Mapping[str, Any]]) -> list[Array]:
        found = [[np.asarray(item[name]) for item in environments] for name in self._fetch]
        return [parts[0] if len(parts) == 1 else np.stack(parts) for parts in found]


def _places(operation: Operation) -> set[Place]:
    return {(operation.outputs[0].name, key) for key in operation.arguments}
