"""The input that every family's builder opens its network with."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import keras

from mobilezoo.errors import InvalidArgumentError
from mobilezoo.models._options import InputShape

MOST_CHANNELS = 4  # of pictures: a first size up to that looks like channels


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
        _check_shape(_shape_of(input_tensor, input_shape), include_top, minimum)
        return input_tensor
    shape: tuple[int | None, ...] = default if include_top else (None, None, default[-1])
    if input_shape is not None:
        if not isinstance(input_shape, (tuple, list)):
            raise InvalidArgumentError(
                f"input_shape={input_shape!r} must be (height, width, channels), such as {default}."
            )
        shape = tuple(input_shape)
    _check_shape(shape, include_top, minimum)
    return keras.Input(shape, name="image")


def _shape_of(
    input_tensor: Any, input_shape: tuple[int | None, ...] | None
) -> tuple[int | None, ...]:
    """Of one picture; the user may have said it twice, but not two things."""
    if not isinstance(input_tensor, keras.KerasTensor):
        raise InvalidArgumentError(
            f"input_tensor is a {type(input_tensor).__name__}; pass keras.Input(...)."
        )
    given = tuple(input_tensor.shape[1:])
    if input_shape is not None and tuple(input_shape) != given:
        raise InvalidArgumentError(
            f"input_shape={input_shape} contradicts input_tensor of shape {given}. Pass one of "
            "them."
        )
    return given


def _check_shape(shape: tuple[int | None, ...], include_top: bool, minimum: int) -> None:
    if len(shape) != 3 or shape[2] is None:
        raise InvalidArgumentError(
            f"input_shape={shape} must be (height, width, channels), such as "
            f"({minimum}, {minimum}, 3)."
        )
    sides = shape[:2]
    if not all(side is None or isinstance(side, Integral) for side in shape) or shape[2] < 1:
        raise InvalidArgumentError(
            f"input_shape={shape} must be whole numbers of pixels, and at least 1 channel."
        )
    if include_top and None in sides:
        raise InvalidArgumentError(
            f"input_shape={shape} has free sides, but include_top=True needs known ones. "
            "Pass numbers, or include_top=False."
        )
    if any(side is not None and side < minimum for side in sides):
        raise InvalidArgumentError(
            f"input_shape={shape} is below {minimum} px. {_larger(shape, minimum)}"
        )


def _larger(shape: tuple[int | None, ...], minimum: int) -> str:
    """What to pass instead of a shape that is too small, or whose channels stand first."""
    first, second, last = shape
    assert last is not None
    if first is not None and 1 <= first <= MOST_CHANNELS and last >= minimum:
        return (
            "Shapes are (height, width, channels), channels last. Did you mean "
            f"{(second, last, first)}?"
        )
    return f"Pass at least ({minimum}, {minimum}, {last})."
