"""Inputs on which a model is measured: arrays, or batches of a dataset or a generator."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import keras
import numpy as np

from mobilezoo.errors import InvalidArgumentError
from mobilezoo.graph.node import Array

_AT_ONCE = 32  # examples of an array
MOST_BATCHES = 32  # that are read of a dataset or a generator, which may have no end


def calibration_batches(given: Any, wanted: Sequence[keras.KerasTensor]) -> Iterator[list[Array]]:
    """Batches of one array for each input of the model.

    Args:
        given: an array (n, ...), a list of one for each input or a mapping by their names; or
            what yields these, as (inputs, answers) too: a `tf.data.Dataset`, a generator.
        wanted: the inputs of the model.

    Raises:
        InvalidArgumentError: none of these, nothing in it, another shape, or no finite numbers.
    """
    if _yields_batches(given):
        batches = 0
        for batch in islice(_read(given), MOST_BATCHES):
            yield _checked(batch[0] if isinstance(batch, tuple) and batch else batch, wanted)
            batches += 1
        if batches == 0:
            raise InvalidArgumentError("calibration yields no batch. Pass some inputs.")
        return
    arrays = _checked(given, wanted)
    for start in range(0, len(arrays[0]), _AT_ONCE):
        yield [array[start : start + _AT_ONCE] for array in arrays]


def _yields_batches(given: Any) -> bool:
    data = isinstance(given, (str, bytes, Mapping, list, tuple)) or hasattr(given, "__array__")
    return not data and (isinstance(given, (Iterable, keras.utils.PyDataset)))


def _read(given: Any) -> Iterator[Any]:
    if isinstance(given, keras.utils.PyDataset):
        number = given.num_batches
        return (given[i] for i in range(MOST_BATCHES if number is None else number))
    return iter(given)


def _checked(given: Any, wanted: Sequence[keras.KerasTensor]) -> list[Array]:
    """One array for each input, of its shape."""
    names = [tensor.name for tensor in wanted]
    if isinstance(given, Mapping):
        if set(given) != set(names):
            raise InvalidArgumentError(
                f"calibration has the inputs {', '.join(map(str, given)) or 'none'}; the model "
                f"takes {', '.join(names)}."
            )
        given = [given[name] for name in names]
    arrays = [_array(item) for item in (given if isinstance(given, (list, tuple)) else [given])]
    _check_shapes(arrays, wanted)
    for name, array in zip(names, arrays, strict=True):
        if not np.isfinite(array).all():
            raise InvalidArgumentError(
                f"calibration holds NaN or infinity for input '{name}', so that nothing can be "
                "measured. Pass finite numbers, with prepared pixels."
            )
    return arrays


def _array(item: Any) -> Array:
    try:
        array = np.asarray(item)
    except (TypeError, ValueError) as error:  # rows of different lengths
        raise InvalidArgumentError(f"calibration holds no arrays of numbers: {error}.") from error
    if array.dtype.kind not in "biuf":
        raise InvalidArgumentError(
            f"calibration={_short(item)} is no array of numbers. Pass inputs as the model takes "
            "them: an array (n, ...), a list of one for each input, or batches of these from a "
            "tf.data.Dataset or a generator."
        )
    return array


def _check_shapes(arrays: Sequence[Array], wanted: Sequence[keras.KerasTensor]) -> None:
    fits = len(arrays) == len(wanted) and all(
        array.ndim == len(tensor.shape)
        and all(w in (None, h) for h, w in zip(array.shape[1:], tensor.shape[1:], strict=True))
        for array, tensor in zip(arrays, wanted, strict=True)
    )
    if not fits:
        raise InvalidArgumentError(
            f"calibration has shapes {[array.shape for array in arrays]}; the model takes "
            f"{[tuple(tensor.shape) for tensor in wanted]}. Pass arrays (n, ...) as it takes them, "
            "with prepared pixels."
        )
    counts = {len(array) for array in arrays}
    if len(counts) > 1 or 0 in counts:
        raise InvalidArgumentError(
            f"calibration has {' and '.join(str(len(array)) for array in arrays)} examples; as "
            "many for each input are needed, and at least one."
        )


def _short(item: Any) -> str:
    text = repr(item)
    return text if len(text) <= 60 else f"{text[:60]}..."
