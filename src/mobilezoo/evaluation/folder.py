"""A folder of pictures: one folder for each class, its pictures anywhere in it."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from mobilezoo.data.images import read_upright
from mobilezoo.errors import InvalidArgumentError
from mobilezoo.evaluation.record import LeftOut
from mobilezoo.evaluation.source import Example

_CORE_ML = (".mlpackage", ".mlmodel", ".mlmodelc")
_SHAPE = "Give each class a folder with its pictures: DATA/cat/1.jpg, DATA/dog/2.jpg"


class FolderSource:
    """Pictures in folders, whose names are the classes in sorted order, as Keras reads them.

    The pictures come mixed, the same each time: what was measured when one stops is of all classes.

    Args:
        path: of the folder.

    Raises:
        InvalidArgumentError: no folder, no class, or no file in any.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        root = Path(path).expanduser()
        _check_folder(root)
        self.left_out: list[LeftOut] = []
        folders = self._classes(root)
        self.names = tuple(folder.name for folder in folders)
        self._files = [
            (file, i) for i, folder in enumerate(folders) for file in self._pictures(folder)
        ]
        if not self._files:
            raise InvalidArgumentError(f"'{root}' has no pictures in its folders. {_SHAPE}.")
        shown = {i for _, i in self._files}
        self.empty = tuple(name for i, name in enumerate(self.names) if i not in shown)
        random.Random(0).shuffle(self._files)

    @property
    def count(self) -> int:
        """How many files there are."""
        return len(self._files)

    def examples(self) -> Iterator[Example]:
        """All files that are not hidden, pictures or not."""
        for file, label in self._files:
            yield Example(partial(read_upright, file), label, str(file))

    def _classes(self, root: Path) -> list[Path]:
        folders = []
        for item in sorted(root.iterdir(), key=lambda item: item.name):
            if _is_hidden(item.name):
                self._leave_out(item, "hidden")
            elif item.is_dir():
                folders.append(item)
            else:
                self._leave_out(item, "in no class's folder")
        if not folders:
            raise InvalidArgumentError(f"'{root}' has no folders in it. {_SHAPE}.")
        return folders

    def _pictures(self, folder: Path) -> Iterator[Path]:
        for where, folders, files in os.walk(folder):
            for name in [name for name in folders if _is_hidden(name)]:
                folders.remove(name)
                self._leave_out(Path(where, name), "hidden")
            folders.sort()
            for name in sorted(files):
                if _is_hidden(name):
                    self._leave_out(Path(where, name), "hidden")
                else:
                    yield Path(where, name)

    def _leave_out(self, path: Path, reason: str) -> None:
        self.left_out.append(LeftOut(str(path), reason))


def _check_folder(root: Path) -> None:
    if root.suffix in _CORE_ML:
        raise InvalidArgumentError(
            f"'{root}' is given as the data and is a Core ML file; the folder of pictures comes "
            "last."
        )
    if not root.is_dir():
        what = "is a file, no folder" if root.exists() else "does not exist"
        raise InvalidArgumentError(f"'{root}' {what}. {_SHAPE}.")


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"  # what zip files of macOS leave behind
