"""MIL's values -> Python and NumPy: the literals and the weights of a program."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from mobilezoo import _environment
from mobilezoo.errors import CoreMLFileError
from mobilezoo.runtime import limits
from mobilezoo.runtime._paths import check_file, path_inside
from mobilezoo.runtime.arithmetic import Array
from mobilezoo.runtime.blob import STORED_TYPES, Blob, StoredType, WeightFile

_environment.coremltools()  # silences what the next import would print
from coremltools.proto import MIL_pb2  # noqa: E402

_MODEL_FOLDER = "@model_path"
_TYPE_NAMES = {code: name for name, code in MIL_pb2.DataType.items()}
# the types that a weight file may hold are also those that literals keep as raw bytes
_LITERAL_TYPES = {
    "BOOL": "?",
    "FLOAT64": "<f8",
    "INT64": "<i8",
    "UINT64": "<u8",
    **{name: stored.dtype for name, stored in STORED_TYPES.items() if stored.bits >= 8},
}


class ValueReader:
    """Decodes the values of one program; weight files are opened when first named.

    Args:
        spec_path: the protobuf file, beside which "@model_path" lies.
    """

    def __init__(self, spec_path: Path) -> None:
        self._spec_path = spec_path
        self._weights: dict[str, WeightFile] = {}

    def read(self, value: Any, name: str) -> Any:
        """Decode a `MIL_pb2.Value`.

        Args:
            value: the protobuf message.
            name: what it belongs to, for messages.

        Returns:
            A number, truth value or string for a tensor of rank 0; an array for a literal
            tensor; a `Blob` for a tensor in a weight file; a tuple for a list of strings or of
            values.

        Raises:
            CoreMLFileError: the value is incomplete or damaged.
        """
        if value.WhichOneof("value") == "blobFileValue":
            blob = value.blobFileValue
            mil_type, shape = tensor_type(value.type)
            return self._file(blob.fileName).locate(
                blob.offset, mil_type, static(shape, name), name
            )
        immediate = value.immediateValue
        kind = immediate.WhichOneof("value")
        if kind == "tensor":
            return self._tensor(value, name)
        if kind in ("list", "tuple"):
            return tuple(self.read(item, name) for item in getattr(immediate, kind).values)
        raise CoreMLFileError(f"{self._spec_path}: value {name!r} is empty or of an unknown kind.")

    def _tensor(self, value: Any, name: str) -> Any:
        mil_type, shape = tensor_type(value.type)
        sizes = static(shape, name)
        literal = value.immediateValue.tensor
        kind = literal.WhichOneof("value")
        items: Any = getattr(literal, kind).values if kind else ()
        if mil_type == "STRING":
            return items[0] if not sizes and len(items) == 1 else tuple(items)
        stored = STORED_TYPES.get(mil_type)
        if mil_type not in _LITERAL_TYPES and (stored is None or kind != "bytes"):
            raise CoreMLFileError(f"{self._spec_path}: literal {name!r} has type {mil_type}.")
        try:
            if stored is not None and stored.bits < 8:
                array = _packed(items, stored, sizes)
            else:
                array = _array(items, kind, _LITERAL_TYPES[mil_type])
        except (ValueError, OverflowError) as error:
            raise CoreMLFileError(
                f"{self._spec_path}: literal {name!r} is not of type {mil_type}: {error}."
            ) from error
        if array.size != math.prod(sizes):
            raise CoreMLFileError(
                f"{self._spec_path}: literal {name!r} has {array.size} elements, "
                f"its shape {sizes} needs {math.prod(sizes)}."
            )
        return array.reshape(sizes) if sizes else array.item()

    def _file(self, file_name: str) -> WeightFile:
        """The weight file that the program calls "@model_path/weights/weight.bin", say."""
        if file_name not in self._weights:
            prefix, _, inside = file_name.partition("/")
            path = path_inside(self._spec_path.parent, inside) if prefix == _MODEL_FOLDER else None
            if path is None:
                raise CoreMLFileError(
                    f"{self._spec_path}: weight file {file_name!r} is not inside {_MODEL_FOLDER}."
                )
            self._weights[file_name] = WeightFile(check_file(path, self._spec_path.parent))
        return self._weights[file_name]


def tensor_type(value_type: Any) -> tuple[str, tuple[int | None, ...]]:
    """MIL's name of the element type, and the shape; None where the file leaves a size open.

    Types other than tensors are named after themselves: "listType", "dictionaryType", ...

    Raises:
        CoreMLFileError: it has too many axes.
    """
    kind = value_type.WhichOneof("type")
    if kind != "tensorType":
        return str(kind), ()
    declared = value_type.tensorType
    if len(declared.dimensions) > limits.MOST_AXES:
        raise CoreMLFileError(
            f"A value of {len(declared.dimensions)} axes; at most {limits.MOST_AXES} are supported."
        )
    shape = tuple(
        int(size.constant.size) if size.HasField("constant") else None
        for size in declared.dimensions
    )
    return _TYPE_NAMES.get(declared.dataType, f"type {declared.dataType}"), shape


def static(shape: tuple[int | None, ...], name: str) -> tuple[int, ...]:
    """The shape of a constant, all of whose sizes must be known."""
    sizes = tuple(size for size in shape if size is not None)
    if len(sizes) < len(shape):
        raise CoreMLFileError(f"Constant {name!r} has a shape with open sizes.")
    return sizes


def _packed(data: bytes, stored: StoredType, sizes: tuple[int, ...]) -> Array:
    """Elements of fewer than 8 bits, in one axis."""
    return Blob(np.frombuffer(data, np.uint8), stored, sizes).read().reshape(-1)


def _array(items: Any, kind: str | None, dtype: str) -> Array:
    """The elements, in one axis; what does not fit the type is left out, and so missed later."""
    if kind != "bytes":
        return np.array(items, dtype)
    size = np.dtype(dtype).itemsize
    return np.frombuffer(items[: len(items) // size * size], dtype)
