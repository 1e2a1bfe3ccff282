"""Pictures that a file returns: from what the program computes to PIL images, as on a Mac."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from mobilezoo import _environment
from mobilezoo.errors import CoreMLFileError
from mobilezoo.runtime.arithmetic import Array
from mobilezoo.runtime.features import HALF_GRAY, Feature

_OPAQUE = 255
_LARGEST_PIXEL = 255


def pixels(feature: Feature, computed: Array, path: object) -> Array:
    """The pixels of several pictures.

    8 bits hold min(max(x, 0), 255) rounded to the nearest whole number, and of two that are equally
    near to the even one; what is no number is 0. Of 16 bits they hold x rounded to float16.

    Args:
        feature: the image output.
        computed: (n, channels, height, width), perhaps with axes of length 1 besides.
        path: of the file, for messages.

    Returns:
        (n, height, width, channels), colors in the order R, G, B: uint8, or float32 of 16 bits.

    Raises:
        CoreMLFileError: another number of channels, or another size than the file declares.
    """
    planes = _planes(feature, computed, path).transpose(0, 2, 3, 1)
    if feature.color == HALF_GRAY:
        with np.errstate(over="ignore"):  # infinity, as a device would store it
            return planes.astype(np.float16).astype(np.float32)
    whole = np.nan_to_num(np.rint(planes), nan=0.0, posinf=_LARGEST_PIXEL, neginf=0.0)
    colors = whole.clip(0, _LARGEST_PIXEL).astype(np.uint8)
    return colors[..., ::-1] if feature.color == "BGR" else colors


def pictures(feature: Feature, computed: Array, path: object) -> list[Any]:
    """The pictures as coremltools gives them on a Mac: PIL images of mode "RGBA", "L" or "F"."""
    image = _environment.optional("PIL.Image", "images", f"The picture {feature.name!r}")
    found = pixels(feature, computed, path)
    if feature.shape[1] == 1:
        return [image.fromarray(np.ascontiguousarray(each[:, :, 0])) for each in found]
    alpha = np.full((*found.shape[:-1], 1), _OPAQUE, np.uint8)
    return [image.fromarray(each) for each in np.concatenate([found, alpha], axis=-1)]


def _planes(feature: Feature, computed: Array, path: object) -> Array:
    """(n, channels, height, width)."""
    own = computed.shape[1:]
    if len(own) < 3 or math.prod(own[:-3]) != 1 or not _fits(feature, own[-3:]):
        declared = ", ".join("any" if size is None else str(size) for size in feature.shape[1:])
        raise CoreMLFileError(
            f"{path}: the picture {feature.name!r} is declared as ({declared}), (channels, height, "
            f"width); the file computes {own}."
        )
    return computed.reshape(len(computed), *own[-3:])


def _fits(feature: Feature, own: Sequence[int]) -> bool:
    declared = feature.shape[1:]
    return all(not size or size == own[i] for i, size in enumerate(declared))  # 0: it does not say
