"""The arguments that builders share: their types and their checks."""

from __future__ import annotations

import math
import os
from numbers import Integral, Real
from pathlib import Path
from typing import Any, TypedDict

import keras

from mobilezoo.errors import InvalidArgumentError, did_you_mean
from mobilezoo.weights import is_checkpoint

InputShape = tuple[int | None, int | None, int]
Weights = str | os.PathLike[str] | None


class BareOptions(TypedDict, total=False):
    """Keyword arguments of every builder, as in keras.applications."""

    weights: Weights
    input_tensor: Any
    classifier_activation: str | None
    name: str | None


class TopOptions(BareOptions, total=False):
    """Keyword arguments of builders that can leave out their classifier."""

    include_top: bool
    pooling: str | None


class Options(TopOptions, total=False):
    """Keyword arguments of builders of networks for ImageNet, whose classes are 1000."""

    classes: int


class VariantOptions(Options, total=False):
    """Keyword arguments of a family's variants."""

    dropout: float


def check_positive(**options: float) -> None:
    """Raise InvalidArgumentError for the first option that is not a positive number."""
    for name, value in options.items():
        number = isinstance(value, Real) and not isinstance(value, bool)
        if not number or not 0 < value < math.inf:
            raise InvalidArgumentError(f"{name}={value!r} must be a number greater than 0.")


def check_counts(**options: int) -> None:
    """Raise InvalidArgumentError for the first option that is not 1, 2, 3, ..."""
    for name, value in options.items():
        if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
            raise InvalidArgumentError(f"{name}={value!r} must be a whole number of at least 1.")


def check_choice(choices: tuple[Any, ...], **options: Any) -> None:
    """Raise InvalidArgumentError for the first option that is none of the choices."""
    for name, value in options.items():
        if value not in choices:
            raise InvalidArgumentError(f"{name}={value!r}: choose {', '.join(map(repr, choices))}.")


def check_classifier(dropout: float, activation: str | None) -> None:
    """Raise InvalidArgumentError for a rate outside [0, 1) or an unknown activation."""
    if not isinstance(dropout, Real) or not 0 <= dropout < 1:
        raise InvalidArgumentError(f"dropout={dropout!r} must be at least 0 and below 1.")
    try:
        keras.activations.get(activation)
    except ValueError as error:
        raise InvalidArgumentError(
            f"classifier_activation={activation!r} is unknown. Pass 'softmax', None for logits, or "
            "another activation of Keras."
        ) from error


def check_pooling(pooling: str | None, *, include_top: bool) -> None:
    """Raise InvalidArgumentError for another pooling than there is, or one under a classifier."""
    if pooling not in (None, "avg", "max"):
        raise InvalidArgumentError(f"pooling={pooling!r}: choose None, 'avg' or 'max'.")
    if pooling is not None and include_top:
        raise InvalidArgumentError(
            f"pooling={pooling!r} needs include_top=False; the classifier has its own pooling."
        )


def check_weights(weights: Weights) -> None:
    """Raise InvalidArgumentError for what is neither None, "imagenet" nor an existing file."""
    if weights is None or weights == "imagenet":
        return
    if not isinstance(weights, (str, os.PathLike)):
        raise InvalidArgumentError(
            f"weights={weights!r}: pass None, 'imagenet' or the path of a weight file."
        )
    if not Path(weights).expanduser().is_file():
        raise InvalidArgumentError(
            f"weights={str(weights)!r} is not a file. Pass None, 'imagenet' or a path."
            f"{did_you_mean(str(weights).lower(), ['imagenet'])}"
        )


def convention_of(convention: str | None, weights: Weights, published: str = "keras") -> str:
    """Whose numerical details: as asked for, or those of the weights.

    Args:
        convention: as the user gave it, None to leave the choice to the weights.
        weights: as the user gave them.
        published: convention of the variant's published weights, see `published_convention`.

    Returns:
        "keras" or "torch".

    Raises:
        InvalidArgumentError: neither.
    """
    check_choice((None, "keras", "torch"), convention=convention)
    if convention is not None:
        return convention
    if weights in (None, "imagenet") or not is_checkpoint(weights):
        return published
    return "torch"
