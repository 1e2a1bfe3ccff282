"""Models that scale numbers, choose from them, or put them together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from mobilezoo.errors import CoreMLFileError, InvalidArgumentError
from mobilezoo.runtime.arithmetic import Array
from mobilezoo.runtime.simple.model import Interface, Named, SimpleModel


def scale(x: Array, shift: Array, factor: Array) -> Array:
    """factor (x + shift): each is one number for all of x, or one for each in C order."""
    x = np.asarray(x, np.float64)
    for numbers in (shift, factor):
        if numbers.size not in (1, x.size):
            raise InvalidArgumentError(
                f"a scaler of {numbers.size} numbers was given {x.size} to scale."
            )
    flat = factor * (x.reshape(-1) + shift)
    return np.asarray(flat.reshape(x.shape))


def normalize(x: Array, norm: str) -> Array:
    """x / z, with z the largest of x (LMax), sum of |x| (L1) or root of sum of x^2 (L2).

    Where z is 0 it is x.
    """
    x = np.asarray(x, np.float64)
    measured = {
        "LMax": lambda: x.max(initial=-np.inf),
        "L1": lambda: np.abs(x).sum(),
        "L2": lambda: np.sqrt(np.square(x).sum()),
    }[norm]()
    return x / measured if measured and np.isfinite(measured) else x


def concatenate(arrays: Sequence[Array]) -> Array:
    """All numbers of all arrays, in C order: (n,)."""
    return np.concatenate([np.asarray(array, np.float64).reshape(-1) for array in arrays])


def extract(x: Array, indices: Sequence[int]) -> Array:
    """The numbers at places of x in C order: (indices,)."""
    flat = np.asarray(x).reshape(-1)
    beyond = [index for index in indices if index >= flat.size]
    if beyond:
        raise InvalidArgumentError(f"place {beyond[0]} of an array of {flat.size} was asked for.")
    return np.asarray(flat[list(indices)])


def read_identity(message: Any, interface: Interface) -> SimpleModel:
    """Read an `Identity`: outputs are the inputs of their names, or those in their places."""
    names = [feature.name for feature in interface.inputs]
    outputs = [feature.name for feature in interface.outputs]
    if len(names) != len(outputs):
        raise CoreMLFileError(f"{interface.where}: {len(names)} inputs, {len(outputs)} outputs.")
    same = set(names) == set(outputs)
    sources = {output: output if same else names[i] for i, output in enumerate(outputs)}
    kinds = {feature.name: feature.kind for feature in interface.inputs}
    changed = [item.name for item in interface.outputs if item.kind != kinds[sources[item.name]]]
    if changed:
        raise CoreMLFileError(
            f"{interface.where}: output {changed[0]!r} is of another kind than its input."
        )
    return SimpleModel(
        lambda values: {output: values[name] for output, name in sources.items()}, tuple(outputs)
    )


def read_scaler(message: Any, interface: Interface) -> SimpleModel:
    """Read a `Scaler`: without numbers the shift is 0, the factor 1."""
    shift = np.array(message.shiftValue or [0.0], np.float64)
    factor = np.array(message.scaleValue or [1.0], np.float64)
    return _one_to_one(interface, lambda x: scale(x, shift, factor))


def read_normalizer(message: Any, interface: Interface) -> SimpleModel:
    """Read a `Normalizer`."""
    norms = message.NormType.DESCRIPTOR.values_by_number
    if message.normType not in norms:
        raise CoreMLFileError(f"{interface.where}: the norm {message.normType} is not known.")
    norm = norms[message.normType].name
    return _one_to_one(interface, lambda x: normalize(x, norm))


def read_extractor(message: Any, interface: Interface) -> SimpleModel:
    """Read an `ArrayFeatureExtractor`."""
    indices = list(message.extractIndex)
    if not indices:
        raise CoreMLFileError(f"{interface.where}: extractIndex is empty.")
    return _one_to_one(interface, lambda x: extract(x, indices))


def read_vectorizer(message: Any, interface: Interface) -> SimpleModel:
    """Read a `FeatureVectorizer`.

    Raises:
        CoreMLFileError: it has no columns, or reads what is no input.
    """
    columns = {column.inputColumn: int(column.inputDimensions) for column in message.inputList}
    unknown = columns.keys() - {feature.name for feature in interface.inputs}
    if not columns or unknown or len(interface.outputs) != 1:
        raise CoreMLFileError(
            f"{interface.where}: columns {sorted(columns)} for {len(interface.outputs)} outputs; "
            f"no inputs are {sorted(unknown)}."
        )
    name = interface.outputs[0].name

    def compute(values: Named) -> Mapping[str, Array]:
        for column, size in columns.items():
            if np.size(values[column]) != size:
                raise InvalidArgumentError(
                    f"{column!r} has {np.size(values[column])} numbers; {size} are required."
                )
        return {name: concatenate([values[column] for column in columns])}

    return SimpleModel(compute, (name,))


def _one_to_one(interface: Interface, function: Callable[[Array], Array]) -> SimpleModel:
    if len(interface.inputs) != 1 or len(interface.outputs) != 1:
        raise CoreMLFileError(
            f"{interface.where}: {len(interface.inputs)} inputs and {len(interface.outputs)} "
            "outputs; one of each is required."
        )
    source, target = interface.inputs[0].name, interface.outputs[0].name
    return SimpleModel(lambda values: {target: function(values[source])}, (target,))
