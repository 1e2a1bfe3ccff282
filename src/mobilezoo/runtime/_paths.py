"""Files that a file names: where they may lie, and what may be read of them."""

from __future__ import annotations

import os
from pathlib import Path

from mobilezoo.errors import CoreMLFileError


def text_in_place(beginning: bytes) -> str | None:
    """What a file is that is not what its name says, by its first bytes; None for others."""
    if beginning.startswith(b"version https://git-lfs"):
        return "a pointer of Git LFS. Get the file itself: git lfs pull"
    if beginning.startswith(b"PK\x03\x04"):
        return "an archive (zip), no Core ML file. Unpack it first"
    return None


def path_inside(folder: Path, relative: str) -> Path | None:
    """`relative` to `folder`, or None where its words lead out, or are none that a path can have.

    Whether a link leads out is asked by `check_file`, when the file is read.
    """
    try:
        if b"\0" in os.fsencode(relative):
            return None
    except UnicodeEncodeError:
        return None
    base = Path(os.path.normpath(folder))
    target = Path(os.path.normpath(base / relative))
    return target if base in target.parents else None


def check_file(file: Path, package: Path, most_bytes: int | None = None) -> Path:
    """The same path, if it is a file inside `package` of which no more than `most_bytes` are read.

    A link that leads out is refused, unless it leads to where the download that the package is
    part of keeps its contents: REPOSITORY/snapshots/REVISION/... -> REPOSITORY/blobs/...

    Raises:
        CoreMLFileError: it is no file, lies elsewhere, or is too large.
    """
    try:
        if not file.is_file():
            raise CoreMLFileError(f"{file}: missing, though the package names it.")
        root, real = Path(os.path.realpath(package)), Path(os.path.realpath(file))
        size = real.stat().st_size
    except OSError as error:
        raise CoreMLFileError(f"{file}: cannot be read ({error.strerror}).") from error
    if root not in real.parents and _store(root) not in real.parents:
        raise CoreMLFileError(
            f"{file}: a link to {real}, which leads out of {package.name}. Copy the file to its "
            "place if you trust it."
        )
    if most_bytes is not None and size > most_bytes:
        raise CoreMLFileError(f"{file}: {size} bytes; at most {most_bytes} are supported.")
    return file


def content_of(file: Path) -> bytes:
    """All bytes of a file.

    Raises:
        CoreMLFileError: it cannot be read.
    """
    try:
        return file.read_bytes()
    except OSError as error:
        raise CoreMLFileError(f"{file}: cannot be read ({error.strerror}).") from error


def _store(root: Path) -> Path | None:
    """Where the cache of huggingface_hub keeps the contents that its snapshots link to."""
    for parent in root.parents:
        if parent.name == "snapshots":
            return parent.parent / "blobs"
    return None
