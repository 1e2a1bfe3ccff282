"""The largest weights are kept, as a sort finds them."""

import numpy as np
import pytest

from mobilezoo.coreml.compress.sparse import prune


def test_a_quarter_of_the_weights_is_kept():
    weights = np.float16([[0.5, -3.0, 0.0, 1.0], [2.0, -0.25, 1.5, -0.125]])

    kept = prune(weights, 0.25)

    np.testing.assert_array_equal(kept, [[0, 1, 0, 0], [1, 0, 0, 0]])


def test_of_equal_weights_the_first_are_kept():
    np.testing.assert_array_equal(prune(np.float16([1, -1, 2, 1]), 0.5), [1, 0, 1, 0])


def test_zeros_are_not_kept():
    np.testing.assert_array_equal(prune(np.float16([0, -0.0, 2, 0]), 0.75), [0, 0, 1, 0])


@pytest.mark.parametrize("seed", range(60))
def test_it_is_what_a_sort_gives(seed):
    rng = np.random.default_rng(seed)
    weights = (rng.integers(-4, 5, rng.integers(1, 60)) / 2).astype(np.float16)
    density = float(rng.uniform())

    kept = prune(weights, density)

    first = np.argsort(-np.abs(weights), kind="stable")[: round(density * weights.size)]
    expected = np.isin(np.arange(weights.size), first) & (weights != 0)
    np.testing.assert_array_equal(kept, expected)
