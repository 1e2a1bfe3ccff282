"""Paths that a file names, and that must not lead out of its folder."""

from __future__ import annotations

import os
from pathlib import Path


def path_inside(folder: Path, relative: str) -> Path | None:
    """`relative` to `folder`, or None where its words lead out.

    Only the words count: a file inside may be a link to elsewhere, as in download caches.
    """
    base = Path(os.path.normpath(folder))
    target = Path(os.path.normpath(base / relative))
    return target if base in target.parents else None
