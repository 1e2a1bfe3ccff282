"""What a simple model is, whichever kind: a function from named values to named values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from mobilezoo.runtime.arithmetic import Array
from mobilezoo.runtime.features import Feature
from mobilezoo.runtime.operations import Classifier

Named: TypeAlias = Mapping[str, Array]  # of one example
Features: TypeAlias = tuple[Feature, ...]


@dataclass(frozen=True)
class Interface:
    """What a model's description says.

    Attributes:
        inputs: in their order; arrays without a declared shape have one of free sizes.
        outputs: in their order.
        predicted: name of the output with the label or the number that is predicted.
        probabilities: name of the output with a classifier's probabilities, perhaps empty.
        where: the file and the kind of model, for messages.
    """

    inputs: Features
    outputs: Features
    predicted: str
    probabilities: str
    where: str


@dataclass(frozen=True)
class SimpleModel:
    """A model, checked.

    Attributes:
        compute: from the inputs of one example to everything that it makes.
        makes: the names of that.
        numbers: optional inputs that the model names itself, whether or not they are described.
        labels: of classes or boxes.
        classifier: of a classifier.
    """

    compute: Callable[[Named], Mapping[str, Any]]
    makes: tuple[str, ...]
    numbers: tuple[str, ...] = ()
    labels: tuple[str | int, ...] | None = None
    classifier: Classifier | None = None
