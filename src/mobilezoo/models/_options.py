"""The arguments that builders share: their types, their checks, their documentation."""

from __future__ import annotations

import inspect
import math
import os
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any, TypedDict, TypeVar

import keras

from mobilezoo.errors import InvalidArgumentError
from mobilezoo.weights import is_checkpoint

InputShape = tuple[int | None, int | None, int]
Weights = str | os.PathLike[str] | None
Builder = TypeVar("Builder", bound=Callable[..., keras.Model])


class Options(TypedDict, total=False):
    """Keyword arguments of every builder of networks for pictures, as in keras.applications."""

    include_top: bool
    weights: Weights
    input_tensor: Any
    pooling: str | None
    classes: int
    classifier_activation: str | None
    dropout: float
    name: str | None


def variant_of(family: Callable[..., keras.Model]) -> Callable[[Builder], Builder]:
    """Decorate `vgg16(input_shape, **options)`: help() shows the arguments of its family.

    Args:
        family: builds any variant: family(variant, input_shape, *, ...). What follows the first
            line of its docstring, which leaves the variant out, completes the variant's.
    """
    signature = inspect.signature(family)
    _variant, *parameters = signature.parameters.values()
    _summary, _, rest = inspect.cleandoc(family.__doc__ or "").partition("\n")

    def document(builder: Builder) -> Builder:
        builder.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        builder.__doc__ = f"{inspect.getdoc(builder)}\n{rest}"
        return builder

    return document


def check_options(
    *,
    include_top: bool,
    pooling: str | None,
    classes: int,
    classifier_activation: str | None,
    dropout: float,
) -> None:
    """Check the arguments that all builders share.

    Raises:
        InvalidArgumentError: says which argument, what is required and what to do.
    """
    check_counts(classes=classes)
    check_classifier(dropout, classifier_activation)
    if pooling not in (None, "avg", "max"):
        raise InvalidArgumentError(f"pooling={pooling!r}: choose None, 'avg' or 'max'.")
    if pooling is not None and include_top:
        raise InvalidArgumentError(
            f"pooling={pooling!r} needs include_top=False; the classifier has its own pooling."
        )


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
