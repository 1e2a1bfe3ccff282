"""Writing a file so that a failure leaves what was there before."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mobilezoo.errors import InvalidArgumentError, OutputExistsError


def check_output(path: str | os.PathLike[str], overwrite: bool) -> Path:
    """The path, if a package or file may be written there; checked before any work is done.

    Raises:
        InvalidArgumentError: no path, wrong suffix, missing or read-only folder.
        OutputExistsError: something is there and `overwrite` is false.
    """
    target = _as_path(path).expanduser()
    if target.suffix not in (".mlpackage", ".mlmodel"):
        raise InvalidArgumentError(
            f"'{target}' must end in .mlpackage (ML program, iOS 15) or .mlmodel (neural network, "
            "iOS 11), after a name."
        )
    folder = target.parent
    if not folder.is_dir():
        raise InvalidArgumentError(f"Folder '{folder}' does not exist. Create it first.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise InvalidArgumentError(f"Folder '{folder}' is not writable.")
    if os.path.lexists(target) and not overwrite:
        raise _exists(target)
    if os.path.lexists(target) and not _may_be_replaced(target):
        what = "Core ML package" if target.suffix == ".mlpackage" else "file"
        raise InvalidArgumentError(
            f"'{target}' is no {what} and is not replaced. Choose another name."
        )
    return target


def _as_path(given: Any) -> Path:
    named = isinstance(given, (str, os.PathLike)) and isinstance(os.fspath(given), str)
    if not named or not os.fspath(given) or "\0" in os.fspath(given):
        raise InvalidArgumentError(
            f"path={given!r} must be a path that ends in .mlpackage or .mlmodel, or None for a "
            "model that is not kept."
        )
    return Path(given)


@contextmanager
def replacing(target: Path, overwrite: bool) -> Iterator[Path]:
    """A path to write to; what is written there takes the place of `target` at the end.

    If the block fails, or is interrupted at any point, `target` is what it was.

    Raises:
        OutputExistsError: something has come to be at `target` and `overwrite` is false.
    """
    try:
        scratch = Path(tempfile.mkdtemp(prefix=f".{target.stem}-", dir=target.parent))
    except OSError as error:
        raise InvalidArgumentError(
            f"Folder '{target.parent}' is not writable: {error.strerror}."
        ) from error
    replaced = scratch / "replaced"
    try:
        yield scratch / target.name
        if os.path.lexists(target):
            if not overwrite:
                raise _exists(target)
            target.rename(replaced)
        (scratch / target.name).rename(target)
    finally:
        if os.path.lexists(replaced) and not os.path.lexists(target):
            replaced.rename(target)  # if this fails too, the old package stays in the folder
        shutil.rmtree(scratch, ignore_errors=True)


@contextmanager
def temporary() -> Iterator[Path]:
    """A temporary folder for a package, removed if the block fails."""
    folder = Path(tempfile.mkdtemp(suffix=".mlpackage"))
    try:
        yield folder
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _may_be_replaced(target: Path) -> bool:
    """A package, an empty folder, a file of that name, a link that leads nowhere."""
    if not target.exists():
        return True
    if target.suffix == ".mlmodel":
        return target.is_file()
    return target.is_dir() and ((target / "Manifest.json").is_file() or not any(target.iterdir()))


def _exists(target: Path) -> OutputExistsError:
    return OutputExistsError(
        f"'{target}' exists. Pass overwrite=True, or --overwrite on the command line."
    )
