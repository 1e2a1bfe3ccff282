"""Weight files: constants stored beside the program, each behind a 64-byte record.

    file header  (64 bytes)  uint32 count, uint32 version = 2, zeros
    record       (64 bytes)  uint32 sentinel 0xDEADBEEF, uint32 type, uint64 size in bytes,
                             uint64 offset of the data, uint64 unused bits at its end, zeros

Everything is little-endian. Types of fewer than 8 bits are packed, the lowest bits first.
The file is mapped, so that a constant costs memory only while somebody reads it.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mobilezoo.errors import CoreMLFileError
from mobilezoo.runtime._paths import text_in_place
from mobilezoo.runtime.arithmetic import Array

_HEADER = struct.Struct("<II")
_RECORD = struct.Struct("<IIQQ")
_RECORD_BYTES = 64
_SENTINEL = 0xDEADBEEF
_VERSION = 2


class StoredType(NamedTuple):
    """How a type of MIL is stored."""

    code: int  # in the record
    bits: int  # per element
    dtype: str  # of the array it is read into


# measured on files that coremltools 9 writes
STORED_TYPES = {
    "FLOAT16": StoredType(1, 16, "<f2"),
    "FLOAT32": StoredType(2, 32, "<f4"),
    "UINT8": StoredType(3, 8, "u1"),
    "INT8": StoredType(4, 8, "i1"),
    "INT16": StoredType(6, 16, "<i2"),
    "UINT16": StoredType(7, 16, "<u2"),
    "INT4": StoredType(8, 4, "i1"),
    "UINT1": StoredType(9, 1, "u1"),
    "UINT2": StoredType(10, 2, "u1"),
    "UINT4": StoredType(11, 4, "u1"),
    "UINT3": StoredType(12, 3, "u1"),
    "UINT6": StoredType(13, 6, "u1"),
    "INT32": StoredType(14, 32, "<i4"),
    "UINT32": StoredType(15, 32, "<u4"),
}


@dataclass(frozen=True, eq=False)
class Blob:
    """A constant in a weight file: its place is checked, its bytes are not read yet."""

    data: Array  # (bytes,) of uint8, mapped
    stored: StoredType
    shape: tuple[int, ...]

    def read(self) -> Array:
        """The constant, in the type of the file; a view of the mapping where it can be."""
        dtype = np.dtype(self.stored.dtype)
        if self.stored.bits >= 8:
            return self.data.view(dtype).reshape(self.shape)
        elements = unpack_bits(self.data, self.stored.bits, math.prod(self.shape))
        if dtype.kind == "i":  # two's complement in fewer than 8 bits
            sign = 1 << (self.stored.bits - 1)
            elements = (elements.astype(np.int16) ^ sign) - sign
        return elements.astype(dtype).reshape(self.shape)


class WeightFile:
    """One weight file, mapped into memory.

    Raises:
        CoreMLFileError: the file is missing or no weight file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            if not path.is_file():
                raise CoreMLFileError(f"{path}: the weight file is missing.")
            if path.stat().st_size < _RECORD_BYTES:
                raise CoreMLFileError(
                    f"{path}: the weight file has {path.stat().st_size} bytes, which is shorter "
                    "than its header."
                )
            self._bytes: Array = np.memmap(path, dtype=np.uint8, mode="r")
        except OSError as error:
            raise CoreMLFileError(f"{path}: cannot be read ({error.strerror}).") from error
        _, version = _HEADER.unpack(self._bytes[: _HEADER.size].tobytes())
        other = text_in_place(self._bytes[:_RECORD_BYTES].tobytes())
        if other is not None:
            raise CoreMLFileError(f"{path}: {other}.")
        if version != _VERSION:
            raise CoreMLFileError(
                f"{path}: weight file of version {version}; version {_VERSION} is known."
            )

    def locate(self, offset: int, mil_type: str, shape: tuple[int, ...], name: str) -> Blob:
        """Check the record at `offset` and the place it points to.

        Args:
            offset: of the record, in bytes from the start of the file.
            mil_type: the type that the program declares, such as "FLOAT16".
            shape: the shape that the program declares.
            name: of the constant, for the message.

        Raises:
            CoreMLFileError: the record or the data lie outside the file, or do not agree
                with the declared type and shape.
        """
        stored = STORED_TYPES.get(mil_type)
        if stored is None:
            raise self._damaged(name, f"is of type {mil_type}, which no weight file holds")
        if offset + _RECORD_BYTES > len(self._bytes):
            raise self._damaged(name, f"should be at byte {offset}, beyond the end of the file")
        record = self._bytes[offset : offset + _RECORD.size].tobytes()
        sentinel, code, size, start = _RECORD.unpack(record)
        if sentinel != _SENTINEL:
            raise self._damaged(name, f"has no record at byte {offset}")
        if code != stored.code:
            raise self._damaged(name, f"is declared {mil_type} but stored as type {code}")
        needed = -(-math.prod(shape) * stored.bits // 8)
        if size != needed:
            raise self._damaged(name, f"needs {needed} bytes for shape {shape} but has {size}")
        if start + size > len(self._bytes):
            raise self._damaged(name, f"ends at byte {start + size}, beyond the end of the file")
        return Blob(self._bytes[start : start + size], stored, shape)

    def _damaged(self, name: str, what: str) -> CoreMLFileError:
        return CoreMLFileError(f"{self.path} ({len(self._bytes)} bytes): constant {name!r} {what}.")


def unpack_bits(data: Array, bits: int, count: int) -> Array:
    """Integers of `bits` bits each, the lowest first: (m,) of uint8 -> (count,) of uint8.

    Raises:
        ValueError: `data` holds fewer.
    """
    if 8 * data.size < bits * count:
        raise ValueError(f"{data.size} bytes hold fewer than {count} values of {bits} bits")
    if bits == 8:
        return np.asarray(data[:count])
    flat = np.unpackbits(data, count=count * bits, bitorder="little").reshape(count, bits)
    return np.packbits(flat, axis=1, bitorder="little")[:, 0]
