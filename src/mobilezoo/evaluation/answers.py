"""What comes out of a file: a score for each class, or a reason why there is none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mobilezoo.errors import InvalidArgumentError
from mobilezoo.evaluation.classes import Names, normalized
from mobilezoo.evaluation.entrance import Entrance
from mobilezoo.evaluation.tally import Scores
from mobilezoo.runtime import CoreMLProgram
from mobilezoo.verification.runs import with_complement

_PROBES = 2  # pictures of noise
_ROUNDING = 0.01  # float16 probabilities of 1000 classes add up to 1 within this
_SIGMOIDS = ("sigmoid", "activation")  # in programs and in networks
# what may come after the last operation that computes
_MOVES = (
    "cast", "classify", "expand_dims", "flatten", "flatten2d", "flattenTo2D", "identity", "reshape",
    "reshapeStatic", "squeeze",
)  # fmt: skip


@dataclass(frozen=True)
class Answers:
    """Where a file's scores are.

    Attributes:
        path: of the file.
        output: that has them.
        labels: of the scores; None where the file has none.
        width: how many classes they tell apart.
        single: whether it is one sigmoid, the probability of the second of two classes.
    """

    path: str
    output: str
    labels: Names | None
    width: int
    single: bool

    def scores(self, made: Mapping[str, Any], count: int) -> Scores:
        """Scores (pictures, classes) of what `predict` gave for pictures."""
        values = _rows(made[self.output], count)
        if self.single:
            _check_probability(values, self.path)
            values = with_complement(values)
        if values.shape[1] != self.width:
            raise InvalidArgumentError(
                f"'{self.path}' gives {values.shape[1]} scores for {self.width} classes: labels "
                "that are the same lose theirs. Give each class another label."
            )
        return values


def find_answers(program: CoreMLProgram, entrance: Entrance) -> Answers:
    """Run two pictures of noise and see what comes out.

    It also compiles the file, so that the first pictures that are timed take no longer.

    Raises:
        InvalidArgumentError: it gives no score for each class, or several answers at once.
    """
    path = str(program.path)
    noise = np.random.default_rng(0).integers(0, 256, (_PROBES, *entrance.form), np.uint8)
    made = program.predict(entrance.inputs(noise))
    labels = None if program.labels is None else tuple(map(normalized, program.labels))
    if program.is_classifier and labels is not None:
        output = next(feature.name for feature in program.outputs if feature.kind == "dictionary")
        answers = Answers(path, output, labels, len(labels), False)
        answers.scores(made, _PROBES)  # or it says why there is no score for each class
        return answers
    output = _vector(made, path)
    values = _rows(made[output], _PROBES)
    last = _last_operation(program)
    if values.shape[1] == 1:
        if last not in _SIGMOIDS:
            raise _no_probability(path)
        _check_probability(values, path)
        return Answers(path, output, _fitting(labels, 2), 2, True)
    if last in _SIGMOIDS and _are_sigmoids(values):
        raise InvalidArgumentError(
            f"'{path}' ends in {values.shape[1]} sigmoids, each a yes or no of its own: several "
            "classes may be in one picture, so there is no first answer that could be right. For "
            "classes that exclude each other end the model in softmax."
        )
    width = values.shape[1]
    return Answers(path, output, _fitting(labels, width), width, False)


def _fitting(labels: Names | None, width: int) -> Names | None:
    """Labels in the metadata, which other tools may have written of something else."""
    return labels if labels is not None and len(labels) == width else None


def _vector(made: Mapping[str, Any], path: str) -> str:
    """The one output that is a vector."""
    arrays = {name: value for name, value in made.items() if isinstance(value, np.ndarray)}
    vectors = [
        name
        for name, value in arrays.items()
        if max(value.shape[1:], default=1) * _PROBES == value.size
    ]
    if len(vectors) == 1:
        return vectors[0]
    shapes = ", ".join(
        f"{name} {arrays[name].shape[1:]}" if name in arrays else f"{name}, no array of one shape"
        for name in made
    )
    raise InvalidArgumentError(
        f"'{path}' gives {shapes or 'no array'} for a picture; one vector with a score for each "
        "class is required. Export the classifier's output alone, or with labels."
    )


def _rows(values: Any, count: int) -> Scores:
    """Outputs as (pictures, scores); a classifier gives a dictionary for each."""
    if isinstance(values, np.ndarray):
        return np.asarray(values, np.float32).reshape(count, -1)
    rows: Sequence[Mapping[Any, float]] = [values] if isinstance(values, Mapping) else values
    return np.array([list(row.values()) for row in rows], np.float32)


def _last_operation(program: CoreMLProgram) -> str:
    """The type of the last operation that computes something."""
    computing = [kind for kind in program.op_sequence() if kind not in _MOVES]
    return computing[-1] if computing else ""


def _are_sigmoids(values: Scores) -> bool:
    """Whether the values are probabilities, but not of classes that exclude each other."""
    shares = bool((values >= 0).all() and (values <= 1).all())
    return shares and bool((np.abs(values.sum(axis=1) - 1) > _ROUNDING).any())


def _check_probability(values: Scores, path: str) -> None:
    if (values < 0).any() or (values > 1).any():
        raise _no_probability(path)


def _no_probability(path: str) -> InvalidArgumentError:
    return InvalidArgumentError(
        f"'{path}' gives one number, which is no probability: the logit of two classes, or a "
        "quantity. End the model in one sigmoid for two classes, or in softmax."
    )
