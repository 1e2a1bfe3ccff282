"""Protobuf messages too large to be serialised at once, which takes twice their size."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_BYTES = 2  # protobuf's wire type of what has a length
_LAYERS = "layers"


def pieces(message: Any) -> Iterator[bytes]:
    """The bytes of `message.SerializeToString(deterministic=True)`, a layer of a network at a time.

    Args:
        message: a Core ML model, a neural network, or anything else, which is one piece.
    """
    for field, value in message.ListFields():
        if hasattr(value, _LAYERS):  # a model: the network is its last field
            yield _without(message, field.name).SerializeToString(deterministic=True)
            yield variable_length(field.number << 3 | _BYTES) + variable_length(size_bytes(value))
            yield from pieces(value)
            return
    if not hasattr(message, _LAYERS):
        yield message.SerializeToString(deterministic=True)
        return
    number = message.DESCRIPTOR.fields_by_name[_LAYERS].number  # 1, the network's first field
    for layer in message.layers:
        content = layer.SerializeToString(deterministic=True)
        yield variable_length(number << 3 | _BYTES) + variable_length(len(content))
        yield content
    yield _without(message, _LAYERS).SerializeToString(deterministic=True)


def size_bytes(message: Any) -> int:
    """Bytes that a message takes; protobuf itself serialises all of it to count them."""
    return sum(map(len, pieces(message)))


def variable_length(number: int) -> bytes:
    """Protobuf's form of a whole number: 7 bits a byte, the lowest first."""
    encoded = bytearray()
    while number > 127:
        encoded.append(number & 127 | 128)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def _without(message: Any, name: str) -> Any:
    """A copy without one field."""
    copy = type(message)()
    for field, value in message.ListFields():
        if field.name == name:
            continue
        if hasattr(value, "CopyFrom"):
            getattr(copy, field.name).CopyFrom(value)
        elif hasattr(value, "extend"):
            getattr(copy, field.name).extend(value)
        else:
            setattr(copy, field.name, value)
    return copy
