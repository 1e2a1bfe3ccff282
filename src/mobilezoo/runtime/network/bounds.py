"""Numbers of a file that decide how much memory a layer takes."""

from __future__ import annotations

from collections.abc import Iterable

from mobilezoo.errors import CoreMLFileError

_LARGEST_WINDOW = 1 << 16  # pixels; what is larger is no picture, but exhausts the memory


def check_bounds(values: Iterable[int], place: str, field: str, lowest: int = 0) -> None:
    """Whether pixels, sizes of windows or distances between them can be meant.

    Raises:
        CoreMLFileError: one is below `lowest` or too large.
    """
    sizes = list(values)
    if any(not lowest <= size <= _LARGEST_WINDOW for size in sizes):
        raise CoreMLFileError(
            f"{place}: {field} is {sizes}; {lowest} to {_LARGEST_WINDOW} are possible."
        )
