"""Writes weight files: arrays one behind the other, each 64-byte aligned, so they can be mapped.

    file header  (64 bytes)  uint32 count, uint32 version = 2, zeros
    record       (64 bytes)  uint32 sentinel 0xDEADBEEF, uint32 type, uint64 size in bytes,
                             uint64 offset of the data, uint64 bits at its end that mean nothing,
                             zeros
    data, and zeros up to the next record

Everything is little-endian, and byte for byte what coremltools' own writer makes. That one takes
whole arrays; this one takes them in parts, and hashes what it writes on the way.
"""

from __future__ import annotations

import hashlib
import struct
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from mobilezoo._content import digest
from mobilezoo.errors import MobilezooError

Part = npt.NDArray[Any]

_HEADER = struct.Struct("<II56x")
_RECORD = struct.Struct("<IIQQQ32x")
_VERSION = 2
_SENTINEL = 0xDEADBEEF
_TYPES = {
    "FLOAT16": 1, "FLOAT32": 2, "UINT8": 3, "INT8": 4, "INT16": 6, "UINT16": 7,
    "INT4": 8, "UINT1": 9, "UINT2": 10, "UINT4": 11, "UINT3": 12, "UINT6": 13, "INT32": 14,
    "UINT32": 15,
}  # fmt: skip
_FLOATS = {np.dtype(np.float16): "FLOAT16", np.dtype(np.float32): "FLOAT32"}
_ALIGNMENT = 64  # bytes
_TOGETHER = 1 << 18  # bytes that are handed to the thread at once, at least
_WAITING = 2  # handed over and not yet written


class BlobWriter:
    """A weight file that is being written, in a thread of its own, while parts are computed.

        with BlobWriter(path, count=1) as writer:
            offset = writer.add(np.float16, size_bytes, parts)
        writer.digest

    Args:
        path: of the file.
        count: of the arrays that it will hold; None where that is not known before.

    Raises:
        MobilezooError: a bug: arrays are not as they were announced.

    Attributes:
        digest: SHA-256 of the file, once it is closed.
        count: of the arrays that were added.
    """

    digest: bytes

    def __init__(self, path: Path, count: int | None) -> None:
        self._path = path
        self._file: BinaryIO = path.open("wb")
        self._hash = hashlib.sha256()
        self._thread = ThreadPoolExecutor(1, "weight file")
        self._waiting: deque[Future[None]] = deque()
        self._gathered: list[bytes | memoryview] = []
        self._gathered_bytes = 0
        self._end = 0
        self._announced = count
        self.count = 0
        self._put(_HEADER.pack(count or 0, _VERSION))

    def __enter__(self) -> BlobWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self._hand_over()
        self._thread.shutdown(cancel_futures=error is not None)
        with self._file:
            if error is None:
                self._wait(0)
                missing = 0 if self._announced is None else self._announced - self.count
                self._check(missing == 0, f"{missing} arrays too few")
        self.digest = self._hash.digest()
        if error is None and self._announced is None:
            self._correct_count()

    def add(self, dtype: Any, size_bytes: int, parts: Iterable[Part]) -> int:
        """Write an array of floating numbers.

        Args:
            dtype: float16 or float32.
            size_bytes: of the whole array.
            parts: C-contiguous arrays of that type, which hold its numbers in their order, and do
                not change until the file is closed.

        Returns:
            Where its record begins, in bytes: the array's "offset" in a program.
        """
        self._check(np.dtype(dtype) in _FLOATS, f"{np.dtype(dtype)} in a weight file")

        def checked() -> Iterator[Part]:
            for part in parts:
                self._check(part.dtype == dtype, f"{part.dtype} in an array of {np.dtype(dtype)}")
                yield part

        return self.add_bytes(_FLOATS[np.dtype(dtype)], size_bytes, checked())

    def add_bytes(
        self, mil_type: str, size_bytes: int, parts: Iterable[Part], unused_bits: int = 0
    ) -> int:
        """Write an array of any type that a weight file knows, as its bytes.

        Args:
            mil_type: such as "UINT4".
            size_bytes: of all of them.
            parts: as `add` takes them.
            unused_bits: at the end, of codes that fill no whole byte.

        Returns:
            As `add`.
        """
        self.count += 1
        offset = self._end + -self._end % _ALIGNMENT
        start = offset + _RECORD.size
        record = _RECORD.pack(_SENTINEL, _TYPES[mil_type], size_bytes, start, unused_bits)
        self._put(bytes(offset - self._end) + record)
        for part in parts:
            self._put(part.reshape(-1).view(np.uint8).data)
        written = self._end - start
        self._check(written == size_bytes, f"{written} bytes in parts, {size_bytes} announced")
        return offset

    def _correct_count(self) -> None:
        with self._path.open("r+b") as file:
            file.write(_HEADER.pack(self.count, _VERSION))
        self.digest = digest(self._path)

    def _check(self, holds: bool, what: str) -> None:
        if not holds:
            raise MobilezooError(f"Bug: {what}.")

    def _put(self, content: bytes | memoryview) -> None:
        self._end += len(content)
        self._gathered.append(content)
        self._gathered_bytes += len(content)
        if self._gathered_bytes >= _TOGETHER:
            self._hand_over()
            self._wait(_WAITING)

    def _hand_over(self) -> None:
        self._waiting.append(self._thread.submit(self._write, self._gathered))
        self._gathered, self._gathered_bytes = [], 0

    def _wait(self, most: int) -> None:
        """Until at most so many wait; what went wrong with the others is raised here."""
        while len(self._waiting) > most:
            self._waiting.popleft().result()

    def _write(self, contents: list[bytes | memoryview]) -> None:
        for content in contents:
            self._file.write(content)
            self._hash.update(content)
