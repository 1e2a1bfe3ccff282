"""The best mix is the best of all mixes."""

from itertools import pairwise, product

import numpy as np
import pytest

from mobilezoo.coreml.compress import knapsack
from mobilezoo.coreml.compress.knapsack import Knapsack


def test_a_literal_choice():
    sizes = [[640, 320, 64], [640, 320, 64]]
    costs = [[0.0, 1.0, 9.0], [0.0, 5.5, 6.0]]

    found = Knapsack(sizes, costs)

    assert found.within(1280) == (1280, 0.0, (0, 0))
    assert found.within(1279) == (960, 1.0, (1, 0))
    assert found.within(704) == (704, 6.0, (0, 2))  # rather than both half-way
    assert found.within(127) is None
    assert found.within(-5) is None
    assert found.smallest == 128


@pytest.mark.parametrize("seed", range(20))
def test_no_other_mix_of_that_size_costs_less(seed):
    rng = np.random.default_rng(seed)
    sizes = [list(64 * rng.integers(1, 9, 4)) for _ in range(5)]
    costs = [list(rng.exponential(size=4)) for _ in range(5)]
    every = [
        (sum(row[i] for row, i in zip(sizes, choice, strict=True)),
         sum(row[i] for row, i in zip(costs, choice, strict=True)))
        for choice in product(range(4), repeat=5)
    ]  # fmt: skip

    found = Knapsack(sizes, costs)

    for limit in range(64, 64 * 45, 64):
        best = min((cost for size, cost in every if size <= limit), default=None)
        point = found.within(limit)
        assert (point is None) == (best is None)
        if point is not None:
            assert point.size <= limit
            assert point.cost == pytest.approx(best)
            assert (point.size, pytest.approx(point.cost)) in every


def test_samples_go_from_the_smallest_to_the_best():
    rng = np.random.default_rng(0)
    sizes = [[6400, 3200, 1600, 640] for _ in range(8)]
    costs = [[0.0, *np.sort(rng.exponential(size=3))] for _ in range(8)]

    points = Knapsack(sizes, costs).samples(10)

    assert 5 <= len(points) <= 10
    assert points[0].size == 8 * 640
    assert points[-1].cost == 0
    assert all(a.size < b.size and a.cost > b.cost for a, b in pairwise(points))


def test_very_large_files_are_counted_in_larger_units(monkeypatch):
    monkeypatch.setattr(knapsack, "_MOST_UNITS", 50)
    sizes, costs = [[64_000, 32_000], [64_000, 32_000]], [[0.0, 1.0], [0.0, 2.0]]

    found = Knapsack(sizes, costs)

    assert found.within(100_000) == (96_000, 1.0, (1, 0))
    assert found.within(95_999) == (64_000, 3.0, (1, 1))  # never more than allowed
