"""Counts that grow picture by picture, in memory that does not grow with their number."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import numpy.typing as npt

from mobilezoo.evaluation.accuracy import KerasAgreement

Scores = npt.NDArray[np.floating[Any]]  # (pictures, classes)
Labels = npt.NDArray[np.int64]  # (pictures,), numbers of classes

_FEW = 5  # answers that count as right for top-5


class Tally:
    """What one model answered.

    Args:
        classes: how many there are.
    """

    def __init__(self, classes: int) -> None:
        self.pictures = self.correct = self.not_finite = 0
        self.correct_in_five: int | None = 0 if classes > _FEW else None
        self.by_class: Counter[int] = Counter()
        self.answers: Counter[tuple[int, int]] = Counter()

    def add(self, scores: Scores, labels: Labels) -> npt.NDArray[np.bool_]:
        """Count some pictures; tells for each whether the first answer was right."""
        known = ~np.isnan(scores).any(axis=1)  # -inf is a logarithm of 0, and a score
        own = scores[np.arange(len(labels)), labels][:, np.newaxis]
        earlier = np.arange(scores.shape[1]) < labels[:, np.newaxis]
        rank = ((scores > own) | ((scores == own) & earlier)).sum(axis=1)  # as argmax breaks ties
        right: npt.NDArray[np.bool_] = known & (rank == 0)
        self.pictures += len(labels)
        self.correct += int(right.sum())
        self.not_finite += int((~known).sum())
        if self.correct_in_five is not None:
            self.correct_in_five += int((known & (rank < _FEW)).sum())
        self.by_class.update(labels.tolist())
        answers = scores[known].argmax(axis=1)
        self.answers.update(zip(labels[known].tolist(), answers.tolist(), strict=True))
        return right


class AgreementTally:
    """How far the answers of a file and of the Keras model are the same."""

    def __init__(self) -> None:
        self._pictures = self._same = 0
        self._difference = self._peak = 0.0

    def add(self, scores: Scores, reference: Scores) -> None:
        """Count some pictures."""
        self._pictures += len(scores)
        known = ~(np.isnan(scores) | np.isnan(reference)).any(axis=1)
        same = scores.argmax(axis=1) == reference.argmax(axis=1)
        self._same += int((known & same).sum())
        difference = _largest_difference(scores, reference) if known.all() else np.inf
        self._difference = max(self._difference, difference)
        finite = np.isfinite(reference)
        self._peak = max(self._peak, float(np.abs(reference[finite]).max(initial=0.0)))

    def agreement(self) -> KerasAgreement:
        """Of all pictures until now."""
        relative = self._difference / self._peak if self._peak else self._difference
        return KerasAgreement(self._same / self._pictures, relative)


def _largest_difference(scores: Scores, reference: Scores) -> float:
    """Of two scores; equal infinities do not differ."""
    differ = scores != reference  # inf - inf would be NaN
    return float(np.abs(scores[differ] - reference[differ]).max(initial=0.0))
