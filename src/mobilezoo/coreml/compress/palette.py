"""The best table of 2 ** bits numbers for a tensor: exact k-means in one dimension.

Clusters are intervals of the sorted values, so k of them are k - 1 cuts. How they are found:

1. The squared error of intervals is Monge: two that overlap cost no more than a wide one and a
   narrow one inside it with the same ends. So of any lists of cuts s and t, min(s[i], t[i]) and
   max(s[i], t[i]) cost together no more than s and t; and if t lies at or above s everywhere,
   neither do min(t[i], s[i + 1]) and max(s[i], t[i - 1]).
2. Hence cuts s that cannot be bettered while each stays between itself and the next cut, nor while
   each stays between the previous cut and itself, cannot be bettered at all. Let t be the lowest
   of the best lists at or above s. The first list of the second pair lies in the box of s and costs
   no less than s; so the second costs no more than t, is best, too, and is t, the lowest. So t[i]
   is s[i] or t[i - 1], which as cuts are distinct means that t is s. Below s it is the same, and
   any other list would by the first pair be no better than s.
3. Each of these boxes is solved by dynamic programming, whose steps are maxima of totally
   monotone matrices. Lloyd's iteration gives cuts to start with; they are moved from box to box
   until neither box betters them.
"""

from __future__ import annotations

import numpy as np

from mobilezoo.graph.node import Array

_PATTERNS = 1 << 16  # of float16
_MINUS_ZERO = 1 << 15
_UNIMPORTANT = 1e-9  # of the mean importance, which every weight has at least
_TINY = 1e-300
_PART = 1 << 20  # weights that are looked up at once
_DENSE = 1 << 14  # entries of a matrix that are computed at once
_LLOYD = 100  # rounds to start with, each a hundredth of a round of boxes


def palette(weights: Array, bits: int, importance: Array | None = None) -> tuple[Array, Array]:
    """The table with the smallest squared error; exact for 2 ** bits distinct weights and less.

    Args:
        weights: of float16, finite, any shape.
        bits: of a code, 1 to 8.
        importance: by which the squared error of each weight is multiplied, not negative, of a
            shape that broadcasts to that of the weights; None: all the same.

    Returns:
        Codes of uint8 in the shape of the weights, and the table, 2 ** bits of float32.
    """
    patterns = np.ascontiguousarray(weights).view(np.uint16).reshape(-1)
    histogram = _histogram(patterns, weights.shape, importance)
    present = np.flatnonzero(histogram).astype(np.uint16)
    present = present[np.argsort(present.view(np.float16))]
    values, masses = present.view(np.float16).astype(np.float64), histogram[present]
    clusters = min(2**bits, len(values))
    edges = np.array([0, *best_cuts(values, masses, clusters), len(values)])
    table = np.zeros(2**bits, np.float32)
    table[:clusters] = _means(_sums(values, masses), edges)
    code_of = np.zeros(_PATTERNS, np.uint8)
    code_of[present] = np.repeat(np.arange(clusters), np.diff(edges))
    code_of[_MINUS_ZERO] = code_of[0]
    codes = np.concatenate([code_of[part] for part in _parts(patterns)])
    return codes.reshape(weights.shape), table


def grouped_palette(
    weights: Array, bits: int, axis: int, size: int, importance: Array | None = None
) -> tuple[Array, Array]:
    """The same with a table for each `size` channels.

    Args:
        weights: of float16, finite, any shape.
        bits: of a code, 1 to 8.
        axis: of the channels.
        size: of a group, a divisor of their number.
        importance: as `palette` takes it.

    Returns:
        Codes of uint8 in the shape of the weights, and (groups, 2 ** bits) of float32.
    """
    groups = weights.shape[axis] // size
    parts = np.split(weights, groups, axis)
    shares: list[Array | None] = [None] * groups
    if importance is not None:
        shares = list(np.split(np.broadcast_to(importance, weights.shape), groups, axis))
    made = [palette(part, bits, share) for part, share in zip(parts, shares, strict=True)]
    return np.concatenate([codes for codes, _ in made], axis), np.stack(
        [table for _, table in made]
    )


def _histogram(patterns: Array, shape: tuple[int, ...], importance: Array | None) -> Array:
    """(2 ** 16,): how often each float16 occurs, or how important these are in all."""
    counts = np.zeros(_PATTERNS, np.int64)
    for part in _parts(patterns):
        counts += np.bincount(part, minlength=_PATTERNS)
    histogram: Array = counts
    if importance is not None:
        shares = np.broadcast_to(importance, shape).reshape(-1)
        histogram = np.zeros(_PATTERNS)
        for part, share in zip(_parts(patterns), _parts(shares), strict=True):
            histogram += np.bincount(part, share, _PATTERNS)
        least = max(float(histogram.sum()), _TINY) * _UNIMPORTANT / max(1, patterns.size)
        histogram = np.maximum(histogram, least * counts)  # what counts for nothing has a code, too
    histogram[0] += histogram[_MINUS_ZERO]
    histogram[_MINUS_ZERO] = 0
    return histogram


