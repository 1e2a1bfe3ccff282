"""The Keras model that the files were made from: it answers what they should."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import keras

from mobilezoo.data.preprocessing import SAY_PREPROCESSING, Preprocessing
from mobilezoo.errors import InvalidArgumentError
from mobilezoo.evaluation.accuracy import Accuracy
from mobilezoo.evaluation.contestant import FileContestant, counts
from mobilezoo.evaluation.entrance import Form, Pixels
from mobilezoo.evaluation.tally import Scores, Tally
from mobilezoo.verification.matching import check_same_inputs, recorded
from mobilezoo.verification.runs import as_classifier, in_float32, run_keras, with_complement


class KerasContestant:
    """A Keras model, and what it answered until now.

    Args:
        model: the model.
        files: that were made from it.
        record: how pixels are prepared for it; None for what the files and the model say.

    Raises:
        InvalidArgumentError: it is no model, takes other inputs than a file, or how its pixels are
            prepared is not known.
        VerificationError: a file prepares them otherwise than the model says.
    """

    def __init__(
        self, model: Any, files: Sequence[FileContestant], record: Preprocessing | None
    ) -> None:
        if not isinstance(model, keras.Model):
            raise InvalidArgumentError(
                f"model={type(model).__name__} must be the keras.Model that the files were made "
                "from."
            )
        self._model, self._files = model, tuple(files)
        self._records = [_record(file, model, record) for file in files]
        self.name = f"Keras '{model.name}'"
        self.tally = Tally(len(files[0].order))

    @contextmanager
    def in_float32(self) -> Iterator[None]:
        """Layers of 16 bits compute in float32 meanwhile, as in `verify`."""
        with in_float32(self._model):
            yield

    def scores(self, pixels: Mapping[Form, Pixels]) -> list[Scores]:
        """For each file what its scores should be, in the evaluation's order of classes.

        Files that take the same pictures share one run.
        """
        made: dict[tuple[Form, Preprocessing], Scores] = {}
        expected = []
        for file, record in zip(self._files, self._records, strict=True):
            key = file.form, record
            if key not in made:
                made[key] = run_keras(self._model, [record(pixels[file.form])], shown=0)[0][0]
            expected.append(_as_given_by(file, made[key], self._model.name))
        return expected

    def result(self, classes: tuple[str, ...]) -> Accuracy:
        """What it reached until now, with the pictures of the first file."""
        return Accuracy(**counts(self.tally, self.name, classes))


def _record(file: FileContestant, model: Any, given: Preprocessing | None) -> Preprocessing:
    program = file.opened.program
    check_same_inputs(model, program, file.form)
    record = given or recorded(program, model)
    if record is None:
        raise InvalidArgumentError(
            f"Neither '{file.name}' nor the Keras model says how pixels must be prepared. "
            f"{SAY_PREPROCESSING}; --preprocessing on the command line."
        )
    return record


def _as_given_by(file: FileContestant, output: Scores, model: str) -> Scores:
    """The model's first output as the file's classifier has it.

    Raises:
        InvalidArgumentError: the file has another number of classes.
    """
    scores = as_classifier(file.opened.program, output)
    if file.opened.answers.single and scores.shape[1:] == (1,):
        scores = with_complement(scores)
    if scores.shape[1:] != file.order.shape:
        raise InvalidArgumentError(
            f"'{model}' gives {scores.shape[1:]} scores for a picture, '{file.name}' "
            f"{len(file.order)}: the file was not made from this model."
        )
    return scores[:, file.order]
