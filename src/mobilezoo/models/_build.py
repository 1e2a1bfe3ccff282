"""What every family's builder does before and after its own network."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import keras

from mobilezoo.data.preprocessing import set_preprocessing
from mobilezoo.errors import InvalidArgumentError

InputShape = tuple[int | None, int | None, int]


def network_input(
    input_shape: tuple[int | None, ...] | None,
    input_tensor: Any,
    *,
    include_top: bool,
    default: InputShape,
    minimum: int,
) -> Any:
    """The symbolic input of a network, (batch, height, width, channels), called "image".

    Args:
        input_shape: as the user gave it; None means `default`, or free sides without a top.
        input_tensor: the user's own symbolic tensor, which then decides.
        include_top: whether a classifier follows, which needs known sides.
        default: (height, width, channels).
        minimum: shortest side in pixels.

    Raises:
        InvalidArgumentError: not three sizes, too small, free sides under a classifier.
    """
    if keras.config.image_data_format() != "channels_last":
        raise InvalidArgumentError(
            "image_data_format is 'channels_first'; mobilezoo builds channels-last networks. "
            "Call keras.config.set_image_data_format('channels_last')."
        )
    if input_tensor is not None:
        if not isinstance(input_tensor, keras.KerasTensor):
            raise InvalidArgumentError(
                f"input_tensor is a {type(input_tensor).__name__}; pass keras.Input(...)."
            )
        _check_shape(tuple(input_tensor.shape[1:]), include_top, minimum)
        return input_tensor
    shape: tuple[int | None, ...] = default if include_top else (None, None, default[-1])
    if input_shape is not None:
        shape = tuple(input_shape)
    _check_shape(shape, include_top, minimum)
    return keras.Input(shape, name="image")


def finish(
    name: str,
    inputs: Any,
    outputs: Any,
    *,
    weights: str | os.PathLike[str] | None,
    preprocessing: str,
) -> keras.Model:
    """The model, with weights loaded and preprocessing attached.

    Args:
        name: of the model.
        inputs: symbolic input.
        outputs: symbolic output.
        weights: None or the path of a weight file.
        preprocessing: of the pixels that it takes.
    """
    sources = keras.utils.get_source_inputs(inputs)
    model = keras.Model(sources[0] if len(sources) == 1 else sources, outputs, name=name)
    if weights is not None:
        load_weights(model, weights)
    return set_preprocessing(model, preprocessing)


def load_weights(model: keras.Model, weights: str | os.PathLike[str]) -> None:
    """Load a Keras weight file (`.weights.h5`, or legacy `.h5`) into a model.

    Raises:
        InvalidArgumentError: no such file, or its weights do not fit.
    """
    if weights == "imagenet":
        raise InvalidArgumentError(
            "weights='imagenet' is not available in this version. Download the file of "
            "keras.applications and pass its path, or use weights=None."
        )
    path = Path(weights).expanduser()
    if not path.is_file():
        raise InvalidArgumentError(f"weights={str(weights)!r} is not a file.")
    with warnings.catch_warnings(record=True) as skipped:
        warnings.simplefilter("always")
        try:
            model.load_weights(path)
        except (ValueError, KeyError, OSError) as error:
            raise _misfit(path, model, str(error)) from error
    for warning in skipped:  # Keras warns where it leaves weights as they were
        if issubclass(warning.category, UserWarning):
            raise _misfit(path, model, str(warning.message))


def _misfit(path: Path, model: keras.Model, reason: str) -> InvalidArgumentError:
    first_line = reason.strip().splitlines()[0]
    return InvalidArgumentError(
        f"The weights in '{path}' do not fit '{model.name}': {first_line} "
        "Build it with the options that they were trained with."
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


def check_pooling(pooling: str | None, include_top: bool) -> None:
    """Raise InvalidArgumentError for an unknown pooling, or one that a classifier leaves unused."""
    if pooling not in (None, "avg", "max"):
        raise InvalidArgumentError(f"pooling={pooling!r}: choose None, 'avg' or 'max'.")
    if pooling is not None and include_top:
        raise InvalidArgumentError(
            f"pooling={pooling!r} needs include_top=False; the classifier has its own pooling."
        )


def _check_shape(shape: tuple[int | None, ...], include_top: bool, minimum: int) -> None:
    if len(shape) != 3 or shape[2] is None:
        raise InvalidArgumentError(
            f"input_shape={shape} must be (height, width, channels), such as "
            f"({minimum}, {minimum}, 3)."
        )
    sides = shape[:2]
    if include_top and None in sides:
        raise InvalidArgumentError(
            f"input_shape={shape} has free sides, but include_top=True needs known ones. "
            "Pass numbers, or include_top=False."
        )
    if any(side is not None and side < minimum for side in sides):
        raise InvalidArgumentError(
            f"input_shape={shape} is below {minimum} px. Pass at least "
            f"({minimum}, {minimum}, {shape[2]})."
        )
