"""Magnitude pruning: which weights are kept.

Small weights add little to a sum, so the smallest go (Han et al. 2015, "Learning both Weights and
Connections", section 3.1: "all connections with weights below a threshold are removed").
"""

from __future__ import annotations

import numpy as np

from mobilezoo.graph.node import Array

_MAGNITUDE = 0x7FFF  # bits of a float16 without its sign, which are in the order of magnitudes


def prune(weights: Array, density: float) -> Array:
    """Where the largest weights are: round(density * n) of them, none that is zero.

    Of equal magnitudes the first in the order of the array are kept.

    Args:
        weights: float16, finite, any shape.
        density: share of the weights that is kept, 0 to 1.

    Returns:
        bool, in the shape of the weights.
    """
    magnitudes = weights.reshape(-1).view(np.uint16) & _MAGNITUDE
    wanted = round(density * magnitudes.size)
    counts = np.bincount(magnitudes, minlength=_MAGNITUDE + 1)
    counts[0] = 0  # zeros are zeros, kept or not
    above = counts[::-1].cumsum()[::-1]  # how many are as large, or larger
    if wanted >= above[1]:
        return (magnitudes > 0).reshape(weights.shape)
    smallest = int(np.searchsorted(-above, -wanted, side="right")) - 1
    kept = magnitudes > smallest
    missing = wanted - int(kept.sum())
    kept[np.flatnonzero(magnitudes == smallest)[:missing]] = True
    return kept.reshape(weights.shape)
