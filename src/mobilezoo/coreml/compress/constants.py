"""The weights of an ML program that can be stored in fewer bits, found in its protobuf."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mobilezoo.errors import CoreMLFileError
from mobilezoo.graph.node import Array
from mobilezoo.runtime.blob import Blob
from mobilezoo.runtime.values import ValueReader, tensor_type

# parameters that are multiplied with activations -> where their output channels are
_OUTPUT_AXES = {
    ("conv", "weight"): 0,
    ("conv_transpose", "weight"): 1,
    ("gather", "x"): 0,
    ("linear", "weight"): 0,
    **{
        (kind, f"weight_{part}{way}"): 0
        for kind in ("gru", "lstm", "rnn")
        for part in ("ih", "hh")
        for way in ("", "_back")
    },
}
_MATMUL = {"x": "transpose_x", "y": "transpose_y"}
_FLOATS = ("FLOAT16", "FLOAT32")


@dataclass(frozen=True)
class Place:
    """Where a weight is read.

    Attributes:
        layer: name of the value that the reading operation makes.
        type: of that operation.
        parameter: of it that is the weight.
    """

    layer: str
    type: str
    parameter: str


@dataclass(frozen=True, eq=False)
class Constant:
    """A weight in the weight file.

    Attributes:
        name: of the constant.
        function: in which it is.
        mil_type: "FLOAT16" or "FLOAT32".
        blob: its place in the file.
        places: where it is read, in program order.
        axis: of its output channels.
        key: equal for weights that are the same bytes.
    """

    name: str
    function: str
    mil_type: str
    blob: Blob
    places: tuple[Place, ...]
    axis: int
    key: tuple[Any, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the weight."""
        return self.blob.shape

    @property
    def elements(self) -> int:
        """How many numbers it has."""
        return math.prod(self.shape)

    def read(self) -> Array:
        """The numbers; a view of the mapped file."""
        return self.blob.read()


def find_constants(program: Any, reader: ValueReader) -> list[Constant]:
    """All weights of convolutions, matrix products, recurrent layers and tables, in order.

    Args:
        program: `MIL_pb2.Program`.
        reader: of its values.

    Raises:
        CoreMLFileError: a constant that is damaged, or a function without a block.
    """
    return [
        constant
        for name, function in sorted(program.functions.items())
        for constant in _of_block(main_block(name, function), name, reader)
    ]


def main_block(name: str, function: Any) -> Any:
    """The block of a function that runs.

    Raises:
        CoreMLFileError: there is none.
    """
    if function.opset not in function.block_specializations:
        raise CoreMLFileError(f"Function {name!r} has no block for its own op set.")
    return function.block_specializations[function.opset]


def _of_block(block: Any, function: str, reader: ValueReader) -> Iterator[Constant]:
    readers = readers_of(block)
    small = {raw.outputs[0].name: raw for raw in block.operations if raw.type == "const"}
    for raw in block.operations:
        if raw.type != "const" or raw.attributes["val"].WhichOneof("value") != "blobFileValue":
            continue
        name, value = raw.outputs[0].name, raw.attributes["val"]
        mil_type, shape = tensor_type(value.type)
        found = readers.get(name, [])
        axes = {_axis(operation, key, small, shape) for operation, key in found}
        if mil_type not in _FLOATS or len(axes) != 1 or None in axes:
            continue  # no weight of a product, or one that two read in different ways
        places = tuple(Place(r.outputs[0].name, r.type, key) for r, key in found)
        at = value.blobFileValue.fileName, value.blobFileValue.offset
        blob, axis = reader.read(value, name), axes.pop()
        yield Constant(name, function, mil_type, blob, places, axis or 0, (*at, *shape, axis))


def readers_of(block: Any) -> Mapping[str, list[tuple[Any, str]]]:
    """The operations that read each value, and as which parameter; those of inner blocks, too."""
    found: dict[str, list[tuple[Any, str]]] = {}
    for raw in block.operations:
        for key, argument in sorted(raw.inputs.items()):
            for binding in argument.arguments:
                if binding.WhichOneof("binding") == "name":
                    found.setdefault(binding.name, []).append((raw, key))
        for inner in raw.blocks:
            for name, readers in readers_of(inner).items():
                found.setdefault(name, []).extend(readers)
    for name in block.outputs:
        found.setdefault(name, []).append((None, "output"))
    return found


def _axis(
    operation: Any, parameter: str, constants: Mapping[str, Any], shape: tuple[int | None, ...]
) -> int | None:
    """Where the output channels of a weight are; None where it is none."""
    if operation is None or not operation.outputs:
        return None
    if operation.type == "matmul" and len(shape) > 1:
        turned = _truth(operation, _MATMUL[parameter], constants)
        rows = (parameter == "x") != turned  # x (.., m, k), y (.., k, n)
        return len(shape) - (2 if rows else 1)
    axis = _OUTPUT_AXES.get((operation.type, parameter))
    if operation.type == "conv_transpose" and axis is not None and shape[1] == 1:
        return 0  # depthwise
    return axis


def _truth(operation: Any, parameter: str, constants: Mapping[str, Any]) -> bool:
    if parameter not in operation.inputs:
        return False
    binding = operation.inputs[parameter].arguments[0]
    value = binding.value
    if binding.WhichOneof("binding") == "name":
        if binding.name not in constants:
            return False
        value = constants[binding.name].attributes["val"]
    return bool(list(value.immediateValue.tensor.bools.values)[:1] == [True])
