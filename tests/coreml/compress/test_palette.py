"""The table of a palette is the best one: literal cases, every possible cut, and coremltools."""

from itertools import combinations, pairwise

import numpy as np
import pytest
from coremltools._deps import kmeans1d

from mobilezoo.coreml.compress.palette import best_cuts, palette

RNG = np.random.default_rng(5)


def squared_error(values, counts, cuts):
    """Of every value against the mean of its cluster."""
    edges = [0, *map(int, cuts), len(values)]
    parts = [slice(*pair) for pair in pairwise(edges)]
    means = [np.average(values[part], weights=counts[part]) for part in parts]
    return sum(
        float((counts[part] * (values[part] - mean) ** 2).sum())
        for part, mean in zip(parts, means, strict=True)
    )


def test_two_groups_become_their_means():
    weights = np.array([[-1.0, 3.0, 5.0], [-1.0, -4.0, 4.0]], np.float16)

    codes, table = palette(weights, 1)

    np.testing.assert_array_equal(codes, [[0, 1, 1], [0, 0, 1]])
    np.testing.assert_array_equal(table, [-2.0, 4.0])


def test_a_frequent_value_draws_the_cut_to_itself():
    values = np.array([0.0, 1.0, 2.2])

    assert best_cuts(values, np.array([1, 1, 1]), 2) == [2]  # 0 1 | 2.2
    assert best_cuts(values, np.array([50, 1, 1]), 2) == [1]  # 0 | 1 2.2


@pytest.mark.parametrize("bits", [1, 2, 3, 8])
def test_no_more_distinct_weights_than_entries_come_back_exactly(bits):
    distinct = RNG.normal(size=2**bits).astype(np.float16)
    weights = RNG.choice(np.unique(distinct), size=(6, 500))

    codes, table = palette(weights, bits)

    np.testing.assert_array_equal(table[codes], weights)


def test_equal_weights_and_both_zeros_come_back_exactly():
    zeros = np.array([0.0, -0.0, 3.0], np.float16)

    codes, table = palette(zeros, 1)

    assert codes[0] == codes[1]
    np.testing.assert_array_equal(table[codes], zeros)
    codes, table = palette(np.full((2, 3), 0.1, np.float16), 4)
    np.testing.assert_array_equal(table[codes], np.full((2, 3), np.float16(0.1)))


@pytest.mark.parametrize("seed", range(40))
def test_no_other_cuts_are_better(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(5, 12))
    values = np.sort(rng.choice([rng.normal(size=n), rng.integers(0, 4, n) ** 3 + rng.random(n)]))
    counts = rng.integers(1, rng.choice([2, 10, 1000]), n)
    for clusters in range(1, n + 1):
        possible = [
            squared_error(values, counts, cuts) for cuts in combinations(range(1, n), clusters - 1)
        ]

        found = squared_error(values, counts, best_cuts(values, counts, clusters))

        # of sums of squares in float64
        assert found == pytest.approx(min(possible), rel=1e-9, abs=1e-12 * max(possible[0], 1))


@pytest.mark.parametrize("clusters", [2, 5, 16, 100, 256])
@pytest.mark.parametrize("kind", ["normal", "heavy tails", "lumps"])
def test_large_tensors_get_the_cuts_that_coremltools_finds(kind, clusters):
    weights = {
        "normal": lambda: RNG.normal(size=40_000) * 0.05,
        "heavy tails": lambda: RNG.standard_t(2, size=40_000),
        "lumps": lambda: RNG.integers(-9, 9, 40_000) ** 3 + RNG.normal(size=40_000) * 0.3,
    }[kind]()
    values, counts = np.unique(weights.astype(np.float16), return_counts=True)
    values = values.astype(np.float64)
    expected = np.flatnonzero(np.diff(kmeans1d.cluster(values, clusters, weights=counts).clusters))

    cuts = best_cuts(values, counts, clusters)

    found = squared_error(values, counts, cuts)
    assert found == pytest.approx(squared_error(values, counts, expected + 1), rel=1e-9)
    evenly = np.linspace(0, len(values), clusters + 2)[1:-2]
    assert found < 0.999 * squared_error(values, counts, evenly)


def test_a_bad_start_does_not_matter(monkeypatch):
    values = np.sort(RNG.normal(size=3000))
    counts = RNG.integers(1, 9, 3000)
    expected = best_cuts(values, counts, 20)
    module = "mobilezoo.coreml.compress.palette"
    monkeypatch.setattr(f"{module}._first_edges", lambda v, c, k: np.array([*range(k), len(v)]))
    monkeypatch.setattr(f"{module}._LLOYD", 0)

    np.testing.assert_array_equal(best_cuts(values, counts, 20), expected)
