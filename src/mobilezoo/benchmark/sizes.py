"""Sizes of files as saved."""

from __future__ import annotations

import os
from pathlib import Path


def size_bytes(path: str | os.PathLike[str]) -> int:
    """Bytes of a file, or of all files in a package folder."""
    root = Path(path)
    if root.is_file():
        return root.stat().st_size
    return sum(item.stat().st_size for item in root.rglob("*") if item.is_file())
