"""How much each layer's precision moves the answers, measured by running the network.

One layer at a time gets the weights that a precision would give it; the rest stays as it was, and
runs again from there on. Squared errors of several layers add up while they are small, because
the errors that different layers make are hardly related: so the best mix can be chosen from these
numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from mobilezoo.coreml.compress.choice import ITEM_BYTES
from mobilezoo.coreml.compress.codes import encode, is_worthwhile, restored, stored_bytes
from mobilezoo.coreml.compress.constants import Constant
from mobilezoo.coreml.compress.drift import Answer, Drift, drift, find_answers
from mobilezoo.coreml.compress.examples import read_data
from mobilezoo.coreml.precision import Precision
from mobilezoo.graph.node import Array
from mobilezoo.runtime.program import CoreMLProgram
from mobilezoo.runtime.replay import Replay
from mobilezoo.runtime.stored import Place

_GROWTH = 180  # bytes by which the program grows for a weight in few bits
_BLOB = 64  # bytes that each array begins with, and to a multiple of which it is filled up


@dataclass(frozen=True, eq=False)
class Layer:
    """A weight that may be compressed, and what each precision would do.

    Attributes:
        constants: the weight; several where operations or functions share it.
        options: the precisions; None leaves it as it is.
        sizes: bytes in each.
        drifts: of the answers in each.
    """

    constants: tuple[Constant, ...]
    options: tuple[Precision | None, ...]
    sizes: tuple[int, ...]
    drifts: tuple[Drift, ...]

    def costs(self, objective: str) -> list[float]:
        """What is added up: squared errors, or divergences of probabilities."""
        if objective == "agreement":
            return [max(0.0, item.divergence or 0.0) for item in self.drifts]
        return [item.error**2 for item in self.drifts]


class Bench:
    """A program, examples for it, and what it answers.

    Args:
        program: in float16 or float32.
        data: as `read_data` takes it.
        examples: how many are used.
        repaired: whether biases make up for what other weights shift.
    """

    def __init__(
        self, program: CoreMLProgram, data: Any, examples: int, *, repaired: bool = False
    ) -> None:
        self._repaired = repaired
        opened = program._opened
        self.inputs = read_data(data, program.inputs, examples)
        self.answers: list[Answer] = find_answers(opened.block, opened.fetch)
        self._names = [answer.name for answer in self.answers]
        self._replay = Replay(opened, self.inputs, self._names)
        self._before = self._replay.outputs()

    @property
    def tells_classes(self) -> bool:
        """Whether there are probabilities."""
        return any(answer.is_scores for answer in self.answers)

    @property
    def count(self) -> int:
        """Of the examples."""
        return len(next(iter(self.inputs.values())))

    def drift(self, weights: Mapping[Constant, Array]) -> Drift:
        """How far the answers move with other weights."""
        after = self._replay.outputs_with(_places(weights), repaired=self._repaired)
        return drift(self._before, after, self.answers)

    def biases(self, weights: Mapping[Constant, Array]) -> dict[str, Array]:
        """By layer: the biases that make up for other weights; none where nothing is repaired."""
        return self._replay.biases_with(_places(weights)) if self._repaired else {}

    def drift_of(self, program: CoreMLProgram) -> Drift:
        """How far those of another file are from them."""
        found = find_answers(program._opened.block, program._opened.fetch)
        names = [answer.name for answer in found]
        after = Replay(program._opened, self.inputs, names).outputs()
        return drift(self._before, after, self.answers)


def _places(weights: Mapping[Constant, Array]) -> dict[Place, Array]:
    return {
        (place.layer, place.parameter): values
        for constant, values in weights.items()
        for place in constant.places
    }


def measure_layers(
    bench: Bench,
    constants: Sequence[Constant],
    precisions: Sequence[Precision],
    function: str,
    importance: Mapping[Any, Array],
) -> list[Layer]:
    """Every weight in every precision in which it is smaller; those that are in none stay out.

    Args:
        bench: that runs the function.
        constants: of the package.
        precisions: that are tried.
        function: that runs; what only others read is not measured.
        importance: of the elements of weights, by the keys of these.
    """
    shared: dict[Any, list[Constant]] = {}
    for constant in constants:
        shared.setdefault(constant.key, []).append(constant)
    groups = [item for item in shared.values() if any(c.function == function for c in item)]
    layers = []
    for group in tqdm(groups, "measuring layers", leave=False, disable=None):
        options = [item for item in precisions if _is_smaller(group[0], item)]
        if options:
            layers.append(_measured(bench, group, options, function, importance))
    return layers


def _is_smaller(constant: Constant, precision: Precision) -> bool:
    itemsize = ITEM_BYTES[constant.mil_type]
    return is_worthwhile(constant.shape, constant.axis, precision, itemsize)


def _measured(
    bench: Bench,
    group: Sequence[Constant],
    options: Sequence[Precision],
    function: str,
    importance: Mapping[Any, Array],
) -> Layer:
    first = group[0]
    itemsize = ITEM_BYTES[first.mil_type]
    running = [constant for constant in group if constant.function == function]
    drifts = [
        bench.drift(dict.fromkeys(running, in_precision(first, option, importance)))
        for option in options
    ]
    sizes = [_bytes(first, option, itemsize) for option in options]
    return Layer(
        tuple(group), (None, *options), (_filled(first.elements * itemsize), *sizes),
        (Drift(0.0, 0.0, 1.0, 0.0), *drifts),
    )  # fmt: skip


def in_precision(
    constant: Constant, precision: Precision, importance: Mapping[Any, Array]
) -> Array:
    """What the weight would be.

    Args:
        constant: the weight.
        precision: in which it would be.
        importance: of the elements of weights, by the keys of these.
    """
    weights = np.asarray(constant.read())
    found = importance.get(constant.key)
    return restored(encode(weights, constant.axis, precision, found))


def _bytes(constant: Constant, precision: Precision, itemsize: int) -> int:
    """Of codes and what belongs to them, each in a blob of its own."""
    size = stored_bytes(constant.shape, constant.axis, precision, itemsize)
    return _filled(int(size)) + _BLOB + _GROWTH


def _filled(size: int) -> int:
    return _BLOB + -(-size // _BLOB) * _BLOB
