"""Tables that are best for the weights that count, and tables of groups of channels."""

from itertools import combinations

import numpy as np
import pytest

from mobilezoo.coreml.compress.palette import grouped_palette, palette

RNG = np.random.default_rng(11)


def error(weights, importance, codes, table):
    return float((importance * (weights.astype(np.float64) - table[codes]) ** 2).sum())


def least_error(weights, importance, clusters):
    """Over all cuts of the sorted weights."""
    order = np.argsort(weights)
    values, shares = weights[order].astype(np.float64), importance[order]
    least = np.inf
    for cuts in combinations(range(1, len(values)), clusters - 1):
        total = 0.0
        for part in np.split(np.arange(len(values)), cuts):
            if shares[part].sum() > 0:
                mean = np.average(values[part], weights=shares[part])
                total += float((shares[part] * (values[part] - mean) ** 2).sum())
        least = min(least, total)
    return least


def test_an_important_weight_has_an_entry_of_its_own():
    weights = np.float16([0, 1, 2.5, 3])

    codes, table = palette(weights, 1, np.array([0.01, 0.01, 0.98, 1000]))

    np.testing.assert_array_equal(palette(weights, 1)[0], [0, 0, 1, 1])
    np.testing.assert_array_equal(codes, [0, 0, 0, 1])
    np.testing.assert_allclose(table, [2.46, 3])


@pytest.mark.parametrize("seed", range(40))
def test_no_other_cuts_are_better(seed):
    rng = np.random.default_rng(seed)
    weights = np.unique(rng.normal(size=11).astype(np.float16))
    importance = rng.exponential(size=weights.size) ** 3

    codes, table = palette(weights, 2, importance)

    least = least_error(weights, importance, 4)
    np.testing.assert_allclose(error(weights, importance, codes, table), least, rtol=1e-5)


def test_importance_of_input_channels_is_spread_over_the_kernel():
    weights = RNG.normal(size=(6, 4, 3, 3)).astype(np.float16)
    channels = RNG.uniform(0.1, 3, (1, 4, 1, 1))

    codes, table = palette(weights, 3, channels)

    spread = np.broadcast_to(channels, weights.shape)
    expected = palette(weights.reshape(-1), 3, spread.reshape(-1))
    np.testing.assert_array_equal(codes.reshape(-1), expected[0])
    np.testing.assert_array_equal(table, expected[1])
    plain = palette(weights, 3)
    assert error(weights, spread, codes, table) < error(weights, spread, *plain)


def test_what_counts_for_nothing_still_has_the_nearest_entry():
    weights = np.float16([-1, -0.9, 0.1, 0.9, 1])

    codes, table = palette(weights, 1, np.array([1, 1, 0, 1, 1]))

    np.testing.assert_allclose(table, [-0.95, 0.95], atol=1e-3)
    assert codes.tolist() == [0, 0, 1, 1, 1]
    everything = palette(weights, 1, np.zeros(5))
    np.testing.assert_array_equal(everything[0], palette(weights, 1)[0])


@pytest.mark.parametrize("axis", [0, 1])
def test_each_group_of_channels_has_the_best_table_of_its_own(axis):
    weights = RNG.normal(size=(6, 8, 3, 2)).astype(np.float16)
    importance = RNG.uniform(0.1, 2, (6, 8, 1, 1))

    codes, tables = grouped_palette(weights, 2, axis, 2, importance)

    assert tables.shape == (weights.shape[axis] // 2, 4)
    for group in range(len(tables)):
        part = [slice(None)] * 4
        part[axis] = slice(2 * group, 2 * group + 2)
        alone = palette(weights[tuple(part)], 2, importance[tuple(part)])
        np.testing.assert_array_equal(codes[tuple(part)], alone[0])
        np.testing.assert_array_equal(tables[group], alone[1])
