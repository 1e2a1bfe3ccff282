"""The stored weights of an opened file, and the same program with others in their place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np

from mobilezoo.errors import InvalidArgumentError
from mobilezoo.runtime.arithmetic import Array
from mobilezoo.runtime.executable import Executable
from mobilezoo.runtime.interpreter import evaluate
from mobilezoo.runtime.network.weights import StoredWeights
from mobilezoo.runtime.opened import Opened
from mobilezoo.runtime.operations import Argument, Constant, Operation, Reference, Stored
from mobilezoo.runtime.storage import Storage

Place: TypeAlias = tuple[str, str]  # the value that an operation makes, and its parameter

_MOST_NAMED = 3  # places in a message
_FEW_BITS = ("constexpr_affine_dequantize", "constexpr_lut_to_dense")


@dataclass(frozen=True)
class Weights:
    """The weights of one operation.

    Attributes:
        read: returns them; of codes what they stand for.
        shape: of the weights.
        bits: of the codes as which they are stored; None where they are stored as numbers.
        axis: along which each index has a scale of its own; None where all share one, or a table.
    """

    read: Callable[[], Array] = field(repr=False)
    shape: tuple[int, ...]
    bits: int | None = None
    axis: int | None = None


def stored_weights(opened: Opened) -> dict[Place, Weights]:
    """All weights that operations read from the file; none of a pipeline's.

    Not those in blocks, sparse ones, or codes whose tables and scales are codes themselves.
    """
    if not isinstance(opened.executable, Executable):
        return {}
    operations = opened.block.operations
    makers = {output.name: operation for operation in operations for output in operation.outputs}
    found = {}
    for operation in operations:
        for parameter, argument in operation.arguments.items():
            weights = _weights(argument, makers)
            if weights is not None and not operation.type.startswith("constexpr_"):
                found[operation.outputs[0].name, parameter] = weights
    return found


def with_weights(opened: Opened, weights: Mapping[Place, Array]) -> Opened:
    """The same program with other weights, which must have the shapes of those they replace.

    Raises:
        InvalidArgumentError: no dictionary of places that the program has, another shape or kind of
            numbers, or a pipeline, whose weights cannot be replaced.
    """
    if not isinstance(opened.executable, Executable):
        raise InvalidArgumentError(f"{opened.path.name}: weights of a pipeline cannot be replaced.")
    weights = _checked(weights, stored_weights(opened))

    def changed(operation: Operation) -> Operation:
        others = {
            parameter: Constant(weights[operation.outputs[0].name, parameter])
            for parameter in operation.arguments
            if (operation.outputs[0].name, parameter) in weights
        }
        return replace(operation, arguments={**operation.arguments, **others})

    block = replace(opened.block, operations=tuple(map(changed, opened.block.operations)))
    return replace(opened, block=block, executable=opened.executable.changed(changed))


def _checked(given: Any, known: Mapping[Place, Weights]) -> dict[Place, Array]:
    """The weights as arrays of the right shapes and kinds, for places that there are."""
    if not isinstance(given, Mapping):
        raise InvalidArgumentError(
            f"with_weights takes a dictionary, place -> array, and was given a "
            f"{type(given).__name__}; places are the keys of weights()."
        )
    unknown = [place for place in given if place not in known]
    if unknown:
        named = ", ".join(map(str, list(known)[:_MOST_NAMED]))
        raise InvalidArgumentError(
            f"The program has no weights {unknown[0]!r}. Places are the keys of weights(), such as "
            f"{named}."
        )
    return {place: _fitting(place, np.asarray(given[place]), known[place]) for place in given}


def _fitting(place: Place, array: Array, known: Weights) -> Array:
    """Numbers in the kind of those that they replace: real ones as float32."""
    stored = known.read().dtype
    whole = stored.kind in "iub"
    if array.dtype.kind not in ("iub" if whole else "fiub") or array.shape != known.shape:
        raise InvalidArgumentError(
            f"The weights {place} are given as {array.dtype} of shape {array.shape}; "
            f"{'whole ' if whole else ''}numbers of shape {known.shape} are required."
        )
    return array.astype(stored if whole else np.float32)


def _weights(argument: Argument, makers: Mapping[str, Operation]) -> Weights | None:
    if isinstance(argument, Reference):
        maker = makers.get(argument.name)
        return None if maker is None or not _shares_values(maker) else _dequantized(maker)
    if not isinstance(argument, Constant) or not isinstance(argument.content, Stored):
        return None
    content = argument.content
    if isinstance(content, StoredWeights):
        return Weights(content.read, content.shape, content.bits, content.scale_axis)
    return Weights(content.read, content.shape)


def _shares_values(maker: Operation) -> bool:
    """Whether it makes weights of codes that share one table, or have a scale along an axis."""
    constants = all(isinstance(argument, Constant) for argument in maker.arguments.values())
    axis = maker.arguments.get("axis")
    if isinstance(axis, Constant) and not isinstance(axis.content, int):
        return False
    blocks = maker.type == "constexpr_lut_to_dense" and "shape" not in maker.arguments
    return maker.type in _FEW_BITS and constants and not blocks


def _dequantized(maker: Operation) -> Weights:
    """Of an operation of an ML program that reads codes."""
    axis = maker.arguments.get("axis")

    def read() -> Array:
        ((_, values),) = evaluate([maker], {}, Storage())
        return np.asarray(values)

    lut = maker.arguments.get("lut")
    bits = 8 if lut is None else max(1, (np.size(lut.value({})) - 1).bit_length())
    shape = tuple(size or 0 for size in maker.outputs[0].shape)  # constants have known sizes
    return Weights(read, shape, bits, None if axis is None else int(axis.value({})))
