"""Sizes of files as saved."""

from __future__ import annotations

import os
from pathlib import Path

from mobilezoo.errors import InvalidArgumentError


def size_bytes(path: str | os.PathLike[str]) -> int:
    """Bytes of a file, or of all files in a package folder.

    Raises:
        InvalidArgumentError: nothing is there.
    """
    root = Path(path)
    if not root.exists():
        raise InvalidArgumentError(f"'{root}' does not exist.")
    if root.is_file():
        return root.stat().st_size
    return sum(item.stat().st_size for item in root.rglob("*") if item.is_file())
