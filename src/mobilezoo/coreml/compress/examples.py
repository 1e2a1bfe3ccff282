"""Examples on which a file is measured: pictures or arrays as its inputs take them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np

from mobilezoo.errors import InvalidArgumentError
from mobilezoo.graph.node import Array
from mobilezoo.runtime.features import Feature

MOST = 32  # examples that are taken, unless more are asked for


def read_data(data: Any, inputs: Sequence[Feature], most: int = MOST) -> dict[str, Array]:
    """Name of each input -> its first `most` examples, one behind the other.

    Args:
        data: pictures 0..255 as (n, height, width, channels), a list of such or of PIL pictures of
            the file's size; for array inputs (n, ...) in the file's axis order; a dictionary of
            these by the names of several inputs; or batches of all of that, from a
            `tf.data.Dataset` or a generator, as (inputs, answers), too.
        inputs: of the file.
        most: how many are read.

    Raises:
        InvalidArgumentError: none of these, or nothing in it.
    """
    batches = [data] if _is_batch(data) else _batches(data)
    parts: dict[str, list[Array]] = {feature.name: [] for feature in inputs}
    count = 0
    for batch in batches:
        columns = _columns(batch, inputs)
        lengths = {len(column) for column in columns.values()}
        if len(lengths) != 1:
            raise InvalidArgumentError(f"data has {_joined(lengths)} examples for its inputs.")
        for name, column in columns.items():
            parts[name].append(column[: most - count])
        count += lengths.pop()
        if count >= most:
            break
    if count == 0:
        raise InvalidArgumentError("data holds no example. Pass some pictures or arrays.")
    return {name: np.concatenate(columns) for name, columns in parts.items()}


def _is_batch(data: Any) -> bool:
    if isinstance(data, (Mapping, np.ndarray)) or hasattr(data, "__array__"):
        return True
    return isinstance(data, (list, tuple))


def _batches(data: Any) -> Iterator[Any]:
    if not isinstance(data, Iterable) or isinstance(data, (str, bytes)):
        raise InvalidArgumentError(
            f"data is of type {type(data).__name__}; an array (n, ...), a list of pictures, a "
            "dictionary of arrays, or batches of these are required."
        )
    for batch in islice(data, 1024):
        yield batch[0] if isinstance(batch, tuple) and batch else batch


def _columns(batch: Any, inputs: Sequence[Feature]) -> dict[str, Array]:
    names = [feature.name for feature in inputs]
    if not isinstance(batch, Mapping):
        if len(inputs) != 1:
            raise InvalidArgumentError(
                f"The file has the inputs {', '.join(names)}: pass data as a dictionary of arrays "
                "by these names."
            )
        batch = {names[0]: batch}
    if set(batch) != set(names):
        raise InvalidArgumentError(
            f"data has the inputs {', '.join(map(str, batch)) or 'none'}; the file takes "
            f"{', '.join(names)}."
        )
    return {feature.name: _column(batch[feature.name], feature) for feature in inputs}


def _column(given: Any, feature: Feature) -> Array:
    if isinstance(given, (list, tuple)):
        given = [_pixels(item, feature) for item in given]
    try:
        column = np.asarray(given)
    except ValueError as error:
        raise InvalidArgumentError(f"data for '{feature.name}' is of several sizes.") from error
    if column.ndim == 0 or column.dtype.kind not in "biuf":
        raise InvalidArgumentError(
            f"data for '{feature.name}' is {column.dtype} of shape {column.shape}; numbers "
            "(n, ...) are required."
        )
    return column


def _pixels(item: Any, feature: Feature) -> Array:
    if not hasattr(item, "convert"):
        return np.asarray(item)
    gray = feature.color is not None and feature.color.startswith("GRAY")
    return np.asarray(item.convert("L" if gray else "RGB"))


def _joined(numbers: Iterable[int]) -> str:
    return " and ".join(map(str, sorted(numbers)))
