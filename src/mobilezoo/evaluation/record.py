"""What `evaluate` returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from mobilezoo.evaluation.accuracy import Accuracy, FileEvaluation
from mobilezoo.evaluation.statistics import mcnemar_p_value
from mobilezoo.evaluation.table import table

_SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Comparison:
    """Two that were given the same pictures.

    Attributes:
        first: its name.
        second: the other's.
        only_first: pictures that the first alone has right.
        only_second: pictures that the second alone has right.
    """

    first: str
    second: str
    only_first: int
    only_second: int

    @property
    def p_value(self) -> float:
        """How likely a difference as large is by chance (McNemar's test, exact)."""
        return mcnemar_p_value(self.only_first, self.only_second)

    @property
    def is_significant(self) -> bool:
        """Whether that is below 5 %."""
        return self.p_value < _SIGNIFICANT

    def to_dict(self) -> dict[str, Any]:
        """Everything, for JSON."""
        return {
            "first": self.first,
            "second": self.second,
            "only_first_correct": self.only_first,
            "only_second_correct": self.only_second,
            "p_value": self.p_value,
            "is_significant": self.is_significant,
        }


@dataclass(frozen=True)
class LeftOut:
    """A file or folder in the data that was not evaluated.

    Attributes:
        path: of it.
        reason: such as "hidden".
    """

    path: str
    reason: str


@dataclass(frozen=True)
class Evaluation:
    """What `evaluate` measured.

    Attributes:
        classes: labels, in the order of the confusion tables: of the file, else of the data.
        pictures: that were evaluated.
        files: one for each file, in the order given.
        keras: the Keras model's own accuracy; None where none was given.
        comparisons: every two of the Keras model and the files.
        left_out: what of the data was not evaluated.
        crop: how pictures were brought to a file's size.
        complete: False if it was interrupted.
    """

    classes: tuple[str, ...] = field(repr=False)
    pictures: int
    files: tuple[FileEvaluation, ...]
    keras: Accuracy | None
    comparisons: tuple[Comparison, ...]
    left_out: tuple[LeftOut, ...]
    crop: str
    complete: bool = True

    def __str__(self) -> str:
        return table(self)

    def to_dict(self) -> dict[str, Any]:
        """Everything, for JSON."""
        return {
            "classes": list(self.classes),
            "pictures": self.pictures,
            "crop": self.crop,
            "complete": self.complete,
            "files": [file.to_dict() for file in self.files],
            "keras": self.keras and self.keras.to_dict(),
            "comparisons": [item.to_dict() for item in self.comparisons],
            "left_out": [{"path": item.path, "reason": item.reason} for item in self.left_out],
        }


class EvaluationInterrupted(KeyboardInterrupt):
    """Stopped by the user; what was measured until then is in it.

    Attributes:
        evaluation: of the pictures until then.
    """

    def __init__(self, evaluation: Evaluation) -> None:
        super().__init__(f"stopped after {evaluation.pictures} pictures")
        self.evaluation = evaluation
