"""The stored weights of an opened file, and the same program with others in their place."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np

from mobilezoo.errors import InvalidArgumentError
from mobilezoo.runtime.arithmetic import Array
from mobilezoo.runtime.blob import Blob
from mobilezoo.runtime.executable import Executable
from mobilezoo.runtime.interpreter import evaluate
from mobilezoo.runtime.network.weights import StoredWeights
from mobilezoo.runtime.opened import Opened
from mobilezoo.runtime.operations import Argument, Constant, Operation, Reference, Stored
from mobilezoo.runtime.ops import OPS
from mobilezoo.runtime.storage import Storage

Place: TypeAlias = tuple[str, str]  # the value that an operation makes, and its parameter

_MOST_NAMED = 3  # places in a message
_FEW_BITS = ("constexpr_affine_dequantize", "constexpr_lut_to_dense")  # one table, or an axis
_BLOCKS = {  # the parameter whose shape says how many, and the codes
    "constexpr_blockwise_shift_scale": ("scale", "data"),
    "constexpr_lut_to_dense": ("lut", "indices"),
    "constexpr_lut_to_sparse": ("lut", "indices_nonzero_data"),
    "constexpr_sparse_blockwise_shift_scale": ("scale", "nonzero_data"),
}
_SPARSE = "constexpr_sparse_to_dense"


@dataclass(frozen=True)
class Weights:
    """The weights of one operation.

    Attributes:
        read: returns them; of codes what they stand for.
        shape: of the weights.
        bits: of the codes as which they are stored; None where they are stored as numbers.
        axis: along which each index has a scale of its own; None where all share one, or a table.
        blocks: how many equal parts of each axis have a scale or a table of their own; empty where
            `axis` says it.
        is_sparse: whether only those that are not zero are stored.
    """

    read: Callable[[], Array] = field(repr=False)
    shape: tuple[int, ...]
    bits: int | None = None
    axis: int | None = None
    blocks: tuple[int, ...] = ()
    is_sparse: bool = False


def stored_weights(opened: Opened) -> dict[Place, Weights]:
    """All weights that operations read from the file; none of a pipeline's.

    Not codes whose tables and scales are codes themselves, nor tables of vectors.
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
    return _with_constants(opened, opened.executable, _checked(weights, stored_weights(opened)))


def biases_of(opened: Opened, layers: Collection[str]) -> dict[str, Array]:
    """By layer, the value that an operation makes: its bias, 0 where it has none."""
    found: dict[str, Array] = {}
    for operation in opened.block.operations:
        name = operation.outputs[0].name
        if name in layers:
            bias = operation.arguments.get("bias")
            found[name] = np.asarray(bias.value() if isinstance(bias, Constant) else 0.0)
    return found


def with_biases(opened: Opened, biases: Mapping[str, Array]) -> Opened:
    """The same program with other biases of layers; one number is for all channels."""
    if not isinstance(opened.executable, Executable):
        return opened
    shapes = {name: own.shape for name, own in biases_of(opened, biases).items()}
    places = {
        (name, "bias"): np.broadcast_to(biases[name].astype(np.float32), shape)
        for name, shape in shapes.items()
    }
    return _with_constants(opened, opened.executable, places)


def without_rounding(opened: Opened) -> Opened:
    """The same program, whose values are not rounded to 8 bits while it runs.

    That is: what `dequantize` restores of what `quantize` made with the same scale and point of
    zero is the value itself.
    """
    if not isinstance(opened.executable, Executable):
        return opened
    pairs = _pairs(opened.block.operations)

    def changed(operation: Operation) -> Operation:
        name = operation.outputs[0].name
        if name not in pairs:
            return operation
        return replace(
            operation, type="identity", arguments={"x": Reference(pairs[name])},
            function=OPS["identity"],
        )  # fmt: skip

    return _changed(opened, opened.executable, changed)


def _pairs(operations: Sequence[Operation]) -> dict[str, str]:
    """What a `dequantize` makes -> the value that was rounded."""
    makers = {operation.outputs[0].name: operation for operation in operations}
    found = {}
    for operation in operations:
        codes = operation.arguments.get("input")
        maker = makers.get(codes.name) if isinstance(codes, Reference) else None
        if operation.type != "dequantize" or maker is None or maker.type != "quantize":
            continue
        value = maker.arguments.get("input")
        if isinstance(value, Reference) and _grid(operation) == _grid(maker):
            found[operation.outputs[0].name] = value.name
    return found


