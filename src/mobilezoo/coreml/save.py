"""Writing a package so that a failure leaves what was there before."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mobilezoo.errors import InvalidArgumentError, OutputExistsError


def check_output(path: str | os.PathLike[str], overwrite: bool) -> Path:
    """The path, if a package may be written there; checked before any work is done.

    Raises:
        InvalidArgumentError: wrong suffix, missing or read-only folder.
        OutputExistsError: something is there and `overwrite` is false.
    """
    target = Path(path).expanduser()
    if target.suffix == ".mlmodel":
        raise InvalidArgumentError(
            f"'{target}': this version writes ML programs only. Use the suffix .mlpackage."
        )
    if target.suffix != ".mlpackage":
        raise InvalidArgumentError(f"'{target}' must end in .mlpackage.")
    folder = target.parent
    if not folder.is_dir():
        raise InvalidArgumentError(f"Folder '{folder}' does not exist. Create it first.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise InvalidArgumentError(f"Folder '{folder}' is not writable.")
    if target.exists() and not overwrite:
        raise OutputExistsError(f"'{target}' exists. Pass overwrite=True to replace it.")
    return target


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A path to write to; what is written there takes the place of `target` at the end.

    If the block fails, `target` is what it was and nothing else is left.
    """
    try:
        scratch = Path(tempfile.mkdtemp(prefix=f".{target.stem}-", dir=target.parent))
    except OSError as error:
        raise InvalidArgumentError(
            f"Folder '{target.parent}' is not writable: {error.strerror}."
        ) from error
    try:
        fresh = scratch / target.name
        yield fresh
        if target.exists():
            target.rename(scratch / "replaced")
            try:
                fresh.rename(target)
            except OSError:
                (scratch / "replaced").rename(target)
                raise
        else:
            fresh.rename(target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
