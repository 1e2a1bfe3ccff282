"""Pictures of a folder as examples on which a file is measured."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mobilezoo.errors import InvalidArgumentError

_SUFFIXES = (".bmp", ".gif", ".heic", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")


def read_samples(folder: str, file: str, crop: str, count: int) -> list[Any]:
    """PIL pictures in the size of a file's image input, spread evenly over a folder.

    Args:
        folder: in which pictures lie, at any depth.
        file: the .mlpackage.
        crop: how they are brought to the size.
        count: how many at most.

    Raises:
        InvalidArgumentError: no folder, no pictures, or a file that does not take one picture.
    """
    from mobilezoo.data.images import open_picture
    from mobilezoo.runtime import load_coreml

    inputs = load_coreml(file).inputs
    if len(inputs) != 1 or inputs[0].kind != "image":
        raise InvalidArgumentError(
            f"'{file}' takes {', '.join(f'{item.kind} {item.name!r}' for item in inputs)}, not one "
            "image. Pass arrays in Python: mobilezoo.compress_coreml(..., precision=Budget(...))."
        )
    feature = inputs[0]
    mode = "L" if feature.color == "GRAYSCALE" else "RGB"
    size = feature.default[::-1] or (feature.width or 0, feature.height or 0)
    paths = sorted(_pictures(Path(folder)))
    if not paths:
        raise InvalidArgumentError(
            f"--data {folder}: there are no pictures in it ({', '.join(_SUFFIXES)})."
        )
    step = max(1.0, len(paths) / count)
    chosen = [paths[int(i * step)] for i in range(min(count, len(paths)))]
    return [open_picture(path, (size[0], size[1]), mode, crop) for path in chosen]


def _pictures(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        raise InvalidArgumentError(f"--data {folder}: there is no such folder.")
    for where, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            if name.lower().endswith(_SUFFIXES) and not name.startswith("."):
                yield Path(where) / name