def best_cuts(values: Array, masses: Array, clusters: int) -> Array:
    """Where to cut sorted values into clusters with the smallest squared error in all.

    Args:
        values: (n,) of float64, distinct, ascending.
        masses: (n,), by which the squared error of each is multiplied, above 0, such as how often
            it occurs.
        clusters: 1 to n.

    Returns:
        (clusters - 1,): the index of the first value of each cluster but the first.
    """
    n = len(values)
    if clusters in (1, n):
        return np.arange(1, clusters)
    centre = np.average(values, weights=masses)  # smaller squares keep more digits
    sums = _sums(values - centre, masses)
    edges = _lloyd(values - centre, sums, _first_edges(values, masses, clusters))
    best = _gain_of(sums, edges)
    upwards, optimal = True, 0  # boxes in a row that hold nothing better
    while optimal < 2:
        low, high = (edges[1:-1], edges[2:]) if upwards else (edges[:-2], edges[1:-1])
        moved = _best_in_box(sums, low, high)
        gain = _gain_of(sums, moved)
        optimal += 1
        if gain > best:
            edges, best, optimal = moved, gain, 0
        upwards = not upwards
    return edges[1:-1]


def _parts(array: Array) -> list[Array]:
    """Of a length that NumPy can widen to indices without much memory."""
    return [array[start : start + _PART] for start in range(0, len(array), _PART)]


def _first_edges(values: Array, masses: Array, clusters: int) -> Array:
    """Clusters as dense as the cube root of the density of the weights: best for many clusters."""
    widths = np.diff(values)
    mass = np.cbrt((masses[1:] + masses[:-1]) * widths**2)
    total = np.concatenate([[0.0], np.cumsum(mass)])
    cuts = np.searchsorted(total, total[-1] * np.arange(1, clusters) / clusters)
    return _distinct(np.concatenate([[0], cuts, [len(values)]]))


def _distinct(edges: Array) -> Array:
    """Edges moved apart, so that no cluster is empty."""
    steps = np.arange(len(edges))
    upwards = np.maximum.accumulate(edges - steps) + steps
    apart: Array = np.minimum(upwards, edges[-1] - steps[::-1])
    return apart


def _lloyd(values: Array, sums: Array, edges: Array) -> Array:
    """Cuts half-way between the means, again and again."""
    for _ in range(_LLOYD):
        means = _means(sums, edges)
        moved = edges.copy()
        moved[1:-1] = np.searchsorted(values, (means[1:] + means[:-1]) / 2)
        moved = _distinct(moved)
        if np.array_equal(moved, edges):
            break
        edges = moved
    return edges


def _sums(values: Array, masses: Array) -> Array:
    """(2, n + 1): the mass of the weights below each index, and their sum."""
    sums = np.zeros((2, len(values) + 1))
    np.cumsum([masses, masses * values], axis=1, out=sums[:, 1:])
    return sums


def _means(sums: Array, edges: Array) -> Array:
    mass, total = np.diff(sums[:, edges])
    means: Array = total / np.where(mass > 0, mass, 1)
    return means


def _gain_of(sums: Array, edges: Array) -> float:
    """By how much less the squared error is than that of zeros in place of all means."""
    return float(_gains(sums[:, edges[:-1]], sums[:, edges[1:]]).sum())


def _gains(start: Array, end: Array) -> Array:
    """Gain of clusters from `start` to `end`, columns of the sums; none of an empty cluster."""
    mass, total = end - start
    mass += _TINY  # 0 / 0 is 0
    total *= total
    total /= mass
    gains: Array = total
    return gains


def _best_in_box(sums: Array, low: Array, high: Array) -> Array:
    """Edges of the clusters with the largest gain, cut i from low[i] to high[i]."""
    starts, gains, choices = sums[:, :1], np.zeros(1), []
    for first, last in zip(low, high, strict=True):
        ends = sums[:, first : last + 1]
        choice, gains = _best_starts(starts, gains, ends)
        choices.append(choice)
        starts = ends
    choice, _ = _best_starts(starts, gains, sums[:, -1:])
    at = int(choice[0])
    edges = [sums.shape[1] - 1]
    for first, choice in zip(low[::-1], choices[::-1], strict=True):
        edges.append(int(first) + at)
        at = int(choice[at])
    return np.array([0, *edges[::-1]])


def _best_starts(starts: Array, gains: Array, ends: Array) -> tuple[Array, Array]:
    """For each end of a cluster the start with the largest gain up to there, and that gain.

    The best start never moves back while the end moves on, so the middle end halves the others.
    """
    m, n = ends.shape[1], starts.shape[1]
    if m * n <= _DENSE or m == 1:
        total = _gains(starts[:, None, :], ends[:, :, None])
        total += gains
        choice = total.argmax(axis=1)
        return choice, total[np.arange(m), choice]
    half = m // 2
    (at,), _ = _best_starts(starts, gains, ends[:, half : half + 1])
    before = _best_starts(starts[:, : at + 1], gains[: at + 1], ends[:, :half])
    after = _best_starts(starts[:, at:], gains[at:], ends[:, half:])
    return np.concatenate([before[0], after[0] + at]), np.concatenate([before[1], after[1]])