def _grid(operation: Operation) -> list[Any]:
    """Scale, point of zero and axis of a rounding."""
    found = [operation.arguments.get(key) for key in ("scale", "zero_point", "axis")]
    return [np.asarray(item.value({})).tolist() if item is not None else None for item in found]


def _with_constants(
    opened: Opened, executable: Executable, weights: Mapping[Place, Array]
) -> Opened:
    def changed(operation: Operation) -> Operation:
        return with_constants(operation, weights)

    return _changed(opened, executable, changed)


def _changed(
    opened: Opened, executable: Executable, changed: Callable[[Operation], Operation]
) -> Opened:
    block = replace(opened.block, operations=tuple(map(changed, opened.block.operations)))
    return replace(opened, block=block, executable=executable.changed(changed))


def with_constants(operation: Operation, weights: Mapping[Place, Any]) -> Operation:
    """An operation that reads these weights, arrays or tensors, where some of them are its own."""
    name = operation.outputs[0].name
    others = {
        key: Constant(weights[name, key]) for key in operation.arguments if (name, key) in weights
    }
    return replace(operation, arguments={**operation.arguments, **others})


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
        return None if maker is None else _restored(maker, makers)
    if not isinstance(argument, Constant) or not isinstance(argument.content, Stored):
        return None
    content = argument.content
    if isinstance(content, StoredWeights):
        return Weights(content.read, content.shape, content.bits, content.scale_axis)
    return Weights(content.read, content.shape)


def _restored(maker: Operation, makers: Mapping[str, Operation]) -> Weights | None:
    """What an operation restores from constants, perhaps through another one; None of others."""
    if maker.type == _SPARSE:
        values = maker.arguments.get("nonzero_data")
        inner = makers.get(values.name) if isinstance(values, Reference) else None
        if inner is None:
            return _of(maker, [maker], is_sparse=True) if _is_constant(maker) else None
        if inner.type not in _BLOCKS or not _is_constant(inner):
            return None
        return replace(_in_blocks(inner, maker, [inner, maker]), is_sparse=True)
    if not _is_constant(maker):
        return None
    if maker.type in _FEW_BITS and ("shape" in maker.arguments or "axis" in maker.arguments):
        return _dequantized(maker)
    return _in_blocks(maker, maker, [maker]) if maker.type in _BLOCKS else None


def _is_constant(maker: Operation) -> bool:
    axis = maker.arguments.get("axis")
    if axis is not None and not (isinstance(axis, Constant) and isinstance(axis.content, int)):
        return False
    vectors = "vector_axis" in maker.arguments
    return not vectors and all(isinstance(item, Constant) for item in maker.arguments.values())


def _of(maker: Operation, chain: Sequence[Operation], **details: Any) -> Weights:
    """Weights that the last operation of a chain makes."""

    def read() -> Array:
        *_, (_, values) = evaluate(chain, {}, Storage())
        return np.asarray(values)

    shape = tuple(size or 0 for size in maker.outputs[0].shape)  # constants have known sizes
    return Weights(read, shape, **details)


def _dequantized(maker: Operation) -> Weights:
    """Of an operation that shares one table, or has a scale along an axis."""
    axis, lut = maker.arguments.get("axis"), maker.arguments.get("lut")
    bits = 8 if lut is None else max(1, (np.size(lut.value({})) - 1).bit_length())
    return _of(maker, [maker], bits=bits, axis=None if axis is None else int(axis.value({})))


def _in_blocks(coded: Operation, maker: Operation, chain: Sequence[Operation]) -> Weights:
    """Of an operation of iOS 18: `coded` has the codes, `maker` makes the weights."""
    parameter, codes = (coded.arguments[key] for key in _BLOCKS[coded.type])
    shape = np.shape(parameter.value({}))
    of_table = coded.type.startswith("constexpr_lut")
    bits = (shape[-2] - 1).bit_length() if of_table else _bits(codes)
    return _of(maker, chain, bits=bits, blocks=tuple(shape[:-2] if of_table else shape))


def _bits(codes: Argument) -> int:
    content = codes.content if isinstance(codes, Constant) else None
    return content.stored.bits if isinstance(content, Blob) else 8
