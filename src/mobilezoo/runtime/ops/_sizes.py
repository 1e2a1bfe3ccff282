"""No op allocates without bound, whatever a file asks for."""

from __future__ import annotations

import math
from collections.abc import Iterable

MOST_ELEMENTS = 1 << 30  # of one value of one example: 4 GB


def bounded(shape: Iterable[int | None]) -> tuple[int, ...]:
    """A shape whose elements may be allocated; sizes that are not known yet count as 1.

    Raises:
        ValueError: it has a negative size, or more than `MOST_ELEMENTS`.
    """
    sizes = tuple(1 if size is None else int(size) for size in shape)
    if any(size < 0 for size in sizes) or math.prod(max(size, 1) for size in sizes) > MOST_ELEMENTS:
        raise ValueError(f"a shape of {sizes}; at most {MOST_ELEMENTS} elements are supported")
    return sizes
