"""How well a file, or the Keras model, names what pictures show."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from mobilezoo.evaluation.statistics import wilson_interval


@dataclass(frozen=True)
class Recall:
    """How many pictures of one class were recognized.

    Attributes:
        label: of the class.
        pictures: that show it.
        correct: of these, those for which it was the first answer.
    """

    label: str
    pictures: int
    correct: int

    @property
    def value(self) -> float | None:
        """correct / pictures; None without pictures."""
        return self.correct / self.pictures if self.pictures else None


@dataclass(frozen=True)
class Confusion:
    """Pictures of one class that were taken for another.

    Attributes:
        label: of the class that they show.
        taken_for: the first answer.
        pictures: how many.
    """

    label: str
    taken_for: str
    pictures: int


@dataclass(frozen=True, kw_only=True)
class Accuracy:
    """How well a file, or a Keras model, names what pictures show.

    Attributes:
        name: of the file, or of the Keras model.
        classes: labels, in the order of `confusion`.
        pictures: that were evaluated.
        correct: pictures whose class was the first answer; of equal scores the first class's
            counts, as in Core ML.
        correct_in_five: pictures whose class was among the first five answers; None with five
            classes or fewer, where it says nothing.
        not_finite: pictures with NaN among the scores, so without a first answer; they count as
            wrong. Infinity is a score: log-softmax gives -inf.
        pictures_by_class: class number -> pictures that show it.
        answers: (class number, number of the first answer) -> pictures; without `not_finite`.
    """

    name: str
    classes: tuple[str, ...] = field(repr=False)
    pictures: int
    correct: int
    correct_in_five: int | None
    not_finite: int = 0
    pictures_by_class: Mapping[int, int] = field(repr=False)
    answers: Mapping[tuple[int, int], int] = field(repr=False)

    @property
    def top1(self) -> float:
        """Share of pictures whose class was the first answer."""
        return self.correct / self.pictures

    @property
    def top1_interval(self) -> tuple[float, float]:
        """The 95 % confidence interval of `top1` (Wilson)."""
        return wilson_interval(self.correct, self.pictures)

    @property
    def top5(self) -> float | None:
        """Share of pictures whose class was among the first five answers."""
        return None if self.correct_in_five is None else self.correct_in_five / self.pictures

    @property
    def recalls(self) -> tuple[Recall, ...]:
        """Of every class, in their order."""
        return tuple(
            Recall(label, self.pictures_by_class.get(i, 0), self.answers.get((i, i), 0))
            for i, label in enumerate(self.classes)
        )

    @property
    def mean_recall(self) -> float:
        """Mean over the classes that have pictures: the accuracy as if all had equally many."""
        values = [recall.value for recall in self.recalls if recall.value is not None]
        return sum(values) / len(values)

    @property
    def confusion(self) -> npt.NDArray[np.int64]:
        """Pictures by their class (row) and the first answer (column)."""
        table = np.zeros((len(self.classes), len(self.classes)), np.int64)
        for (truth, answer), count in self.answers.items():
            table[truth, answer] = count
        return table

    @property
    def confusions(self) -> tuple[Confusion, ...]:
        """Which classes were taken for which others, the most frequent first."""
        wrong = [(pair, count) for pair, count in self.answers.items() if pair[0] != pair[1]]
        return tuple(
            Confusion(self.classes[truth], self.classes[answer], count)
            for (truth, answer), count in sorted(wrong, key=lambda item: (-item[1], item[0]))
        )

    def to_dict(self) -> dict[str, Any]:
        """Everything, for JSON; classes without pictures are left out."""
        return {
            "name": self.name,
            "pictures": self.pictures,
            "correct": self.correct,
            "top1": self.top1,
            "top1_interval": list(self.top1_interval),
            "top5": self.top5,
            "mean_recall": self.mean_recall,
            "not_finite": self.not_finite,
            "recalls": [
                {"label": item.label, "pictures": item.pictures, "recall": item.value}
                for item in self.recalls
                if item.pictures
            ],
            "confusions": [
                {"label": item.label, "taken_for": item.taken_for, "pictures": item.pictures}
                for item in self.confusions
            ],
        }


@dataclass(frozen=True)
class KerasAgreement:
    """How far a file's answers are the Keras model's.

    Attributes:
        top1: share of pictures with the same first answer.
        largest_difference: of a score, relative to the largest score of the Keras model; infinite
            where either gives NaN, or an infinity that the other does not.
    """

    top1: float
    largest_difference: float

    def to_dict(self) -> dict[str, float | None]:
        """Both, for JSON, which has no infinity: None stands for it."""
        largest = self.largest_difference
        return {
            "top1": self.top1,
            "largest_difference": largest if math.isfinite(largest) else None,
        }


@dataclass(frozen=True, kw_only=True)
class FileEvaluation(Accuracy):
    """What one file reached.

    Attributes:
        path: of the file.
        precision: of its weights.
        arithmetic: "float16" if what was computed between layers was rounded to that.
        size_bytes: on disk.
        input_size: (height, width) of the pictures that it was given, in pixels.
        seconds: that it computed, without reading and resizing the pictures.
        agreement: with the Keras model; None where none was given.
    """

    path: str
    precision: str
    arithmetic: str
    size_bytes: int
    input_size: tuple[int, int]
    seconds: float
    agreement: KerasAgreement | None = None

    @property
    def pictures_per_second(self) -> float:
        """Of mobilezoo's runtime on this machine, which says nothing about a device's speed."""
        return self.pictures / self.seconds

    def to_dict(self) -> dict[str, Any]:
        """Everything, for JSON."""
        return super().to_dict() | {
            "path": self.path,
            "precision": self.precision,
            "arithmetic": self.arithmetic,
            "size_bytes": self.size_bytes,
            "input_size": list(self.input_size),
            "pictures_per_second": self.pictures_per_second,
            "agreement": self.agreement and self.agreement.to_dict(),
        }
