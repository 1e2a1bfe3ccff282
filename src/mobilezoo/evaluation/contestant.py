"""A file that is evaluated: how it is asked, and what it answered until now."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mobilezoo.data.preprocessing import Preprocessing
from mobilezoo.evaluation.accuracy import FileEvaluation
from mobilezoo.evaluation.answers import Answers, find_answers
from mobilezoo.evaluation.entrance import Entrance, Form, Pixels, find_entrance
from mobilezoo.evaluation.tally import AgreementTally, Scores, Tally
from mobilezoo.inspection import Inspection, inspect_coreml
from mobilezoo.runtime import CoreMLProgram


@dataclass(frozen=True)
class Opened:
    """A file that is ready to be evaluated."""

    program: CoreMLProgram
    entrance: Entrance
    answers: Answers
    found: Inspection


def open_contestant(
    program: CoreMLProgram, size: tuple[int, int] | None, record: Preprocessing | None
) -> Opened:
    """Find out how a file takes pictures and gives answers."""
    found = inspect_coreml(program.path)
    entrance = find_entrance(program, size, record)
    return Opened(program, entrance, find_answers(program, entrance), found)


class FileContestant:
    """A file, and what it answered until now.

    Args:
        opened: the file.
        name: in the result.
        order: for each class of the evaluation the number of the file's score.
    """

    def __init__(self, opened: Opened, name: str, order: npt.NDArray[np.int64]) -> None:
        self.opened, self.name, self.order = opened, name, order
        self.tally, self.agreement = Tally(len(order)), AgreementTally()
        self.seconds = 0.0

    @property
    def form(self) -> Form:
        """Of the pictures that it takes."""
        return self.opened.entrance.form

    def scores(self, pixels: Pixels) -> tuple[Scores, float]:
        """Scores (pictures, classes) in the evaluation's order, and seconds."""
        inputs = self.opened.entrance.inputs(pixels)
        start = time.perf_counter()
        made = self.opened.program.predict(inputs)
        seconds = time.perf_counter() - start
        return self.opened.answers.scores(made, len(pixels))[:, self.order], seconds

    def result(self, classes: tuple[str, ...], *, compared: bool) -> FileEvaluation:
        """What it reached until now."""
        found = self.opened.found
        return FileEvaluation(
            **counts(self.tally, self.name, classes),
            path=str(self.opened.program.path),
            precision=_precision(self.opened),
            arithmetic=self.opened.program.arithmetic,
            size_bytes=found.size_bytes,
            input_size=self.form[:2],
            seconds=self.seconds,
            agreement=self.agreement.agreement() if compared else None,
        )


def counts(tally: Tally, name: str, classes: tuple[str, ...]) -> dict[str, Any]:
    """The fields of `Accuracy`."""
    return {
        "name": name,
        "classes": classes,
        "pictures": tally.pictures,
        "correct": tally.correct,
        "correct_in_five": tally.correct_in_five,
        "not_finite": tally.not_finite,
        "pictures_by_class": dict(tally.by_class),
        "answers": dict(tally.answers),
    }


def _precision(opened: Opened) -> str:
    """What the exporter wrote, else that of most of its bytes of weights."""
    said = opened.program.metadata.user_defined.get("com.mobilezoo.precision")
    most = opened.found.precisions.most_common(1)
    return said or (most[0][0] if most else "no weights")
