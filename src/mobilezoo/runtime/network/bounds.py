"""Numbers of a file that decide how much memory a layer takes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mobilezoo.errors import CoreMLFileError
from mobilezoo.runtime import limits


def check_bounds(values: Iterable[int], place: str, field: str, lowest: int = 0) -> None:
    """Whether pixels, sizes of windows or distances between them can be meant.

    Raises:
        CoreMLFileError: one is below `lowest` or too large.
    """
    sizes = list(values)
    if any(not lowest <= size <= limits.MOST_WINDOW for size in sizes):
        raise CoreMLFileError(
            f"{place}: {field} is {sizes}; {lowest} to {limits.MOST_WINDOW} are possible."
        )


def pair(values: Any, place: str, field: str) -> tuple[Any, ...]:
    """(vertical, horizontal), or () where the field is not set.

    Raises:
        CoreMLFileError: there are more numbers or fewer, or one is too large.
    """
    if len(values) not in (0, 2):
        raise CoreMLFileError(f"{place}: {field} has {len(values)} numbers; 2 are required.")
    check_bounds(values, place, field)
    return tuple(values)


def borders(message: Any, place: str) -> tuple[int, int, int, int]:
    """Top, bottom, left, right of `BorderAmounts`; nothing where nothing is given.

    Raises:
        CoreMLFileError: there are not two sides, or an amount is too large.
    """
    edges = message.borderAmounts
    if len(edges) not in (0, 2):
        raise CoreMLFileError(f"{place}: {len(edges)} borderAmounts; 2 are required.")
    sizes = [(edge.startEdgeSize, edge.endEdgeSize) for edge in edges] or [(0, 0), (0, 0)]
    (top, bottom), (left, right) = sizes
    check_bounds((top, bottom, left, right), place, "borderAmounts")
    return top, bottom, left, right
