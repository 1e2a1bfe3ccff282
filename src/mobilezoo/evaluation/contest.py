"""All files and the Keras model on the same pictures, and what they answered until now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import combinations
from typing import Any

import numpy as np

from mobilezoo.data.labels import find_labels
from mobilezoo.data.preprocessing import Preprocessing
from mobilezoo.errors import InvalidArgumentError
from mobilezoo.evaluation.classes import Names, class_numbers, column_order, listed, normalized
from mobilezoo.evaluation.contestant import FileContestant, Opened
from mobilezoo.evaluation.entrance import Form
from mobilezoo.evaluation.reading import Batch
from mobilezoo.evaluation.record import Comparison, Evaluation, LeftOut
from mobilezoo.evaluation.reference import KerasContestant
from mobilezoo.evaluation.source import Source
from mobilezoo.evaluation.tally import Labels


class Contest:
    """Everything that is given the same pictures.

    Args:
        files: ready to run, at least one.
        data: whose names of the classes are matched with the labels of the files.
        labels: of files that have none; None for the names of the data.
        model: the Keras model; None for none.
        record: how pixels are prepared for it, where nothing else says so.

    Raises:
        InvalidArgumentError: the classes of files and data do not fit.
        VerificationError: a file prepares pixels otherwise than the Keras model.
    """

    def __init__(
        self,
        files: Sequence[Opened],
        data: Source,
        labels: str | Sequence[str] | None,
        model: Any,
        record: Preprocessing | None,
    ) -> None:
        names = data.names
        self.classes, whence = _classes(files, names, labels)
        self._names = names
        orders = [column_order(*_answers(file), self.classes, whence) for file in files]
        self._numbers = (
            None if names is None else np.array(class_numbers(names, self.classes, data.empty))
        )
        self.files = [
            FileContestant(file, name, order)
            for file, name, order in zip(files, _names(files), orders, strict=True)
        ]
        self.keras = None if model is None else KerasContestant(model, self.files, record)
        contestants = len(self.files) + (self.keras is not None)
        self._alone = np.zeros((contestants, contestants), np.int64)  # right where the other is not

    @property
    def forms(self) -> set[Form]:
        """Of the pictures that the files take."""
        return {file.form for file in self.files}

    @property
    def pictures(self) -> int:
        """How many there were until now."""
        return self.files[0].tally.pictures

    def ready(self) -> AbstractContextManager[None]:
        """Within it pictures may be added."""
        return nullcontext() if self.keras is None else self.keras.in_float32()

    def add(self, batch: Batch) -> None:
        """Show pictures to all; they count when all have answered."""
        labels = self._checked(batch.labels)
        found = [file.scores(batch.pixels[file.form]) for file in self.files]
        expected = [] if self.keras is None else self.keras.scores(batch.pixels)
        right = []
        if self.keras is not None:
            right.append(self.keras.tally.add(expected[0], labels))
        for file, (scores, seconds) in zip(self.files, found, strict=True):
            right.append(file.tally.add(scores, labels))
            file.seconds += seconds
        for file, (scores, _), reference in zip(self.files, found, expected, strict=False):
            file.agreement.add(scores, reference)
        table = np.array(right, np.int64)
        self._alone += table @ (1 - table).T

    def result(self, left_out: Sequence[LeftOut], crop: str, *, complete: bool) -> Evaluation:
        """What was measured until now."""
        keras = None if self.keras is None else self.keras.result(self.classes)
        files = tuple(file.result(self.classes, compared=keras is not None) for file in self.files)
        names = [item.name for item in ((keras,) if keras else ()) + files]
        pairs = combinations(range(len(names)), 2)
        return Evaluation(
            classes=self.classes,
            pictures=self.pictures,
            files=files,
            keras=keras,
            comparisons=tuple(
                Comparison(names[i], names[j], int(self._alone[i, j]), int(self._alone[j, i]))
                for i, j in pairs
            ),
            left_out=tuple(left_out),
            crop=crop,
            complete=complete,
        )

    def _checked(self, labels: Labels) -> Labels:
        """The class of each label.

        Raises:
            InvalidArgumentError: a number that no class has.
        """
        known = self.classes if self._names is None else self._names
        if labels.max() >= len(known):
            positions = tuple(map(str, range(len(known))))
            others = all(name.isdecimal() for name in known) and known != positions
            raise InvalidArgumentError(
                f"The data have the label {labels.max()}; there are the classes {listed(known)}, "
                f"numbered from 0 to {len(known) - 1}."
                + (" To give their labels, pass text in a pair (pictures, labels)." * others)
            )
        return labels if self._numbers is None else self._numbers[labels]


def _classes(
    files: Sequence[Opened], names: Names | None, labels: str | Sequence[str] | None
) -> tuple[Names, str]:
    """The classes of the evaluation, and whose they are: a file's, the given or the data's.

    Raises:
        InvalidArgumentError: labels are given that are not those of a file, or twice the same.
    """
    given = None if labels is None else tuple(map(normalized, find_labels(labels)))
    for file in files:
        own = file.answers.labels
        if own is not None and given not in (None, own):
            raise InvalidArgumentError(
                f"labels= (--labels) are {listed(given or ())}; '{file.program.path}' has its own: "
                f"{listed(own)}. Leave labels= out: it is for files that have none."
            )
        if own is not None:
            return own, f"the labels of '{file.program.path}'"
    if given is not None:
        if len(set(given)) < len(given):
            twice = [label for label, count in Counter(given).items() if count > 1]
            raise InvalidArgumentError(f"labels= must differ; {listed(twice)} are given twice.")
        return given, "the labels= given"
    if names is not None:
        return tuple(map(normalized, names)), "the classes of the data"
    return tuple(map(str, range(files[0].answers.width))), f"those of '{files[0].program.path}'"


def _answers(file: Opened) -> tuple[str, Names | None, int]:
    return str(file.program.path), file.answers.labels, file.answers.width


def _names(files: Sequence[Opened]) -> list[str]:
    """Names of the files; whole paths of those that are called the same.

    Of a file that is given several times also the function and the arithmetic that tell it apart.
    """
    paths = [file.program.path for file in files]
    called = Counter(path.name for path in dict.fromkeys(paths))
    traits = [(file.program.function_name or "", file.program.arithmetic) for file in files]
    names = []
    for path, own in zip(paths, traits, strict=True):
        beside = [other for where, other in zip(paths, traits, strict=True) if where == path]
        told = [trait for i, trait in enumerate(own) if any(other[i] != trait for other in beside)]
        name = path.name if called[path.name] == 1 else str(path)
        names.append(f"{name} ({', '.join(told)})" if told else name)
    return names
