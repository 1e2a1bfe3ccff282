"""From what the caller passes to `predict` to what the compiled program takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mobilezoo.errors import InvalidArgumentError
from mobilezoo.runtime.arithmetic import Array
from mobilezoo.runtime.features import Feature
from mobilezoo.runtime.numbers import SINGLE_KINDS, missing_value, read_number
from mobilezoo.runtime.pictures import as_array, read_picture


@dataclass(frozen=True)
class Examples:
    """Inputs, in the order of the features."""

    # (n, *declared) without a declared leading 1; pictures (n, h, w, channels)
    arrays: tuple[Array, ...]
    count: int | None  # None: one example, given without an axis for several
    extra_axis: bool  # that axis came before the declared ones, not instead of the leading 1


@dataclass(frozen=True)
class _Read:
    """One input, read."""

    array: Array
    count: int | None  # None: one example
    extra_axis: bool = False
    for_all: bool = False  # one value that holds for as many examples as there are


def read_listed(features: Sequence[Feature], inputs: Iterable[Any]) -> Iterator[Examples]:
    """Check and convert dictionaries of one example each, when they are asked for.

    Raises:
        InvalidArgumentError: as `read_examples`, with the example's number from 0.
    """
    if isinstance(inputs, (str, bytes)) or hasattr(inputs, "__array__"):
        raise _no_dictionary(features, inputs)
    try:
        items = iter(inputs)
    except TypeError as error:
        raise _no_dictionary(features, inputs) from error
    for number, item in enumerate(items):
        try:
            examples = read_examples(features, item)
        except InvalidArgumentError as error:
            raise InvalidArgumentError(f"Example {number} of the list: {error}") from error
        if examples.count is not None:
            raise InvalidArgumentError(
                f"Example {number} of the list: a dictionary in a list holds one example, and this "
                f"one holds {examples.count}."
            )
        yield examples


def read_examples(features: Sequence[Feature], inputs: Mapping[str, Any]) -> Examples:
    """Check and convert one dictionary of inputs.

    Raises:
        InvalidArgumentError: a missing or unknown name, a wrong shape or type, or inputs that
            disagree on the number of examples.
    """
    _check_names(features, inputs)
    read = {
        feature.name: _read(feature, inputs[feature.name])
        if feature.name in inputs
        else _Read(missing_value(feature), None, for_all=True)
        for feature in features
    }
    count = _agreed_count(read)
    arrays = tuple(
        np.repeat(item.array, count, axis=0) if item.for_all and count is not None else item.array
        for item in read.values()
    )
    return Examples(arrays, count, any(item.extra_axis for item in read.values()))


def _agreed_count(read: Mapping[str, _Read]) -> int | None:
    """The number of examples; None for one without an axis for several."""
    counts = {name: item.count for name, item in read.items() if not item.for_all}
    if len(set(counts.values())) > 1:
        found = ", ".join(
            f"{name!r}: {'one' if count is None else count}" for name, count in counts.items()
        )
        raise InvalidArgumentError(f"Inputs disagree on the number of examples ({found}).")
    return next(iter(counts.values()), None)


def _no_dictionary(features: Sequence[Feature], given: Any) -> InvalidArgumentError:
    example = ", ".join(f"{feature.name!r}: ..." for feature in features if not feature.optional)
    return InvalidArgumentError(
        f"predict takes a dictionary, name -> value, or several, one after the other; "
        f"{type(given).__name__} was given. Pass {{{example}}}."
    )


def _check_names(features: Sequence[Feature], inputs: Mapping[str, Any]) -> None:
    if not isinstance(inputs, Mapping):
        raise _no_dictionary(features, inputs)
    names = [feature.name for feature in features]
    unknown = [name for name in inputs if name not in names]
    missing = [
        feature.name for feature in features
        if not feature.optional and feature.name not in inputs
    ]  # fmt: skip
    if unknown or missing:
        raise InvalidArgumentError(
            f"The inputs are {names}; given were {list(inputs)}"
            + (f", missing {missing}" if missing else "")
            + (f", unknown {unknown}" if unknown else "")
            + "."
        )


def _read(feature: Feature, value: Any) -> _Read:
    if feature.kind == "image":
        pixels = read_picture(feature, value)
        single = pixels.ndim == 3
        return _Read(pixels[np.newaxis] if single else pixels, None if single else len(pixels))
    if feature.kind in SINGLE_KINDS:
        numbers = read_number(feature, value)
        single = numbers.ndim == 0
        return _Read(np.atleast_1d(numbers), None if single else len(numbers), for_all=single)
    array = _typed(feature, value)
    declared = feature.shape
    leading_one = feature.leading_batch and declared[:1] == (1,)
    if feature.is_flexible and not _allowed(feature, array.shape):
        raise InvalidArgumentError(
            f"Input {feature.name!r} has shape {array.shape}; the file takes "
            f"{feature.sizes_in_words()}."
        )
    if _fits(array.shape, declared):
        return _Read(array if leading_one else array[np.newaxis], None)
    if array.size and _fits(array.shape[1:], declared):
        return _Read(array[:, 0] if leading_one else array, len(array), extra_axis=True)
    if array.size and leading_one and _fits(array.shape[1:], declared[1:]):
        return _Read(array, len(array))
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
    if feature.dtype == "float64":  # networks compute in float32, scalers and the like in float64
        return array if array.dtype in (np.float32, np.float64) else array.astype(np.float64)
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
