"""Intervals and tests against the papers' tables and sums by hand."""

import math
from fractions import Fraction

import pytest

from mobilezoo.evaluation.statistics import mcnemar_p_value, wilson_interval


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [  # Newcombe, "Two-sided confidence intervals for the single proportion", 1998, Table I, 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_intervals_are_newcombes(successes, trials, low, high):
    found = wilson_interval(successes, trials)

    assert [round(end, 4) for end in found] == [low, high]


def test_an_interval_of_failures_mirrors_that_of_successes():
    low, high = wilson_interval(19, 29)

    assert wilson_interval(10, 29) == (pytest.approx(1 - high), pytest.approx(1 - low))


def test_an_interval_ends_at_0_and_at_1():
    lows = [wilson_interval(0, trials)[0] for trials in range(1, 1000)]
    highs = [wilson_interval(trials, trials)[1] for trials in range(1, 1000)]

    assert 0 <= min(lows) <= max(lows) < 1e-15
    assert 1 - 1e-15 < min(highs) <= max(highs) <= 1
    assert wilson_interval(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("only_first", "only_second", "expected"),
    [
        (1, 9, Fraction(2 * (1 + 10), 2**10)),
        (9, 1, Fraction(2 * (1 + 10), 2**10)),
        (0, 5, Fraction(2, 2**5)),
        (4, 4, Fraction(1)),
        (0, 0, Fraction(1)),
        (2, 6, Fraction(2 * (1 + 8 + 28), 2**8)),
    ],
)
def test_mcnemar_is_twice_the_tail_of_fair_coins(only_first, only_second, expected):
    assert mcnemar_p_value(only_first, only_second) == pytest.approx(float(expected), rel=1e-12)


def test_mcnemar_stays_exact_for_many_pictures():
    tail = Fraction(sum(math.comb(4100, i) for i in range(2001)), 2**4099)  # twice

    assert mcnemar_p_value(2000, 2100) == pytest.approx(float(tail), rel=1e-9)
    assert mcnemar_p_value(10, 50_000) == 0.0
