"""Every value of a program for several examples, and how its answers hang on its weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
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


def observe(opened: Opened, inputs: Mapping[str, Any], look: Callable[[str, Array], None]) -> None:
    """Run a program on each example and show every value, the inputs' too; none is kept.

    Args:
        opened: the program; no pipeline.
        inputs: as `predict` takes them, several at once.
        look: gets the name of a value and the numbers, float32.

    Raises:
        InvalidArgumentError: a pipeline, or inputs that the program does not take.
    """
    for operations, environment in _begun(opened, inputs):
        for name, value in environment.items():
            look(name, np.asarray(value))
        with tf.device(_DEVICE):
            for name, value in evaluate(operations, environment, Storage()):
                look(name, np.asarray(value))


def squared_gradients(
    opened: Opened,
    inputs: Mapping[str, Any],
    weights: Mapping[Any, Array],
    places: Mapping[Place, Any],
    answers: Sequence[tuple[str, bool]],
    seed: int = 0,
) -> dict[Any, Array]:
    """By weight: the mean square of the gradient of the answers, over examples and directions.

    Answers are projected to normal random directions, one for each example, so that this is the
    diagonal of J^T J, J being how the answers hang on the weights (Gauss-Newton; of answers with
    normal noise the Fisher diagonal).

    Args:
        opened: the program; no pipeline.
        inputs: as `predict` takes them, several at once.
        weights: float32, by keys of any kind.
        places: where they are read, with their keys.
        answers: names of values, and whether a number that all entries have in common is left out.
        seed: of the directions.

    Returns:
        In the shapes of the weights, float32; without those on which no answer hangs.

    Raises:
        InvalidArgumentError: a pipeline, or inputs that the program does not take.
    """
    rng = np.random.default_rng(seed)
    sums: dict[Any, Array] = {}
    count = 0
    with tf.device(_DEVICE):
        variables = {key: tf.constant(values, tf.float32) for key, values in weights.items()}
    read = {place: variables[key] for place, key in places.items()}
    for operations, environment in _begun(opened, inputs):
        count += 1
        with tf.device(_DEVICE), tf.GradientTape() as tape:
            tape.watch(list(variables.values()))
            for operation in operations:
                for _ in evaluate([with_constants(operation, read)], environment, Storage()):
                    pass
            projected = sum(_projected(environment[name], c, rng) for name, c in answers)
        found = tape.gradient(projected, list(variables.values()))
        for key, gradient in zip(variables, found, strict=True):
            if gradient is not None:
                sums[key] = sums.get(key, 0.0) + np.square(gradient.numpy())
    return {key: total / count for key, total in sums.items()}


def checked(opened: Opened, inputs: Mapping[str, Any]) -> tuple[Executable, list[Array]]:
    """What runs, and examples for it as `Executable.run` takes them.

    Raises:
        InvalidArgumentError: a pipeline, or inputs that the program does not take.
    """
    executable = opened.executable
    if not isinstance(executable, Executable):
        raise InvalidArgumentError(f"{opened.path.name} is no ML program, but a pipeline.")
    arrays = list(read_examples(opened.inputs, inputs).arrays)
    executable.run([array[:1] for array in arrays])  # refuses what needs too much
    return executable, arrays


def _begun(
    opened: Opened, inputs: Mapping[str, Any]
) -> Iterator[tuple[Sequence[Operation], dict[str, Any]]]:
    """Operations, and the values before them, of one example after the other."""
    executable, arrays = checked(opened, inputs)
    for i in range(len(arrays[0])):
        yield from executable.begun([array[i : i + 1] for array in arrays])


def _projected(answer: tf.Tensor, is_centred: bool, rng: np.random.Generator) -> tf.Tensor:
    """In a random direction, relative to the size of the answer."""
    if is_centred:
        answer = answer - tf.reduce_mean(answer)
    direction = rng.normal(size=answer.shape).astype(np.float32)
    size = tf.stop_gradient(tf.norm(answer)) + 1e-30
    return tf.reduce_sum(answer * direction) / size
