"""Picture files, in the size and mode that a model takes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from mobilezoo import _environment
from mobilezoo.errors import InvalidArgumentError

if TYPE_CHECKING:
    from PIL.Image import Image


def open_picture(
    path: str | os.PathLike[str], size: tuple[int, int], mode: str = "RGB", crop: str = "center"
) -> Image:
    """Read a picture, turn it upright and bring it to a size.

    Args:
        path: of the file.
        size: (width, height) in pixels.
        mode: "RGB" or "L".
        crop: "center" keeps the proportions and cuts what is over (Vision's centerCrop),
            "squash" does not keep them (Vision's scaleFill).

    Raises:
        InvalidArgumentError: no such file, no picture, or more than 8 bits a channel.
        MissingExtraError: Pillow is not installed.
    """
    image = _environment.optional("PIL.Image", "images", "Reading pictures")
    operations = _environment.optional("PIL.ImageOps", "images", "Reading pictures")
    try:
        with image.open(path) as opened:
            if opened.mode.startswith(("I", "F")):
                raise ValueError(f"its pixels have more than 8 bits (mode {opened.mode})")
            picture: Any = operations.exif_transpose(opened).convert(mode)
    except (OSError, ValueError, SyntaxError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InvalidArgumentError(f"'{path}' is no picture that can be read: {reason}.") from error
    if crop == "center":
        return operations.fit(picture, size, image.Resampling.BILINEAR)  # type: ignore[no-any-return]
    return picture.resize(size, image.Resampling.BILINEAR)  # type: ignore[no-any-return]
