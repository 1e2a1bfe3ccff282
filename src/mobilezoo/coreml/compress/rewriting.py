"""An ML program with some of its weights in few bits: a new protobuf and a new weight file."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import numpy as np
from coremltools.converters.mil.backend.mil.helper import (
    create_file_value_tensor,
    create_tensor_value,
)
from coremltools.proto import MIL_pb2

from mobilezoo.coreml.blob_writer import BlobWriter
from mobilezoo.coreml.compress.codes import Coded
from mobilezoo.coreml.compress.constants import Constant, main_block, readers_of
from mobilezoo.coreml.compress.forms import constant_of, operations
from mobilezoo.graph.node import Array
from mobilezoo.runtime.values import ValueReader

WEIGHT_FILE = "weight.bin"
_IN_PACKAGE = f"@model_path/weights/{WEIGHT_FILE}"
_SMALLEST_BLOB = 10  # elements; smaller arrays stand in the program
_MOST_SHARED = 1 << 12  # bytes of arrays of which equal ones are written once
_BITS = {"UINT1": 1, "UINT2": 2, "UINT3": 3, "UINT4": 4, "INT4": 4, "UINT6": 6}


class Rewriter:
    """Writes a weight file while it changes the program that reads it.

    Args:
        reader: of the old values.
        writer: of the new weight file.
        version: of the specification that the program will have.
    """

    def __init__(self, reader: ValueReader, writer: BlobWriter, version: int) -> None:
        self._reader = reader
        self._writer = writer
        self._version = version
        self._copied: dict[tuple[str, int], int] = {}
        self._small: dict[Any, Any] = {}  # values of short arrays, such as points of zero
        self._stored: dict[Any, list[Any]] = {}  # values of weights that several constants are

    def rewrite(
        self,
        program: Any,
        coded: Iterator[tuple[Constant, Coded]],
        biases: Mapping[tuple[str, str], Array],
    ) -> None:
        """Replace the constants, and move all others into the new file.

        Args:
            program: `MIL_pb2.Program`, changed.
            coded: the constants in few bits, in the order of `find_constants`.
            biases: new ones, by the function and the value that an operation makes.
        """
        waiting = next(coded, None)
        for name, function in sorted(program.functions.items()):
            block = main_block(name, function)
            unread = _only_read_as_bias(block, {layer for key, layer in biases if key == name})
            made: list[Any] = []
            for raw in block.operations:
                if raw.type == "const" and raw.outputs[0].name in unread:
                    continue
                if waiting is not None and _is(raw, waiting[0], name):
                    made += self._restoring(raw, *waiting)
                    waiting = next(coded, None)
                else:
                    bias = biases.get((name, raw.outputs[0].name)) if raw.outputs else None
                    if bias is not None:
                        made.append(self._bias(raw, bias))
                    self._move(raw)
                    made.append(raw)
            fresh = MIL_pb2.Block(inputs=block.inputs, outputs=block.outputs, operations=made)
            block.CopyFrom(fresh)

    def _restoring(self, raw: Any, constant: Constant, coded: Coded) -> list[Any]:
        output, key = raw.outputs[0], (constant.key, coded.precision)
        known = iter(self._stored.get(key, ()))
        values = self._stored.setdefault(key, [])

        def store(numbers: Array, mil_type: str, shape: tuple[int, ...]) -> Any:
            value = next(known, None)
            if value is None:
                value = self._store(numbers, mil_type, shape)
                values.append(value)
            return value

        return operations(coded, output.name, output.type, self._version, store)

    def _bias(self, raw: Any, bias: Array) -> Any:
        """A constant in front of an operation, which reads it as its bias."""
        kind = raw.outputs[0].type.tensorType.dataType
        half = kind == MIL_pb2.DataType.FLOAT16
        numbers = bias.astype(np.float16 if half else np.float32)
        value = self._store(numbers, "FLOAT16" if half else "FLOAT32", numbers.shape)
        name = f"{raw.outputs[0].name}_repaired_bias"
        made = constant_of(name, value)
        raw.inputs["bias"].CopyFrom(MIL_pb2.Argument())
        raw.inputs["bias"].arguments.add().name = name
        return made

    def _store(self, numbers: Array, mil_type: str, shape: tuple[int, ...]) -> Any:
        if mil_type not in _BITS and numbers.size < _SMALLEST_BLOB:
            return create_tensor_value(numbers.reshape(shape))
        data = np.ascontiguousarray(numbers)
        if data.nbytes > _MOST_SHARED:
            return self._write(data, mil_type, shape)
        key = mil_type, shape, data.tobytes()
        if key not in self._small:
            self._small[key] = self._write(data, mil_type, shape)
        return self._small[key]

    def _write(self, data: Array, mil_type: str, shape: tuple[int, ...]) -> Any:
        bits = _BITS.get(mil_type, 8 * data.itemsize) * math.prod(shape)
        unused = 8 * data.nbytes - bits
        offset = self._writer.add_bytes(mil_type, data.nbytes, [data], unused)
        kind = MIL_pb2.DataType.Value(mil_type)
        return create_file_value_tensor(_IN_PACKAGE, offset, shape, kind)

    def _move(self, raw: Any) -> None:
        for value in _values(raw):
            blob = value.blobFileValue
            at = blob.fileName, blob.offset
            if at not in self._copied:
                old = self._reader.read(value, raw.type)
                self._copied[at] = self._writer.add_bytes(
                    _mil_type(value), old.data.nbytes, [old.data], _unused(old)
                )
            blob.fileName, blob.offset = _IN_PACKAGE, self._copied[at]


def _only_read_as_bias(block: Any, layers: Collection[str]) -> set[str]:
    """Constants that nothing reads but, as their bias, operations that get another one."""
    return {
        name
        for name, readers in readers_of(block).items()
        if all(
            raw is not None and key == "bias" and raw.outputs[0].name in layers
            for raw, key in readers
        )
    }


def _is(raw: Any, constant: Constant, function: str) -> bool:
    same = constant.function == function and raw.type == "const"
    return same and bool(raw.outputs[0].name == constant.name)


def _mil_type(value: Any) -> str:
    name: str = MIL_pb2.DataType.Name(value.type.tensorType.dataType)
    return name


def _unused(blob: Any) -> int:
    return int(8 * blob.data.nbytes - math.prod(blob.shape) * blob.stored.bits)


def _values(raw: Any) -> Iterator[Any]:
    """All values in weight files that an operation names, those of inner blocks, too."""
    for value in raw.attributes.values():
        yield from _in_files(value)
    for argument in raw.inputs.values():
        for binding in argument.arguments:
            if binding.WhichOneof("binding") == "value":
                yield from _in_files(binding.value)
    for block in raw.blocks:
        for inner in block.operations:
            yield from _values(inner)


def _in_files(value: Any) -> Iterator[Any]:
    kind = value.WhichOneof("value")
    if kind == "blobFileValue":
        yield value
    elif kind == "immediateValue":
        inner = value.immediateValue.WhichOneof("value")
        if inner in ("list", "tuple"):
            for item in getattr(value.immediateValue, inner).values:
                yield from _in_files(item)
