"""Limits that a network keeps to, or misses by so much."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

from mobilezoo.errors import InvalidArgumentError
from mobilezoo.finding.candidates import Candidate
from mobilezoo.finding.hosted import hosted

_LEAST = 10_000  # bytes, mult-adds, parameters: every network has more
_COUNTED = {"size_bytes": ("bytes", "MB"), "mult_adds": ("mult-adds", "M"),
            "parameters": ("parameters", "M")}  # fmt: skip


class Missed(NamedTuple):
    """By what and by which part of it a limit is missed."""

    reason: str
    distance: float


class Limit(NamedTuple):
    """A limit in words, and a function that says whether a network misses it."""

    words: str
    missed_by: Callable[[Candidate], Missed | None]


def at_most(
    limit: float | None,
    attribute: str,
    unit: Callable[[int], str],
    what: str = "",
    verb: str = "are",
) -> Iterator[Limit]:
    """No limit for None, else one on a candidate's attribute.

    Args:
        limit: as the user gave it.
        attribute: of the candidate; the argument is called "max_" and that.
        unit: prints a number of its kind.
        what: follows the number, such as " mult-adds".
        verb: "is" or "are".

    Raises:
        InvalidArgumentError: not a positive number, or so few that millions must be meant.
    """
    if limit is None:
        return
    _check_positive(f"max_{attribute}", limit)
    if limit < _LEAST:
        counted, million = _COUNTED[attribute]
        raise InvalidArgumentError(
            f"max_{attribute}={limit:g} is in {counted}, and every network has more: pass "
            f"{limit:g}e6 for {limit:g} {million}."
        )

    def missed_by(candidate: Candidate) -> Missed | None:
        value = getattr(candidate, attribute)
        if value <= limit:
            return None
        shown, most = unit(value), unit(round(limit))
        if shown == most:
            shown, most = f"{value:,}", f"{limit:,.0f}"
        return Missed(f"{shown}{what} {verb} over {most}", value / limit - 1)

    yield Limit(f"at most {unit(round(limit))}{what}", missed_by)


def at_least(top1: float | None) -> Iterator[Limit]:
    """No limit for None, else one on the published top-1 accuracy, in percent.

    Raises:
        InvalidArgumentError: not in percent.
    """
    if top1 is None:
        return
    _check_positive("min_top1", top1)
    if not 1 <= top1 <= 100:
        raise InvalidArgumentError(f"min_top1={top1} is in percent: pass 65 for 65 %.")

    def missed_by(candidate: Candidate) -> Missed | None:
        if candidate.top1 is None:
            return Missed("no accuracy is published", math.inf)
        if candidate.top1 >= top1:
            return None
        return Missed(f"{candidate.top1} % top-1 is under {top1:g} %", 1 - candidate.top1 / top1)

    yield Limit(f"at least {top1:g} % top-1", missed_by)


def is_published(candidate: Candidate) -> Missed | None:
    """Whether weights="imagenet" takes pictures of this size, or was measured on such."""
    if candidate.weights == "imagenet":
        return None
    if candidate.weights == "torchvision":
        return Missed("weights='imagenet' is another file; torchvision has a checkpoint", math.inf)
    if hosted(candidate.name, candidate.options, include_top=True):
        return Missed(f"no weights are published for {candidate.input_shape[0]} px", math.inf)
    return Missed("no weights are published", math.inf)


def _check_positive(argument: str, value: float) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < math.inf:
        raise InvalidArgumentError(f"{argument}={value!r} must be a number greater than 0.")
