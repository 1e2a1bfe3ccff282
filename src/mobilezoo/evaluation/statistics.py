"""What a share measured on few pictures tells, and whether two shares differ by more than chance.

Sources: Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22
(1927); McNemar, "Note on the sampling error of the difference between correlated proportions",
Psychometrika 12 (1947), here with the exact binomial distribution.
"""

from __future__ import annotations

import math

_Z95 = 1.959963984540054  # of the normal distribution: 95 % lie within


def wilson_interval(successes: int, trials: int) -> tuple[float, float]:
    """The 95 % confidence interval of a share; (0, 1) where nothing was tried."""
    if trials == 0:
        return 0.0, 1.0
    share, z2 = successes / trials, _Z95**2 / trials
    middle = (share + z2 / 2) / (1 + z2)
    half = math.sqrt(share * (1 - share) * z2 + z2**2 / 4) / (1 + z2)
    return middle - half, min(1.0, middle + half)  # rounding may lead above 1


def mcnemar_p_value(only_first: int, only_second: int) -> float:
    """How likely a difference as large is by chance, of two that answered the same pictures.

    Pictures that both have right, or both wrong, say nothing about it. Of the others each is
    equally likely to be either's if the two are equally good; both sides are counted.

    Args:
        only_first: pictures that the first alone has right.
        only_second: pictures that the second alone has right.
    """
    trials, fewer = only_first + only_second, min(only_first, only_second)
    tail = math.fsum(math.exp(_log_choose(trials, i) - trials * math.log(2)) for i in range(fewer))
    last = math.exp(_log_choose(trials, fewer) - trials * math.log(2))
    return min(1.0, 2 * (tail + last))


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
