"""A package within a budget: planned, written, and measured as it was saved."""

from __future__ import annotations

import logging
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from mobilezoo.coreml.compress.budget import Budget
from mobilezoo.coreml.compress.choice import names_of
from mobilezoo.coreml.compress.drift import Drift
from mobilezoo.coreml.compress.knapsack import Point
from mobilezoo.coreml.compress.package import OpenedPackage, open_weights, write_compressed
from mobilezoo.coreml.compress.plan import Plan
from mobilezoo.coreml.package import annotate
from mobilezoo.coreml.precision import MIXED
from mobilezoo.errors import InvalidArgumentError
from mobilezoo.runtime.package import ModelFile
from mobilezoo.runtime.program import load_coreml

MEASURED = "com.mobilezoo.drift"  # key of the metadata
_MOST_TRIES = 12
_STEPS = 12  # halvings of the range of sizes
_UNIT = 64  # bytes, of which a knapsack's sizes are multiples
_STRICTER = 0.99  # limits of the next try, where the saved file is just above one

_log = logging.getLogger("mobilezoo")


def write_within(file: ModelFile, folder: Path, budget: Budget) -> Any:
    """Write a package in the best mix of precisions; return the specification.

    Args:
        file: in float16 or float32.
        folder: to be made.
        budget: what it may cost.

    Raises:
        InvalidArgumentError: a budget that no mix keeps, or data that the file does not take.
    """
    precisions = budget.members()
    opened = open_weights(file)
    plan = Plan(
        opened, budget.data, budget.examples, precisions, budget.optimize,
        repaired=budget.repair, weighed=budget.weigh,
    )  # fmt: skip
    if budget.min_agreement is not None and not plan.bench.tells_classes:
        raise InvalidArgumentError(
            "Budget: min_agreement= is for files that end in a softmax over classes; this one does "
            "not. Pass max_error=."
        )
    writing = _Writing(opened, plan, folder)
    if budget.max_error is None and budget.min_agreement is None:
        found = _within_size(writing, budget)
    else:
        found = _within_error(writing, budget)
    _log.info("%s: %s", file.path.name, in_words(found, plan.bench.count))
    return writing.model


class _Writing:
    """Writes one mix after the other into the same folder."""

    def __init__(self, opened: OpenedPackage, plan: Plan, folder: Path) -> None:
        self.plan = plan
        self.model: Any = None
        self._opened, self._folder = opened, folder

    def write(self, point: Point) -> int:
        """Write a mix; return the bytes of the package."""
        shutil.rmtree(self._folder, ignore_errors=True)
        chosen = self.plan.chosen(point)
        mixed, measured = names_of(chosen.values()), self.plan.measured(point)
        self.model = write_compressed(self._opened, chosen, mixed, self._folder, measured)
        self._say(Drift(0.1234, 0.0, 1.0, 0.0))  # as long as what will stand there
        return sum(item.stat().st_size for item in self._folder.rglob("*") if item.is_file())

    def measure(self) -> Drift:
        """Run the saved file, and write down how far it is from the one it was made from."""
        found = self.plan.bench.drift_of(load_coreml(self._folder))
        self._say(found)
        return found

    def _say(self, found: Drift) -> None:
        annotate(self.model, self._folder, MEASURED, in_words(found, self.plan.bench.count))


def _within_size(writing: _Writing, budget: Budget) -> Drift:
    """The mix of least cost that is not too large once it is saved.

    How large a file becomes is known to a few hundred bytes: what is written tells the rest.
    """
    most = budget.max_size_bytes
    assert most is not None
    limit, fits, beyond = most, None, None  # limits of the plan
    for _ in range(_MOST_TRIES):
        point = writing.plan.within(limit)
        size = writing.plan.largest if point is None else writing.write(point)
        if point is not None and size <= most:
            fits, last = limit, point
            limit = limit + most - size if beyond is None else (limit + beyond) // 2
            if writing.plan.within(limit) == point:
                break
        else:
            beyond = limit
            if fits is None and point is None:
                raise InvalidArgumentError(
                    f"No mix of {names_of(budget.members()).removeprefix(MIXED)} is within {most} "
                    f"bytes; the smallest has about {writing.plan.smallest}. Allow precisions of "
                    "fewer bits."
                )
            limit = limit - (size - most) - _UNIT if fits is None else (fits + limit) // 2
    if fits is None:
        raise InvalidArgumentError(f"{budget}: what was planned is larger once it is saved.")
    if beyond is not None:
        writing.write(last)
    return writing.measure()


def _within_error(writing: _Writing, budget: Budget) -> Drift:
    """The smallest mix that keeps to the limits once it is saved."""
    tried = budget
    for _ in range(_MOST_TRIES):
        point = _smallest(writing.plan, tried)
        size = writing.write(point)
        if budget.max_size_bytes is not None and size > budget.max_size_bytes:
            raise InvalidArgumentError(
                f"{budget}: the smallest file that keeps to the error has {size} bytes. Allow more "
                "of one or the other."
            )
        found = writing.measure()
        if _keeps(found, budget):
            return found
        tried = _stricter(tried)
    raise InvalidArgumentError(f"{budget}: no mix that was planned keeps it once it is saved.")


def in_words(found: Drift, count: int) -> str:
    """Such as "error 0.012, same first class for 98 % of 64 examples"."""
    same = "" if found.agreement is None else f", same first class for {found.agreement:.1%}"
    return f"error {found.error:.3g}{same} of {count} examples"


def _smallest(plan: Plan, budget: Budget) -> Point:
    """The smallest mix that keeps to the limits, halving the range of sizes again and again."""
    low, high = plan.smallest, plan.largest
    best = plan.within(high)
    assert best is not None  # all layers as they are
    for _ in range(_STEPS):
        middle = int((low * high) ** 0.5)
        point = plan.within(middle)
        if point is not None and _keeps(plan.drift(point), budget):
            best, high = point, middle
        else:
            low = middle
    return best


def _keeps(found: Drift, budget: Budget) -> bool:
    near = budget.max_error is None or found.error <= budget.max_error
    same = budget.min_agreement is None or (found.agreement or 0.0) >= budget.min_agreement
    return near and same


def _stricter(tried: Budget) -> Budget:
    """Limits for another try."""
    error = None if tried.max_error is None else tried.max_error * _STRICTER
    same = None
    if tried.min_agreement is not None:
        same = min(1.0, tried.min_agreement + (1 - _STRICTER))
    return replace(tried, max_error=error, min_agreement=same)
