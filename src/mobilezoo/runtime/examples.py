"""From what the caller passes to `predict` to what the compiled program takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mobilezoo.errors import InvalidArgumentError
from mobilezoo.runtime.arithmetic import Array
from mobilezoo.runtime.features import Feature
from mobilezoo.runtime.pictures import as_array, read_picture


@dataclass(frozen=True)
class Examples:
    """Inputs, in the order of the features."""

    # (n, *declared) without a declared leading 1; pictures (n, h, w, channels)
    arrays: tuple[Array, ...]
    count: int | None  # None: one example, given without an axis for several
    extra_axis: bool  # that axis came before the declared ones, not instead of the leading 1


def read_examples(features: Sequence[Feature], inputs: Mapping[str, Any]) -> Examples:
    """Check and convert one dictionary of inputs.

    Raises:
        InvalidArgumentError: a missing or unknown name, a wrong shape or type, or inputs that
            disagree on the number of examples.
    """
    _check_names(features, inputs)
    read = [_read(feature, inputs[feature.name]) for feature in features]
    arrays, counts, extra_axes = zip(*read, strict=True)
    if len(set(counts)) > 1:
        found = ", ".join(
            f"{feature.name!r}: {'one' if count is None else count}"
            for feature, count in zip(features, counts, strict=True)
        )
        raise InvalidArgumentError(f"Inputs disagree on the number of examples ({found}).")
    return Examples(arrays, counts[0], any(extra_axes))


def _check_names(features: Sequence[Feature], inputs: Mapping[str, Any]) -> None:
    if not isinstance(inputs, Mapping):
        raise InvalidArgumentError(
            f"predict takes a dictionary, name -> value, or a list of them; "
            f"{type(inputs).__name__} was given."
        )
    names = [feature.name for feature in features]
    unknown = [name for name in inputs if name not in names]
    missing = [name for name in names if name not in inputs]
    if unknown or missing:
        raise InvalidArgumentError(
            f"The inputs are {names}; given were {list(inputs)}"
            + (f", missing {missing}" if missing else "")
            + (f", unknown {unknown}" if unknown else "")
            + "."
        )


def _read(feature: Feature, value: Any) -> tuple[Array, int | None, bool]:
    """One input: its array, the number of examples, and whether they have an axis of their own."""
    if feature.kind == "image":
        pixels = read_picture(feature, value)
        single = pixels.ndim == 3
        return pixels[np.newaxis] if single else pixels, None if single else len(pixels), False
    array = _typed(feature, value)
    declared = feature.shape
    leading_one = feature.leading_batch and declared[:1] == (1,)
    if feature.is_flexible and not _allowed(feature, array.shape):
        raise InvalidArgumentError(
            f"Input {feature.name!r} has shape {array.shape}; the file takes "
            f"{feature.sizes_in_words()}."
        )
    if _fits(array.shape, declared):
        return array if leading_one else array[np.newaxis], None, False
    if array.size and _fits(array.shape[1:], declared):
        return array[:, 0] if leading_one else array, len(array), True
    if array.size and leading_one and _fits(array.shape[1:], declared[1:]):
        return array, len(array), False
    several = ("n", *declared[1:]) if leading_one else ("n", *declared)
    raise InvalidArgumentError(
        f"Input {feature.name!r} has shape {array.shape}; {_text(declared)} is required, or "
        f"{_text(several)} for n examples."
    )


def _typed(feature: Feature, value: Any) -> Array:
    array = as_array(feature, value)
    required = "iub" if feature.dtype == "int32" else "fiub"
    if array.dtype.kind not in required:
        raise InvalidArgumentError(
            f"Input {feature.name!r} has type {array.dtype}; {feature.dtype} is required."
        )
    return array.astype(np.int32 if feature.dtype == "int32" else np.float32, copy=False)


def _allowed(feature: Feature, shape: Sequence[int]) -> bool:
    """Whether a flexible input takes the shape, perhaps with an axis of examples before it."""
    return feature.allows(shape) or (
        feature.allows(shape[1:])
        or (feature.shape[:1] == (1,) and feature.leading_batch and feature.allows((1, *shape[1:])))
    )


def _fits(shape: Sequence[int], declared: Sequence[int | None]) -> bool:
    return len(shape) == len(declared) and all(
        expected is None or size == expected for size, expected in zip(shape, declared, strict=True)
    )


def _text(shape: Sequence[int | str | None]) -> str:
    return "(" + ", ".join("any" if size is None else str(size) for size in shape) + ")"
