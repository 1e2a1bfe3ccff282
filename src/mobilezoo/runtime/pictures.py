"""Pictures: from PIL or NumPy to the pixels that a program takes."""

from __future__ import annotations

from typing import Any

import numpy as np

from mobilezoo.errors import InvalidArgumentError
from mobilezoo.runtime.arithmetic import Array
from mobilezoo.runtime.features import HALF_GRAY, Feature

_PIL_MODES = {"RGB": "RGB", "BGR": "RGB", "GRAYSCALE": "L", HALF_GRAY: "F"}
_LARGEST_PIXEL = 255


def read_picture(feature: Feature, picture: Any) -> Array:
    """Pixels of one picture or of several.

    Args:
        feature: the image input.
        picture: a PIL image; or pixels 0..255 as an array (h, w, channels), (h, w) for
            grayscale, or (n, h, w, channels). Colors are in the order R, G, B whatever the
            file wants; the program is given the order it declares. Floating numbers none of which
            is above 1 are taken for a picture scaled to 0..1, and refused. A gray picture of 16
            bits is of PIL's mode "F" or an array of any finite numbers, rounded to float16.

    Returns:
        (h, w, channels) or (n, h, w, channels), of uint8 or float32.

    Raises:
        InvalidArgumentError: another size, another number of channels, or no pixels.
    """
    if hasattr(picture, "convert") and hasattr(picture, "mode"):
        return _from_pil(feature, picture)
    pixels = as_array(feature, picture)
    if pixels.ndim == 0:
        raise InvalidArgumentError(
            f"Image {feature.name!r} is of type {type(picture).__name__}; a picture is required: "
            "PIL.Image.open(path), or an array of pixels."
        )
    if pixels.ndim == 2:
        pixels = pixels[:, :, np.newaxis]
    _check_shape(feature, pixels)
    return _halves(feature, pixels) if feature.color == HALF_GRAY else _in_range(feature, pixels)


def as_array(feature: Feature, value: Any) -> Array:
    """`value` as an array.

    Raises:
        InvalidArgumentError: it has rows of different lengths.
    """
    try:
        return np.asarray(value)
    except ValueError as error:
        raise InvalidArgumentError(f"Input {feature.name!r} is no array: {error}.") from error


def _from_pil(feature: Feature, picture: Any) -> Array:
    width, height = picture.size
    if feature.is_flexible and not feature.allows((height, width)):
        raise InvalidArgumentError(
            f"Image {feature.name!r} is {width} x {height} pixels; the program takes (height, "
            f"width) of {feature.sizes_in_words()}. Resize it first."
        )
    if not feature.is_flexible and (height, width) != (feature.height, feature.width):
        raise InvalidArgumentError(
            f"Image {feature.name!r} is {width} x {height} pixels, the program takes "
            f"{feature.width} x {feature.height}. "
            f"Resize it first: picture.resize(({feature.width}, {feature.height}))."
        )
    mode = _PIL_MODES[feature.color or "RGB"]
    if mode == "F" and picture.mode != mode:  # 0..255 or 0..1, nobody knows
        raise InvalidArgumentError(
            f"Image {feature.name!r} has gray of 16 bits; a PIL picture of mode 'F' is required, "
            f"{picture.mode!r} was given. Pass Image.fromarray(values) of float32 values."
        )
    if mode != "F" and picture.mode.startswith(("I", "F")):  # Pillow would cut them off at 255
        raise InvalidArgumentError(
            f"Image {feature.name!r} is a PIL picture of mode {picture.mode!r}, of more than 8 "
            "bits; bring its values to 0..255 first, and pass them as an array."
        )
    pixels = np.asarray(picture if picture.mode == mode else picture.convert(mode))
    pixels = pixels if pixels.ndim == 3 else pixels[:, :, np.newaxis]
    return _halves(feature, pixels) if mode == "F" else pixels


def _check_shape(feature: Feature, pixels: Array) -> None:
    if feature.is_flexible:
        _check_choice(feature, pixels)
        return
    required = (feature.height, feature.width, feature.shape[1])
    if pixels.ndim not in (3, 4) or pixels.shape[-3:] != required or 0 in pixels.shape:
        raise InvalidArgumentError(
            f"Image {feature.name!r} has shape {pixels.shape}; (height, width, channels) = "
            f"{required} is required, or several as (n, {', '.join(map(str, required))})."
            f"{_hint(feature, pixels)}"
        )


def _hint(feature: Feature, pixels: Array) -> str:
    """What may have been meant."""
    channels = feature.shape[1]
    if pixels.ndim in (3, 4) and pixels.shape[-3] == channels != pixels.shape[-1]:
        order = "1, 2, 0" if pixels.ndim == 3 else "0, 2, 3, 1"
        return f" Channels come last: pass pixels.transpose({order})."
    if pixels.shape[-1:] == (4,) and channels == 3:
        return " Leave the alpha channel out: pass pixels[..., :3]."
    if channels == 1 and pixels.ndim == 3 and pixels.shape[-2:] == feature.shape[2:]:
        return " Gray pictures have one channel: pass pixels[..., np.newaxis]."
    return ""


def _check_choice(feature: Feature, pixels: Array) -> None:
    fits = pixels.ndim in (3, 4) and pixels.shape[-1] == feature.shape[1] and len(pixels) > 0
    if not fits or not feature.allows(pixels.shape[-3:-1]):
        raise InvalidArgumentError(
            f"Image {feature.name!r} has shape {pixels.shape}; (height, width, "
            f"{feature.shape[1]}) is required, or several of one size in an array, with (height, "
            f"width) of {feature.sizes_in_words()}."
        )


def _in_range(feature: Feature, pixels: Array) -> Array:
    if pixels.dtype == np.uint8:
        return pixels
    if pixels.dtype.kind not in "iuf":
        raise InvalidArgumentError(
            f"Image {feature.name!r} has type {pixels.dtype}; pixels 0..255 are required."
        )
    # written so that NaN fails, too
    if not (pixels.min() >= 0 and pixels.max() <= _LARGEST_PIXEL):
        raise InvalidArgumentError(
            f"Image {feature.name!r} has values {pixels.min():g}..{pixels.max():g}; pixels 0..255 "
            "are required, scaling is part of the program."
        )
    if pixels.dtype.kind == "f" and 0 < pixels.max() <= 1:  # black is black on any scale
        raise InvalidArgumentError(
            f"Image {feature.name!r} has floating numbers {pixels.min():g}..{pixels.max():g}, as "
            "of a picture scaled to 0..1; pixels 0..255 are required, as scaling is part of the "
            "program. Multiply by 255, or pass a picture that is so dark as uint8."
        )
    return pixels.astype(np.float32, copy=False)


def _halves(feature: Feature, pixels: Array) -> Array:
    """Rounded to float16, as they are kept on their way into the program."""
    if pixels.dtype.kind not in "iuf":
        raise InvalidArgumentError(
            f"Image {feature.name!r} has type {pixels.dtype}; numbers are required."
        )
    with np.errstate(over="ignore"):
        halves = pixels.astype(np.float16)
    if not np.isfinite(halves).all():
        raise InvalidArgumentError(
            f"Image {feature.name!r} has values {pixels.min():g}..{pixels.max():g}; numbers that "
            "float16 can hold are required, up to 65504."
        )
    return halves.astype(np.float32)
