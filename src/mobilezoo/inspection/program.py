"""The operations of an ML program, each with the weights that it reads.

A weight is a constant in a weight file, or a vector of floating numbers in the program; a
`constexpr_` operation, which decompresses constants, is part of the weight of whatever reads it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

from mobilezoo.errors import CoreMLFileError
from mobilezoo.inspection.precision import bits_of, precision_of
from mobilezoo.inspection.record import OperationRecord, Weight
from mobilezoo.inspection.weight_files import WeightFiles
from mobilezoo.runtime.values import tensor_type

_CONSTEXPR = "constexpr_"
_MOST_DEPTH = 16  # coremltools writes 3
_NO_DATA = ("axis", "name", "output_dtype", "shape", "vector_axis")  # of constexpr operations


@dataclass(frozen=True, eq=False)
class Constant:
    """A value that the file fixes."""

    name: str
    value: Any  # MIL_pb2.Value
    dtype: str  # MIL's name
    shape: tuple[int | None, ...]

    @property
    def precision(self) -> str:
        """Its type."""
        return self.dtype.lower()

    def parts(self) -> Iterable[Constant]:
        """Itself."""
        return (self,)

    @property
    def is_weight(self) -> bool:
        """Whether it is no mere parameter, such as strides."""
        return self._is_stored or (self.dtype.startswith(("FLOAT", "BFLOAT")) and bool(self.shape))

    @property
    def _is_stored(self) -> bool:
        return bool(self.value.WhichOneof("value") == "blobFileValue")


@dataclass(frozen=True, eq=False)
class Decompressed:
    """An output of a `constexpr_` operation."""

    type: str
    data: Mapping[str, Source]  # its arguments
    shape: tuple[int | None, ...]

    @cached_property
    def depth(self) -> int:
        """How many of its kind are behind one another, from 1 on."""
        inner = (item.depth for item in self.data.values() if isinstance(item, Decompressed))
        return 1 + max(inner, default=0)

    @cached_property
    def precision(self) -> str:
        """How the constants behind it are stored."""
        precisions = {key: item.precision for key, item in self.data.items()}
        shapes = {key: item.shape for key, item in self.data.items()}
        return precision_of(self.type.removeprefix(_CONSTEXPR), precisions, shapes)

    def parts(self) -> Iterable[Constant]:
        """The constants behind it, each once."""
        return self._parts

    @cached_property
    def _parts(self) -> tuple[Constant, ...]:
        parts = (part for item in self.data.values() for part in item.parts())
        return tuple({id(part): part for part in parts}.values())

    is_weight = True


Source: TypeAlias = Constant | Decompressed
_Scope: TypeAlias = Mapping[str, Source]


class ProgramReader:
    """Reads the functions of one program.

    Args:
        files: the weight files; they learn which blobs are read.
        path: of the file, for messages.
    """

    def __init__(self, files: WeightFiles, path: object) -> None:
        self._files = files
        self._path = path
        self._counted: set[object] = set()  # constants whose bytes belong to an operation

    def function(self, function: Any, prefix: str) -> Iterator[OperationRecord]:
        """The operations of a function, in program order; then constants that none reads.

        Raises:
            CoreMLFileError: the function has no block for its op set, or damaged constants.
        """
        if function.opset not in function.block_specializations:
            raise CoreMLFileError(f"{self._path}: a function has no block for its own op set.")
        yield from self._block(function.block_specializations[function.opset], {}, prefix)

    def _block(self, block: Any, outside: _Scope, prefix: str) -> Iterator[OperationRecord]:
        scope = dict(outside)
        own: list[Constant] = []
        for raw in block.operations:
            if raw.type == "const":
                for constant in self._constants(raw):
                    scope[constant.name] = constant
                    own.append(constant)
            elif raw.type.startswith(_CONSTEXPR):
                for output in raw.outputs:
                    shape = tensor_type(output.type)[1]
                    made = Decompressed(raw.type, dict(self._arguments(raw, scope)), shape)
                    if made.depth > _MOST_DEPTH:
                        raise CoreMLFileError(
                            f"{self._path}: {output.name!r} is decompressed {made.depth} times; "
                            f"at most {_MOST_DEPTH} times are supported."
                        )
                    scope[output.name] = made
            else:
                yield self._operation(raw, scope, prefix)
                for inner in raw.blocks:
                    yield from self._block(inner, scope, prefix)
        for constant in own:
            if constant.is_weight and self._identity(constant) not in self._counted:
                yield OperationRecord(
                    prefix + constant.name,
                    "const",
                    constant.shape,
                    (self._weight("val", constant),),
                )

    def _operation(self, raw: Any, scope: _Scope, prefix: str) -> OperationRecord:
        weights = tuple(
            self._weight(key, source)
            for key, source in self._arguments(raw, scope)
            if source.is_weight
        )
        if not raw.outputs:
            return OperationRecord(prefix + raw.type, raw.type, None, weights)
        output = raw.outputs[0]
        is_tensor = output.type.WhichOneof("type") == "tensorType"
        shape = tensor_type(output.type)[1] if is_tensor else None
        return OperationRecord(prefix + output.name, raw.type, shape, weights)

    def _arguments(self, raw: Any, scope: _Scope) -> Iterator[tuple[str, Source]]:
        """The arguments that the file fixes, in the order of their names."""
        if raw.type.startswith(_CONSTEXPR):
            for key in sorted(set(raw.attributes) - set(_NO_DATA)):
                yield key, _constant(raw.outputs[0].name, raw.attributes[key])
        for key in sorted(raw.inputs):
            if raw.type.startswith(_CONSTEXPR) and key in _NO_DATA:
                continue
            for binding in raw.inputs[key].arguments:
                if binding.WhichOneof("binding") == "value":
                    yield key, _constant(raw.type, binding.value)
                elif binding.name in scope:
                    yield key, scope[binding.name]

    def _constants(self, raw: Any) -> Iterator[Constant]:
        if "val" not in raw.attributes or not raw.outputs:
            raise CoreMLFileError(f"{self._path}: a constant without a value or a name.")
        yield _constant(raw.outputs[0].name, raw.attributes["val"])

    def _weight(self, key: str, source: Source) -> Weight:
        size = sum(self._bytes_once(part) for part in source.parts())
        return Weight(key, source.precision, _elements(source.shape), size)

    def _bytes_once(self, constant: Constant) -> int:
        """Bytes in the file; 0 if they were asked for before."""
        identity = self._identity(constant)
        if identity in self._counted:
            return 0
        self._counted.add(identity)
        if constant.value.WhichOneof("value") == "blobFileValue":
            return self._files.read(constant.value, constant.name)
        return -(-_elements(constant.shape) * bits_of(constant.dtype) // 8)

    @staticmethod
    def _identity(constant: Constant) -> object:
        """Constants in the same place of a weight file are one."""
        if constant.value.WhichOneof("value") == "blobFileValue":
            blob = constant.value.blobFileValue
            return blob.fileName, blob.offset
        return constant


def _constant(name: str, value: Any) -> Constant:
    return Constant(name, value, *tensor_type(value.type))


def _elements(shape: tuple[int | None, ...]) -> int:
    return math.prod(size or 0 for size in shape)
