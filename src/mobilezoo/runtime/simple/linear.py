"""GLMClassifier and GLMRegressor: weighted sums, and what is made of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from mobilezoo.errors import CoreMLFileError, InvalidArgumentError, UnsupportedOpError
from mobilezoo.runtime.arithmetic import Array
from mobilezoo.runtime.operations import Classifier
from mobilezoo.runtime.package import class_labels
from mobilezoo.runtime.simple.arranging import concatenate
from mobilezoo.runtime.simple.model import Interface, Named, SimpleModel

_TWO = 2  # classes of which one score tells


def weighted_sums(x: Array, weights: Array, offset: Array) -> Array:
    """weights x + offset: x (features,), weights (scores, features), offset (scores,)."""
    if x.size != weights.shape[1]:
        raise InvalidArgumentError(
            f"a linear model of {weights.shape[1]} numbers was given {x.size}."
        )
    return np.asarray(weights @ x + offset)


def transformed(scores: Array, transform: str) -> Array:
    """NoTransform: as they are. Logit: 1 / (1 + exp(-x)). Probit: the normal distribution of x."""
    if transform == "Logit":
        return np.asarray(0.5 + 0.5 * np.tanh(scores / 2))  # does not overflow
    if transform == "Probit":
        return np.array([0.5 * math.erfc(-score / math.sqrt(2)) for score in scores])
    return scores


def probabilities(scores: Array, classes: int, transform: str, encoding: str) -> Array:
    """A probability of each class.

    Two classes, one score: (1 - p, p) with p the transformed score. ReferenceClass: the first
    class has the score 0, the others those that are given; exp(score) / sum of all exp(score).
    OneVsRest: the transformed scores, divided by their sum.
    """
    if len(scores) == 1 and classes == _TWO:
        (p,) = transformed(scores, transform)
        return np.array([1 - p, p])
    if encoding == "ReferenceClass":
        scores = np.concatenate([[0.0], scores])
        powers = np.exp(scores - scores.max())
        return np.asarray(powers / powers.sum())
    shares = transformed(scores, transform)
    return np.asarray(shares / (shares.sum() or 1.0))


def read_classifier(message: Any, interface: Interface) -> SimpleModel:
    """Read a `GLMClassifier`.

    Raises:
        CoreMLFileError: weights, offsets and labels that do not belong together.
        UnsupportedOpError: Probit of more than two classes, which has no meaning here.
    """
    weights, offset = _parameters(message, interface)
    labels = class_labels(message)
    encoding = _name(message, "classEncoding", interface)
    transform = _name(message, "postEvaluationTransform", interface)
    required = len(labels) - (encoding == "ReferenceClass")
    one_of_two = len(weights) == 1 and len(labels) == _TWO
    if not interface.predicted or not (one_of_two or len(weights) == required):
        raise CoreMLFileError(
            f"{interface.where}: {len(weights)} rows of weights for {len(labels)} labels, "
            f"{encoding}; the output of the label is {interface.predicted!r}."
        )
    if transform == "Probit" and not one_of_two:
        raise UnsupportedOpError(f"{interface.where}: Probit of {len(labels)} classes.")
    made = interface.probabilities or f"probabilities of {interface.predicted}"

    def compute(values: Named) -> Mapping[str, Array]:
        scores = weighted_sums(concatenate(_inputs(values, interface)), weights, offset)
        return {made: probabilities(scores, len(labels), transform, encoding)}

    named = Classifier(
        made, labels, interface.predicted, interface.probabilities, is_operation=False
    )
    return SimpleModel(compute, (made,), labels=labels, classifier=named)


def read_regressor(message: Any, interface: Interface) -> SimpleModel:
    """Read a `GLMRegressor`.

    Raises:
        CoreMLFileError: weights and offsets that do not belong together, or several numbers for an
            output that is one.
    """
    weights, offset = _parameters(message, interface)
    transform = _name(message, "postEvaluationTransform", interface)
    (output, *more) = interface.outputs
    if more or (output.kind != "array" and len(weights) != 1):
        raise CoreMLFileError(
            f"{interface.where}: {len(weights)} rows of weights for {len(more) + 1} outputs, the "
            f"first of kind {output.kind}."
        )

    def compute(values: Named) -> Mapping[str, Array]:
        scores = weighted_sums(concatenate(_inputs(values, interface)), weights, offset)
        return {output.name: transformed(scores, transform)}

    return SimpleModel(compute, (output.name,))


def _inputs(values: Named, interface: Interface) -> list[Array]:
    return [values[feature.name] for feature in interface.inputs]


def _parameters(message: Any, interface: Interface) -> tuple[Array, Array]:
    """Weights (scores, features) and offset (scores,); no offsets are zeros."""
    rows = [np.array(row.value, np.float64) for row in message.weights]
    offset = np.array(message.offset, np.float64)
    sizes = {len(row) for row in rows}
    if len(sizes) != 1 or len(offset) not in (0, len(rows)):
        raise CoreMLFileError(
            f"{interface.where}: rows of {sorted(sizes)} weights and {len(offset)} offsets; rows "
            "of one length are required, with an offset for each."
        )
    return np.stack(rows), offset if len(offset) else np.zeros(len(rows))


def _name(message: Any, field: str, interface: Interface) -> str:
    """Of the value of an enumeration."""
    described = message.DESCRIPTOR.fields_by_name[field].enum_type
    number = getattr(message, field)
    if number not in described.values_by_number:
        raise CoreMLFileError(f"{interface.where}: {field} is the unknown number {number}.")
    name: str = described.values_by_number[number].name
    return name
