"""By how much answers move: the error of outputs, and how often the first class is another.

The error is that of scores, not of probabilities: behind a softmax everything near 0 and 1 looks
alike. So where a file ends in one, what goes into it is measured, apart from a number that all
classes have in common, which a softmax does not see.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mobilezoo.graph.node import Array
from mobilezoo.runtime.operations import Block, Operation, Reference

# what moves numbers, and changes none
_MOVES = ("cast", "expand_dims", "identity", "reshape", "squeeze", "transpose")
_LEAST_CLASSES = 2


@dataclass(frozen=True)
class Answer:
    """An output of a program, and where it is measured.

    Attributes:
        name: of the value.
        is_scores: whether a softmax makes probabilities of it.
    """

    name: str
    is_scores: bool


@dataclass(frozen=True)
class Drift:
    """How far answers are from those of the file in float16.

    Attributes:
        error: root of the mean squared difference of the outputs, over that of the outputs
            themselves; of scores, about their mean over the classes.
        largest: difference of an output, over the largest output.
        agreement: share of the examples with the same first class; None where there are no classes.
        divergence: Kullback-Leibler, of the probabilities, mean over the examples, in nats; None
            where there are no classes.
    """

    error: float
    largest: float
    agreement: float | None
    divergence: float | None


def find_answers(block: Block, fetch: Sequence[str]) -> list[Answer]:
    """Where the outputs of a program are measured."""
    makers = {item.name: operation for operation in block.operations for item in operation.outputs}
    return [_before_softmax(name, makers) for name in fetch]


def drift(before: Sequence[Array], after: Sequence[Array], answers: Sequence[Answer]) -> Drift:
    """Compare outputs (n, ...) of the same examples."""
    squares, largest = [], []
    agreement = divergence = None
    for a, b, answer in zip(before, after, answers, strict=True):
        a, b = (np.asarray(item, np.float64).reshape(len(item), -1) for item in (a, b))
        if answer.is_scores:
            a, b = (item - item.mean(axis=1, keepdims=True) for item in (a, b))
            agreement = float(np.mean(a.argmax(axis=1) == b.argmax(axis=1)))
            divergence = _divergence(a, b)
        size = np.square(a).sum()
        squares.append(np.square(b - a).sum() / size if size else float(np.any(b != 0)))
        peak = np.abs(a).max(initial=0.0)
        largest.append(np.abs(b - a).max(initial=0.0) / peak if peak else float(np.any(b != 0)))
    return Drift(float(np.sqrt(np.mean(squares))), float(max(largest)), agreement, divergence)


def _before_softmax(name: str, makers: dict[str, Operation]) -> Answer:
    current = name
    while (maker := makers.get(current)) is not None:
        source = maker.arguments.get("x")
        if not isinstance(source, Reference) or maker.type not in (*_MOVES, "softmax"):
            break
        if maker.type == "softmax":
            size = maker.outputs[0].shape[-1:]
            wide = size == (None,) or (size and (size[0] or 0) >= _LEAST_CLASSES)
            return Answer(source.name, True) if wide else Answer(name, False)
        current = source.name
    return Answer(name, False)


def _divergence(before: Array, after: Array) -> float:
    first, second = (
        item - np.log(np.exp(item - item.max(axis=1, keepdims=True)).sum(axis=1, keepdims=True))
        - item.max(axis=1, keepdims=True)
        for item in (before, after)
    )  # fmt: skip
    return float((np.exp(first) * (first - second)).sum(axis=1).mean())
