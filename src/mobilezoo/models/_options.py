"""The arguments that builders share: their types, their checks, their documentation."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from typing import Any, TypedDict, TypeVar

import keras

from mobilezoo.errors import InvalidArgumentError
from mobilezoo.weights import WeightFile

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
        family: builds any variant: family(variant, input_shape, *, ...). Its docstring's "Args:"
            and what follows complete the variant's.
    """
    signature = inspect.signature(family)
    _variant, *parameters = signature.parameters.values()
    _, args, rest = inspect.getdoc(family).partition("Args:\n")  # type: ignore[union-attr]

    def document(builder: Builder) -> Builder:
        builder.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        builder.__doc__ = f"{inspect.getdoc(builder)}\n\n{args}{rest}"
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
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
            raise InvalidArgumentError(f"{name}={value!r} must be a number greater than 0.")


def check_counts(**options: int) -> None:
    """Raise InvalidArgumentError for the first option that is not 1, 2, 3, ..."""
    for name, value in options.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise InvalidArgumentError(f"{name}={value!r} must be a whole number of at least 1.")


def check_choice(choices: tuple[Any, ...], **options: Any) -> None:
    """Raise InvalidArgumentError for the first option that is none of the choices."""
    for name, value in options.items():
        if value not in choices:
            raise InvalidArgumentError(f"{name}={value!r}: choose {', '.join(map(repr, choices))}.")


def check_classifier(dropout: float, activation: str | None) -> None:
    """Raise InvalidArgumentError for a rate outside [0, 1) or an unknown activation."""
    if not isinstance(dropout, (int, float)) or not 0 <= dropout < 1:
        raise InvalidArgumentError(f"dropout={dropout!r} must be at least 0 and below 1.")
    try:
        keras.activations.get(activation)
    except ValueError as error:
        raise InvalidArgumentError(
            f"classifier_activation={activation!r} is unknown. Pass 'softmax', None for logits, or "
            "another activation of Keras."
        ) from error


def convention_of(
    convention: str | None, weights: Weights, published: Callable[[], WeightFile] | None = None
) -> str:
    """Whose numerical details: as asked for, or those of the weight file, or Keras's.

    The conventions differ in padding and in the epsilon of batch norms; a network computes what
    its weights were trained for only in theirs.

    Args:
        convention: as the user gave it, None to leave the choice to the weights.
        weights: as the user gave them.
        published: finds the record of "imagenet"; raises if there is none.

    Returns:
        "keras" or "torch".

    Raises:
        InvalidArgumentError: neither, or not that of the published file.
    """
    check_choice((None, "keras", "torch"), convention=convention)
    if weights is None or (weights == "imagenet" and published is None):
        return convention or "keras"
    file = published().url if weights == "imagenet" and published is not None else weights
    of_file = "torch" if is_checkpoint(file) else "keras"
    if weights == "imagenet" and convention not in (None, of_file):
        raise InvalidArgumentError(
            f"convention={convention!r} contradicts weights='imagenet': the published file is "
            f"{str(file).rsplit('/', 1)[-1]}. Leave the convention out."
        )
    return convention or of_file


def is_checkpoint(weights: str | os.PathLike[str]) -> bool:
    """Whether a file is one of PyTorch's, by its ending."""
    return str(weights).endswith((".safetensors", ".pth", ".pt", ".bin"))
