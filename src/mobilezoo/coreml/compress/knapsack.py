"""One choice for each layer, so that all together cost least within a size: solved exactly.

The multiple-choice knapsack problem, by dynamic programming over the bytes: the least cost of the
first layers in every number of bytes, from that of one layer less. Blobs of a weight file begin at
multiples of 64 bytes, so that sizes are counted in these, or in more where there are very many.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mobilezoo.graph.node import Array

_UNIT = 64  # bytes
_MOST_UNITS = 1 << 18


class Point(NamedTuple):
    """The best choice within a size.

    Attributes:
        size: bytes of all layers.
        cost: of all layers.
        choice: index of what each layer takes.
    """

    size: int
    cost: float
    choice: tuple[int, ...]


class Knapsack:
    """The least cost in every size.

    Args:
        sizes: bytes of each option of each layer.
        costs: of each option, finite; those of a choice are added up.
    """

    def __init__(self, sizes: Sequence[Sequence[int]], costs: Sequence[Sequence[float]]) -> None:
        largest = sum(max(row) for row in sizes)
        self._unit = max(_UNIT, -(-largest // _MOST_UNITS))
        self._sizes, self._costs = sizes, costs
        self._units = [[-(-size // self._unit) for size in row] for row in sizes]
        exact, self._choices = self._solve()
        # the number of units that is best up to each number of them
        falling = np.minimum.accumulate(exact)
        is_new = np.concatenate([[True], falling[1:] < falling[:-1]]) & np.isfinite(exact)
        self._best = np.maximum.accumulate(np.where(is_new, np.arange(len(exact)), -1))

    @property
    def smallest(self) -> int:
        """Bytes of the smallest choice."""
        return sum(min(row) for row in self._sizes)

    def within(self, size: int) -> Point | None:
        """The choice of least cost of at most `size` bytes; None where there is none."""
        total = min(size // self._unit, len(self._best) - 1)
        if total < 0 or self._best[total] < 0:
            return None
        return self._point(int(self._best[total]))

    def samples(self, count: int) -> list[Point]:
        """Best choices from the smallest size to the largest, each smaller by the same factor."""
        edges = np.unique(self._best[self._best >= 0])
        first, last = max(1, int(edges[0])), max(1, int(edges[-1]))
        wanted = np.geomspace(first, last, count)
        found = np.unique(edges[np.searchsorted(edges, wanted, side="right").clip(1) - 1])
        return [self._point(int(total)) for total in found]

    def _solve(self) -> tuple[Array, list[Array]]:
        """Least costs of exactly so many units, and for each layer what it takes there."""
        best, choices = np.zeros(1), []
        for sizes, row in zip(self._units, self._costs, strict=True):
            grown = np.full(len(best) + max(sizes), np.inf)
            choice = np.zeros(len(grown), np.uint8)
            for i, (size, cost) in enumerate(zip(sizes, row, strict=True)):
                part = slice(size, size + len(best))
                found = best + cost
                better = found < grown[part]
                np.copyto(grown[part], found, where=better)
                choice[part][better] = i
            best = grown
            choices.append(choice)
        return best, choices

    def _point(self, total: int) -> Point:
        taken: list[int] = []
        for units, choice in zip(reversed(self._units), reversed(self._choices), strict=True):
            taken.append(int(choice[total]))
            total -= units[taken[-1]]
        taken.reverse()
        size = sum(row[i] for row, i in zip(self._sizes, taken, strict=True))
        cost = sum(row[i] for row, i in zip(self._costs, taken, strict=True))
        return Point(size, float(cost), tuple(taken))
