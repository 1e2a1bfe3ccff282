"""From what an executable computes to what `predict` returns: types, labels, pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mobilezoo.errors import CoreMLFileError
from mobilezoo.runtime.examples import Examples
from mobilezoo.runtime.executable import Column
from mobilezoo.runtime.features import Feature
from mobilezoo.runtime.image_outputs import pictures
from mobilezoo.runtime.opened import Opened
from mobilezoo.runtime.operations import Classifier


def answers(opened: Opened, computed: Sequence[Column]) -> dict[str, Any]:
    """Output name -> one item for each example, as the file declares it.

    Args:
        opened: the file.
        computed: what its executable returned.

    Raises:
        CoreMLFileError: other shapes than the file declares.
    """
    fetched: dict[str, Any] = dict(zip(opened.fetch, computed, strict=True))
    classifier = opened.block.classifier
    if classifier is not None:
        _classify(classifier, fetched, opened.path)
    return {
        feature.name: _declared(fetched[feature.name], feature, opened.path)
        for feature in opened.outputs
    }


def present(column: Any, feature: Feature, examples: Examples) -> Any:
    """A column of `answers` in the form in which its examples were given."""
    if examples.count is None:
        return column[0]
    if feature.kind != "array" or examples.extra_axis or not feature.leading_batch:
        return column
    if isinstance(column, list):
        return [each[0] if each.shape[:1] == (1,) else each for each in column]
    return column[:, 0] if column.shape[1:2] == (1,) else column


def _classify(classifier: Classifier, fetched: dict[str, Any], path: object) -> None:
    """Add the label of each example, and its probabilities by label."""
    labels = classifier.labels
    rows = [np.ravel(row) for row in fetched[classifier.probabilities]]
    for row in rows:
        if len(row) != len(labels):
            raise CoreMLFileError(f"{path}: {len(labels)} labels for {len(row)} probabilities.")
    fetched[classifier.label_output] = [labels[row.argmax()] for row in rows]
    fetched[classifier.probability_output] = [
        dict(zip(labels, row.tolist(), strict=True)) for row in rows
    ]


def _declared(column: Any, feature: Feature, path: object) -> Any:
    """The values of several examples in the type that the file declares."""
    if feature.kind == "image":
        if isinstance(column, list):
            return [pictures(feature, each[np.newaxis], path)[0] for each in column]
        return pictures(feature, column, path)
    if feature.kind == "double":  # of a regressor: one number per example
        if any(np.size(row) != 1 for row in column):
            raise CoreMLFileError(
                f"{path}: output {feature.name!r} is declared as a number, but is none."
            )
        return [float(np.reshape(row, ())) for row in column]
    if feature.kind in ("int64", "string") and isinstance(column, np.ndarray):
        return column.tolist()
    if feature.dtype is None:
        return column
    with np.errstate(invalid="ignore", over="ignore"):  # what is no number, as a whole number
        if isinstance(column, list):
            return [each.astype(feature.dtype, copy=False) for each in column]
        return column.astype(feature.dtype, copy=False)
