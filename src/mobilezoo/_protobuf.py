"""Protobuf messages too large to be serialised at once, which takes three times their size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

_BYTES = 2  # protobuf's wire type of what has a length
_WEIGHTS = "CoreML.Specification.WeightParams"


class Pieces:
    """The bytes of `message.SerializeToString(deterministic=True)`, a kernel at a time.

    Args:
        message: a Core ML model, a neural network, or anything else, which is one piece.

    Attributes:
        size_bytes: of all of them.
    """

    def __init__(self, message: Any) -> None:
        self._parts = _parts(message)
        self.size_bytes = _size(self._parts)

    def __iter__(self) -> Iterator[bytes]:
        for part in self._parts:
            yield part if isinstance(part, bytes) else getattr(part.message, part.field)


def variable_length(number: int) -> bytes:
    """Protobuf's form of a whole number: 7 bits a byte, the lowest first."""
    encoded = bytearray()
    while number > 127:
        encoded.append(number & 127 | 128)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


class _Large(NamedTuple):
    """A field of bytes, which are copied when they are read."""

    message: Any
    field: str
    size: int


_Part = bytes | _Large


def _parts(message: Any) -> list[_Part]:
    """Small fields together, in the order of their numbers, and large ones by themselves."""
    if not _may_be_large(message.DESCRIPTOR):
        return [message.SerializeToString(deterministic=True)]
    parts: list[_Part] = []
    small = type(message)()
    for field, value in message.ListFields():
        large = _large(message, field, value)
        if large is None:
            _copy(field.name, value, small)
            continue
        parts += [small.SerializeToString(deterministic=True), *large]
        small = type(message)()
    return [*parts, small.SerializeToString(deterministic=True)]


def _large(message: Any, field: Any, value: Any) -> list[_Part] | None:
    if isinstance(value, bytes) and field.containing_type.full_name == _WEIGHTS:
        return [_start(field, len(value)), _Large(message, field.name, len(value))]
    if field.message_type is None or not _may_be_large(field.message_type):
        return None
    parts: list[_Part] = []
    for item in (value,) if hasattr(value, "ListFields") else value:
        content = _parts(item)
        parts += [_start(field, _size(content)), *content]
    return parts


def _size(parts: Sequence[_Part]) -> int:
    return sum(len(part) if isinstance(part, bytes) else part.size for part in parts)


def _start(field: Any, length: int) -> bytes:
    return variable_length(field.number << 3 | _BYTES) + variable_length(length)


@cache
def _may_be_large(descriptor: Any) -> bool:
    """Whether the weights of a neural network are somewhere in messages of that type."""
    seen, waiting = {descriptor.full_name}, [descriptor]
    while waiting:
        found = waiting.pop()
        if found.full_name == _WEIGHTS:
            return True
        inner = [field.message_type for field in found.fields if field.message_type is not None]
        waiting += [each for each in inner if each.full_name not in seen]
        seen.update(each.full_name for each in inner)
    return False


def _copy(name: str, value: Any, into: Any) -> None:
    if hasattr(value, "CopyFrom"):
        getattr(into, name).CopyFrom(value)
    elif hasattr(value, "MergeFrom"):  # repeated, or a map
        getattr(into, name).MergeFrom(value)
    else:
        setattr(into, name, value)
