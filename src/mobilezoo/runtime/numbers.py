"""Inputs that are one value and no array, and inputs that are not given."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from mobilezoo.errors import CoreMLFileError, InvalidArgumentError
from mobilezoo.runtime import limits
from mobilezoo.runtime.arithmetic import Array
from mobilezoo.runtime.features import Feature

SINGLE_KINDS = ("double", "int64", "string")
_DTYPES = {"float64": np.float64, "int32": np.int32}
_LARGEST = 2**63


def read_number(feature: Feature, value: Any) -> Array:
    """A number or a text: an array without axes, or (n,) of a list or array with n of them.

    Raises:
        InvalidArgumentError: a value of another type.
    """
    given = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(given, (list, tuple)):
        if not given:
            raise InvalidArgumentError(f"Input {feature.name!r} has no values.")
        return np.array([_single(feature, item) for item in given], _dtype(feature))
    return np.array(_single(feature, given), _dtype(feature))


def missing_value(feature: Feature) -> Array:
    """What an optional input is that is not given, for one example.

    An array has the value that the file declares in each place, or zeros where it declares none, in
    the default size. A number is NaN, for which the model puts its own.

    Raises:
        InvalidArgumentError: a kind for which nothing is known, such as a picture.
        CoreMLFileError: an array too large to be filled.
    """
    if feature.kind == "double":
        return np.array([np.nan])
    shape = feature.default or feature.shape
    sizes = [size for size in shape if size is not None]
    if feature.kind != "array" or len(sizes) < len(shape):
        raise InvalidArgumentError(
            f"Input {feature.name!r} is optional, and the file does not say what it is otherwise; "
            f"pass it ({feature.kind})."
        )
    if math.prod(sizes) > limits.MOST_ELEMENTS:
        raise CoreMLFileError(
            f"Input {feature.name!r} is optional, of shape {tuple(sizes)}; at most "
            f"{limits.MOST_ELEMENTS} numbers are supported. Pass it."
        )
    filled = np.full(
        sizes, feature.default_value or 0, _DTYPES.get(feature.dtype or "", np.float32)
    )
    single = feature.leading_batch and feature.shape[:1] == (1,)
    return filled if single else filled[np.newaxis]


def _dtype(feature: Feature) -> Any:
    return {"double": np.float64, "int64": np.int64}.get(feature.kind, object)


def _single(feature: Feature, value: Any) -> float | int | str:
    """One value in Python's type."""
    if feature.kind == "string":
        if isinstance(value, str):
            return value
    elif feature.kind == "double":
        if isinstance(value, (int, float)):
            return float(value)
    elif hasattr(value, "__index__") and -_LARGEST <= operator.index(value) < _LARGEST:
        return operator.index(value)
    required = {"double": "a number", "int64": "a whole number", "string": "a text"}[feature.kind]
    raise InvalidArgumentError(
        f"Input {feature.name!r} is {value!r:.80}; {required} is required, or a list of one for "
        "each of n examples."
    )
