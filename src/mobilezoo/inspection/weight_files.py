"""The weight files beside a program: alignment, padding, blobs that are there twice."""

from __future__ import annotations

import hashlib
import struct
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mobilezoo._content import digest
from mobilezoo.inspection.record import WeightFileRecord
from mobilezoo.runtime.blob import Blob
from mobilezoo.runtime.values import ValueReader

_ALIGNMENT = 64  # bytes; a blob at a multiple can be mapped to memory
_HEADER_BYTES = 64  # of the file, and before every blob
_COUNT = struct.Struct("<I")  # of the blobs; at the start of the file


class WeightFiles:
    """The weight files of one program.

    Args:
        spec_path: the protobuf file, beside which "@model_path" lies.
    """

    def __init__(self, spec_path: Path) -> None:
        self._folder = spec_path.parent
        self._reader = ValueReader(spec_path)
        self._blobs: dict[str, dict[int, Blob]] = defaultdict(dict)

    def read(self, value: Any, name: str) -> int:
        """Find the blob that a `MIL_pb2.Value` points to, and return its size in bytes.

        Raises:
            CoreMLFileError: there is none, or it does not fit the value's type.
        """
        blob: Blob = self._reader.read(value, name)
        place = value.blobFileValue
        self._blobs[place.fileName.partition("/")[2]][place.offset] = blob
        return int(blob.data.nbytes)

    def paths(self) -> dict[str, Path]:
        """Name, such as "weights/weight.bin", -> path of each file that has been read from."""
        return {name: self._folder / name for name in sorted(self._blobs)}

    def digests(self) -> dict[str, bytes]:
        """Name -> SHA-256 of each file that has been read from."""
        return {name: digest(path) for name, path in self.paths().items()}

    def records(self) -> tuple[WeightFileRecord, ...]:
        """What the blobs that have been read say of their files."""
        return tuple(
            _record(name, path, list(self._blobs[name].values()))
            for name, path in self.paths().items()
        )


def _record(name: str, path: Path, blobs: Sequence[Blob]) -> WeightFileRecord:
    size = path.stat().st_size
    with path.open("rb") as file:
        (count,) = _COUNT.unpack(file.read(_COUNT.size))
    data = sum(blob.data.nbytes for blob in blobs)
    repeated = _repeated(blobs)
    return WeightFileRecord(
        name=name,
        size_bytes=size,
        blobs=max(count, len(blobs)),
        unaligned=sum(
            blob.data.ctypes.data % _ALIGNMENT != 0 for blob in blobs
        ),  # mapped at a page
        padding_bytes=size - _HEADER_BYTES * (1 + len(blobs)) - data,
        unread=max(count - len(blobs), 0),
        repeated=len(repeated),
        repeated_bytes=sum(repeated),
    )


def _repeated(blobs: Sequence[Blob]) -> list[int]:
    """Bytes of every blob that holds the same as one before; only equal sizes are compared."""
    by_size: dict[int, list[Blob]] = defaultdict(list)
    for blob in blobs:
        by_size[blob.data.nbytes].append(blob)
    sizes = []
    for size, candidates in by_size.items():
        if len(candidates) > 1:
            different = {hashlib.sha256(blob.data.data).digest() for blob in candidates}
            sizes += [size] * (len(candidates) - len(different))
    return sizes
