"""A hash of what a Core ML file computes, whatever its metadata say."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mobilezoo._protobuf import Pieces

# the key of a file's user-defined metadata under which its own hash stands
CONTENT_HASH = "com.mobilezoo.content_hash"

_TEXTS = ("input", "output", "state", "trainingInput")  # features, each with a description
_CHUNK = 1 << 20  # bytes of a weight file that are read at once


def content_hash(model: Any, weights: Mapping[str, bytes]) -> str:
    """SHA-256 over the program and the weights of a Core ML file, 64 hexadecimal digits.

    Author, licence, version, descriptions and user-defined metadata do not count: files with the
    same hash have the same features and compute the same. Hashed are, each after its length in
    bytes (8 bytes, little-endian):

    1. the top-level fields of the specification in the order of their numbers, each as its name
       and its content: numbers as decimal text, messages in protobuf's deterministic form (maps
       sorted by key). `description` is hashed without `metadata` and without the
       `shortDescription` of its features;
    2. the weight files in the order of their names, each as its name and the SHA-256 of its bytes.

    Args:
        model: the specification, a `Model_pb2.Model`; it is left as it is.
        weights: the weight files that the program names: path as in "@model_path/PATH", such as
            "weights/weight.bin" -> its `digest`, 32 bytes. Empty for a `.mlmodel`.
    """
    found = hashlib.sha256()
    for field, value in model.ListFields():
        _add(found, field.name.encode())
        _add_content(found, field.name, value)
    for name in sorted(weights):
        _add(found, name.encode())
        _add(found, weights[name])
    return found.hexdigest()


def digest(path: Path) -> bytes:
    """SHA-256 of a file, 32 bytes."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            found.update(chunk)
    return found.digest()


def _add(digest: Any, content: bytes) -> None:
    digest.update(len(content).to_bytes(8, "little"))
    digest.update(content)


def _add_content(digest: Any, name: str, value: Any) -> None:
    if isinstance(value, int):
        _add(digest, str(int(value)).encode())
        return
    message = _without_texts(value) if name == "description" else value
    pieces = Pieces(message)
    digest.update(pieces.size_bytes.to_bytes(8, "little"))
    for piece in pieces:
        digest.update(piece)


def _without_texts(description: Any) -> Any:
    """A copy of a `ModelDescription` without what only people read."""
    bare = type(description)()
    bare.CopyFrom(description)
    bare.ClearField("metadata")
    for owner in (bare, *bare.functions):
        for side in _TEXTS:
            for feature in getattr(owner, side, ()):
                feature.ClearField("shortDescription")
    return bare
