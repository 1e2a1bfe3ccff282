"""What goes into a file: pictures of its size, or an array that is prepared from them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mobilezoo import _environment
from mobilezoo.data.images import fit_picture
from mobilezoo.data.preprocessing import SAY_PREPROCESSING, Preprocessing
from mobilezoo.errors import InvalidArgumentError
from mobilezoo.runtime import CoreMLProgram, Feature
from mobilezoo.runtime.features import HALF_GRAY

Pixels = npt.NDArray[Any]  # (height, width, channels), 0..255, or several of them

_CHANNELS = (1, 3)


class Form(NamedTuple):
    """The pictures that a file takes; files of the same form share them."""

    height: int
    width: int
    channels: int


@dataclass(frozen=True)
class Entrance:
    """How a file takes pictures.

    Attributes:
        feature: its one input.
        form: of the pictures.
        record: how the pixels of an array input are prepared; None for an image input.
        channels_first: whether an array has (channels, height, width).
    """

    feature: Feature
    form: Form
    record: Preprocessing | None
    channels_first: bool

    def inputs(self, pixels: Pixels) -> dict[str, Pixels]:
        """What `predict` takes for pictures (n, height, width, channels).

        Raises:
            InvalidArgumentError: pixels that are scaled already, for an array.
        """
        if self.record is None:
            return {self.feature.name: pixels}
        _check_unscaled(pixels, self.record)
        array = self.record(pixels)
        if self.channels_first:
            array = array.transpose(0, 3, 1, 2)
        if self.feature.has_free_batch:  # examples of one, and not one of several
            array = array[:, np.newaxis]
        return {self.feature.name: array}


def find_entrance(
    program: CoreMLProgram, size: tuple[int, int] | None, record: Preprocessing | None
) -> Entrance:
    """How a file takes pictures.

    Args:
        program: the file.
        size: (height, width) for a file that takes several; None for its default.
        record: of an array's pixels.

    Raises:
        InvalidArgumentError: it takes no picture, not this size, or its pixels' preparation is not
            known.
    """
    required = [feature for feature in program.inputs if not feature.optional]
    if len(required) != 1:
        names = ", ".join(feature.name for feature in required)
        raise InvalidArgumentError(
            f"'{program.path}' takes {len(required)} inputs ({names}); evaluate needs a file "
            "that takes one picture."
        )
    (feature,) = required
    if feature.kind == "image":
        if feature.color == HALF_GRAY:
            raise InvalidArgumentError(
                f"'{program.path}' takes gray of 16 bits in '{feature.name}', and no file says "
                "whether that is from 0 to 1 or to 255. Export it with an image of 8 bits."
            )
        channels = 1 if feature.color == "GRAYSCALE" else 3
        form = Form(feature.height or 0, feature.width or 0, channels)
        sized = _sized(program, form, size, lambda form: form[:2])
        return Entrance(feature, sized, None, False)
    return _array(program, feature, size, record)


def _array(
    program: CoreMLProgram,
    feature: Feature,
    size: tuple[int, int] | None,
    record: Preprocessing | None,
) -> Entrance:
    shape = feature.default or tuple(side or 0 for side in feature.shape)
    sides = shape[1:] if feature.leading_batch and len(shape) == 4 else shape
    last, first = sides[-1:], sides[:1]
    if len(sides) != 3 or 0 in sides or not {*last, *first} & {*_CHANNELS}:
        raise InvalidArgumentError(
            f"'{program.path}' takes {feature.kind} '{feature.name}' of shape {shape}, which is no "
            "picture: (height, width, 1 or 3) or (1 or 3, height, width) is required."
        )
    if record is None:
        raise InvalidArgumentError(
            f"'{program.path}' takes an array '{feature.name}' of shape {shape} and no image, so "
            f"how pixels 0..255 must be prepared is not in the file. {SAY_PREPROCESSING}; "
            "--preprocessing on the command line."
        )
    channels_first = last[0] not in _CHANNELS
    height, width, channels = (*sides[1:], sides[0]) if channels_first else sides
    record.check_channels(channels)

    def declared(form: Form) -> tuple[int, ...]:
        turned = (form.channels, *form[:2]) if channels_first else tuple(form)
        return (1, *turned) if len(shape) == 4 else turned

    form = _sized(program, Form(height, width, channels), size, declared)
    if feature.has_free_batch and not feature.allows(declared(form)):
        raise InvalidArgumentError(
            f"'{program.path}' takes {feature.sizes_in_words()}: several examples at once only. "
            "Export it for one, too."
        )
    return Entrance(feature, form, record, channels_first)


def _check_unscaled(pixels: Pixels, record: Preprocessing) -> None:
    """As the runtime does for images; arrays that are not changed at all are the user's own."""
    unchanged = set(record.mean) == {0} and set(record.scale) == {1}
    scaled = pixels.dtype.kind == "f" and not (pixels.min() >= 0 and not 0 < pixels.max() <= 1)
    if scaled and not unchanged:
        raise InvalidArgumentError(
            f"The data have floating numbers {pixels.min():g}..{pixels.max():g}; pixels 0..255 are "
            f"required, which preprocessing '{record.name}' prepares. Pass such pixels, or "
            "preprocessing='none' for pictures that are prepared."
        )


def _sized(
    program: CoreMLProgram,
    form: Form,
    size: tuple[int, int] | None,
    declared: Callable[[Form], tuple[int, ...]],
) -> Form:
    """The form in another size, where the file may be given one."""
    (feature,) = (feature for feature in program.inputs if not feature.optional)
    if size is None or not feature.has_free_sides:
        return form
    resized = Form(*size, form.channels)
    if not feature.allows(declared(resized)):
        raise InvalidArgumentError(
            f"'{program.path}' does not take size={size}; its input '{feature.name}' takes "
            f"{feature.sizes_in_words()}."
        )
    return resized


def pixels_of(picture: Any, form: Form, crop: str) -> Pixels:
    """A picture, in the size and with the channels that a file takes.

    Args:
        picture: a PIL image; or pixels, uint8 or of that size already.
        form: of the file.
        crop: see `data.images.fit_picture`.

    Raises:
        InvalidArgumentError: floating numbers of another size, or no picture.
    """
    if not hasattr(picture, "convert"):
        pixels = np.asarray(picture)
        if pixels.ndim == 2:
            pixels = pixels[:, :, np.newaxis]
        if pixels.shape == form:
            return pixels
        picture = _as_image(pixels, form)
    mode = "L" if form.channels == 1 else "RGB"
    fitted = np.asarray(fit_picture(picture, (form.width, form.height), mode, crop))
    return fitted.reshape(form)


def _as_image(pixels: Pixels, form: Form) -> Any:
    """A PIL image of pixels that must be resized or be given other channels."""
    fits = pixels.ndim == 3 and pixels.shape[2] in _CHANNELS and math.prod(pixels.shape)
    if not fits or pixels.dtype != np.uint8:
        raise InvalidArgumentError(
            f"A picture of the data has shape {pixels.shape} and type {pixels.dtype}, the file "
            f"takes {tuple(form)}. Pass pictures of that shape, or of any size as uint8 with 1 or "
            "3 channels, which are resized."
        )
    image = _environment.optional("PIL.Image", "images", "Resizing pictures")
    return image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
