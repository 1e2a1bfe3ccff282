"""A program that was run once, and again from any operation on, with other weights.

Every value is kept, so that what lies before the first change need not be computed again: of n
layers that are changed in turn, half of the network runs on the average.

Other weights move the mean of what a layer makes, which the layers behind it add up. That mean over
the examples can be had back: for each output channel it is a number that a bias can hold (Nagel et
al. 2019, "Data-Free Quantization Through Weight Equalization and Bias Correction", section 4.2,
here with examples). Layers are taken in order, each with the repaired ones before it. Where little
is left of what a layer makes, the means are wanted smaller by as much: whole means beside a small
signal would speak for the classes that are frequent among the examples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from mobilezoo.runtime.arithmetic import Array
from mobilezoo.runtime.interpreter import evaluate
from mobilezoo.runtime.observing import checked
from mobilezoo.runtime.opened import Opened
from mobilezoo.runtime.operations import Constant, Operation
from mobilezoo.runtime.storage import Storage
from mobilezoo.runtime.stored import Place, with_constants

_DEVICE = "CPU:0"
# operations that have a bias -> the axis of the channels of what they make
_CHANNELS = {"conv": 1, "conv_transpose": 1, "linear": -1}


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
        executable, arrays = checked(opened, inputs)
        self._fetch = tuple(fetch)
        with tf.device(_DEVICE):
            runs = executable.begun(arrays)  # of all examples at once, or of each
            for operations, environment in runs:
                for _ in evaluate(operations, environment, Storage()):
                    pass
        self._operations = runs[0][0]
        self._before = [environment for _, environment in runs]

    def outputs(self) -> list[Array]:
        """The fetched values: (n, ...) each, the examples one behind the other."""
        return self._joined(self._before)

    def outputs_with(
        self, weights: Mapping[Place, Array], *, repaired: bool = False
    ) -> list[Array]:
        """The fetched values with other weights in some places.

        Args:
            weights: place -> float32, in the shape of what is there.
            repaired: whether biases make up for the shift of each channel.
        """
        return self._joined(self._run(weights, repaired=repaired)[0])

    def biases_with(self, weights: Mapping[Place, Array]) -> dict[str, Array]:
        """By the value that a layer makes: the bias that makes up for other weights, float64."""
        _, shifts = self._run(weights, repaired=True)
        makers = {item.outputs[0].name: item for item in self._operations}
        return {name: _bias_of(makers[name]) + shift for name, shift in shifts.items()}

    def _run(
        self, weights: Mapping[Place, Array], *, repaired: bool
    ) -> tuple[list[dict[str, Any]], dict[str, Array]]:
        """All values, and by how much each repaired one was moved."""
        runs = [dict(environment) for environment in self._before]
        shifts: dict[str, Array] = {}
        first = next(
            (i for i, item in enumerate(self._operations) if _places(item) & weights.keys()),
            len(self._operations),
        )
        for operation in self._operations[first:]:
            changed = with_constants(operation, weights)
            with tf.device(_DEVICE):
                for run in runs:
                    for _ in evaluate([changed], run, Storage()):
                        pass
            name, axis = operation.outputs[0].name, _CHANNELS.get(operation.type)
            if repaired and axis is not None and (name, "weight") in weights:
                shifts[name] = self._repair(runs, name, axis)
        return runs, shifts

    def _repair(self, runs: Sequence[dict[str, Any]], name: str, axis: int) -> Array:
        """Give a value the means of its channels back; return by how much they moved."""
        before, after = (
            np.concatenate([_by_channel(run[name], axis) for run in side])
            for side in (self._before, runs)
        )
        means, moved_means = before.mean(axis=0), after.mean(axis=0)
        # coarse weights also make the layer's signal smaller, and means by as much
        size = np.square(before - means).sum()
        left = ((before - means) * (after - moved_means)).sum() / size if size else 1.0
        shift: Array = left * means - moved_means
        shape = [1] * len(runs[0][name].shape)
        shape[axis] = -1
        for run in runs:
            run[name] = run[name] + shift.reshape(shape).astype(np.float32)
        return shift

    def _joined(self, environments: Sequence[Mapping[str, Any]]) -> list[Array]:
        found = [[np.asarray(item[name]) for item in environments] for name in self._fetch]
        return [parts[0] if len(parts) == 1 else np.stack(parts) for parts in found]


def _by_channel(value: Any, axis: int) -> Array:
    """(all that is not along the axis, channels), float64."""
    ordered = np.moveaxis(np.asarray(value, np.float64), axis, -1)
    return ordered.reshape(-1, ordered.shape[-1])


def _places(operation: Operation) -> set[Place]:
    return {(operation.outputs[0].name, key) for key in operation.arguments}


def _bias_of(operation: Operation) -> Array | float:
    bias = operation.arguments.get("bias")
    return np.asarray(bias.value(), np.float64) if isinstance(bias, Constant) else 0.0
