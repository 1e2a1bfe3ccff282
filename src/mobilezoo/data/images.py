"""Picture files, in the size and mode that a model takes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from mobilezoo import _environment
from mobilezoo.errors import InvalidArgumentError

if TYPE_CHECKING:
    from PIL.Image import Image

# How a picture is brought to a size, named after Vision's imageCropAndScaleOption.
CROPS = ("center", "scale-fill", "scale-fit")


def open_picture(
    path: str | os.PathLike[str], size: tuple[int, int], mode: str = "RGB", crop: str = "center"
) -> Image:
    """Read a picture, turn it upright and bring it to a size.

    Args:
        path: of the file.
        size: (width, height) in pixels.
        mode: "RGB" or "L".
        crop: see `fit_picture`.

    Raises:
        InvalidArgumentError: no such file, no picture, or more than 8 bits a channel.
        MissingExtraError: Pillow is not installed.
    """
    return fit_picture(read_upright(path), size, mode, crop)


def read_upright(path: str | os.PathLike[str]) -> Image:
    """Read a picture in its own size and turn it as its EXIF orientation says.

    Returns:
        Of mode "RGB", or "L" for a gray one. Transparency is left out, as Keras does.

    Raises:
        InvalidArgumentError: no such file, no picture, or more than 8 bits a channel.
        MissingExtraError: Pillow is not installed.
    """
    image = _environment.optional("PIL.Image", "images", "Reading pictures")
    try:
        with image.open(path) as opened:
            return _turned(opened)
    except Exception as error:  # a decoder of damaged bytes fails in any way
        raise _unreadable(f"'{path}'", error) from error


def upright(picture: Image) -> Image:
    """A picture in memory, as `read_upright` gives those in files; it is not changed itself.

    Raises:
        InvalidArgumentError: more than 8 bits a channel, or an opened file that cannot be read.
    """
    try:
        return _turned(picture)
    except Exception as error:  # what Pillow opened is decoded only now
        raise _unreadable("A picture in memory", error) from error


def _turned(opened: Image) -> Image:
    if opened.mode.startswith(("I", "F")):
        raise ValueError(f"its pixels have more than 8 bits (mode {opened.mode}); convert it to 8")
    operations = _environment.optional("PIL.ImageOps", "images", "Reading pictures")
    picture: Any = operations.exif_transpose(opened)
    if opened.mode == "P" and "transparency" in opened.info:
        picture = picture.convert("RGBA")  # else Pillow warns
    return picture if picture.mode in ("L", "RGB") else picture.convert("RGB")  # type: ignore[no-any-return]


def _unreadable(what: str, error: Exception) -> InvalidArgumentError:
    reason = getattr(error, "strerror", None) or error or type(error).__name__
    return InvalidArgumentError(f"{what} is no picture that can be read: {reason}.")


def fit_picture(
    picture: Image, size: tuple[int, int], mode: str = "RGB", crop: str = "center"
) -> Image:
    """Bring a picture to a size and a mode.

    Args:
        picture: upright.
        size: (width, height) in pixels.
        mode: "RGB" or "L".
        crop: "center" keeps the proportions and cuts what is over (Vision's centerCrop),
            "scale-fill" stretches (scaleFill), "scale-fit" keeps proportions and everything, in
            the middle of black (scaleFit).
    """
    image = _environment.optional("PIL.Image", "images", "Resizing pictures")
    operations = _environment.optional("PIL.ImageOps", "images", "Resizing pictures")
    converted, bilinear = picture.convert(mode), image.Resampling.BILINEAR
    if crop == "center":
        return operations.fit(converted, size, bilinear)  # type: ignore[no-any-return]
    if crop == "scale-fit":
        return operations.pad(converted, size, bilinear)  # type: ignore[no-any-return]
    return converted.resize(size, bilinear)
