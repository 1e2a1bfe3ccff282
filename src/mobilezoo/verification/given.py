"""The user's inputs to a comparison: what may be given, as arrays in the order of the file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from mobilezoo.errors import InvalidArgumentError
from mobilezoo.runtime import Feature
from mobilezoo.runtime.pictures import read_picture

Arrays = list[npt.NDArray[Any]]


def read_given(features: Sequence[Feature], inputs: Any) -> Arrays:
    """One array for each input feature, or of a flexible file's one input any number.

    Args:
        features: that the file takes.
        inputs: an array (n, ...), a list of such, a mapping by the names of the features; or
            pictures of PIL, one or a list of them, for a file of one image input.

    Raises:
        InvalidArgumentError: something else.
    """
    if isinstance(inputs, Mapping):
        names = [feature.name for feature in features]
        if set(inputs) != set(names):
            raise InvalidArgumentError(
                f"The file's inputs are {names}; given were {list(inputs)}. Pass an array (n, ...) "
                "for each."
            )
        inputs = [inputs[name] for name in names]
    items = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
    if len(items) == 1 and isinstance(items[0], (list, tuple)) and any(map(_is_pil, items[0])):
        items = list(items[0])
    if items and len(features) == 1 and features[0].kind == "image" and all(map(_is_pil, items)):
        pictures = [read_picture(features[0], item)[np.newaxis] for item in items]
        return pictures if features[0].is_flexible else [np.concatenate(pictures)]
    return [_array(item) for item in items]


def check_counts(features: Sequence[Feature], arrays: Arrays) -> None:
    """Raise InvalidArgumentError where inputs have other numbers of examples than the first."""
    if len({len(array) for array in arrays}) > 1:
        found = ", ".join(
            f"'{feature.name}': {len(array)}"
            for feature, array in zip(features, arrays, strict=True)
        )
        raise InvalidArgumentError(
            f"The inputs have other numbers of examples ({found}). Pass as many for each."
        )


def _is_pil(item: Any) -> bool:
    return hasattr(item, "convert") and hasattr(item, "mode")


def _array(item: Any) -> npt.NDArray[Any]:
    try:
        array = np.asarray(item)
    except (TypeError, ValueError) as error:  # rows of different lengths
        raise _no_inputs(item) from error
    if array.dtype.kind not in "biuf":
        raise _no_inputs(item)
    return array


def _no_inputs(item: Any) -> InvalidArgumentError:
    return InvalidArgumentError(
        f"verify cannot take {type(item).__qualname__} as inputs. Pass "
        "an array of numbers (n, ...), a list of one for each input, or a dictionary by the names "
        "of the inputs; for a file that takes pictures also pictures that PIL has opened. Of a "
        "tf.data.Dataset pass one batch: next(iter(dataset))."
    )
