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
from mobilezoo.coreml.compress.package import open_weights, write_compressed
from mobilezoo.coreml.compress.plan import Plan
from mobilezoo.coreml.package import annotate
from mobilezoo.errors import InvalidArgumentError
from mobilezoo.runtime.package import ModelFile
from mobilezoo.runtime.program import load_coreml

MEASURED = "com.mobilezoo.drift"  # key of the metadata
_MOST_TRIES = 12
_STEPS = 12  # halvings of the range of sizes
_UNIT = 64  # bytes, of which a knapsack's sizes are multiples
_ROOM = 0.002  # of the size, which may be left
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
        opened, budget.data, budget.examples, precisions, budget.optimize, repaired=budget.repair
    )
    if budget.min_agreement is not None and not plan.bench.tells_classes:
        raise InvalidArgumentError(
            "Budget: min_agreement= is for files that end in a softmax over classes; this one does "
            "not. Pass max_error=."
        )
    tried = budget
    for attempt in range(_MOST_TRIES):
        point = _best(plan, tried)
        chosen = plan.chosen(point)
        mixed = names_of(chosen.values())
        model = write_compressed(opened, chosen, mixed, folder, plan.biases(point))
        found = plan.bench.drift_of(load_coreml(folder))
        annotate(model, folder, MEASURED, in_words(found, plan.bench.count))
        size = _bytes(folder)
        stricter = _stricter(tried, budget, size, found)
        if stricter is None and attempt == 0:
            stricter = _wider(budget, size)
        if stricter is None:
            _log.info("%s: %s", file.path.name, in_words(found, plan.bench.count))
            return model
        tried = stricter
        shutil.rmtree(folder)
    raise InvalidArgumentError(f"{budget}: no mix that was planned keeps it once it is saved.")


def in_words(found: Drift, count: int) -> str:
    """Such as "error 0.012, same first class for 98 % of 64 examples"."""
    same = "" if found.agreement is None else f", same first class for {found.agreement:.1%}"
    return f"error {found.error:.3g}{same} of {count} examples"


def _best(plan: Plan, budget: Budget) -> Point:
    """The mix to write, as far as can be told before."""
    most = budget.max_size_bytes
    if budget.max_error is None and budget.min_agreement is None:
        assert most is not None
        point = plan.within(most)
        if point is None:
            raise InvalidArgumentError(
                f"No mix of {', '.join(item.name for item in budget.members())} is within {most} "
                f"bytes; the smallest has about {plan.smallest}. Allow precisions of fewer bits."
            )
        return point
    point = _smallest(plan, budget)
    if most is not None and plan.file_bytes(point) > most:
        raise InvalidArgumentError(
            f"{budget}: the smallest file that keeps to the error has about "
            f"{plan.file_bytes(point)} bytes. Allow more of one or the other."
        )
    return point


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


def _stricter(tried: Budget, asked: Budget, size: int, found: Drift) -> Budget | None:
    """Limits for another try; None where the saved file keeps to those that were asked for."""
    most = asked.max_size_bytes
    if most is not None and size > most:
        assert tried.max_size_bytes is not None
        return replace(tried, max_size_bytes=tried.max_size_bytes - (size - most) - _UNIT)
    if _keeps(found, asked):
        return None
    error = None if tried.max_error is None else tried.max_error * _STRICTER
    same = None
    if tried.min_agreement is not None:
        same = min(1.0, tried.min_agreement + (1 - _STRICTER))
    return replace(tried, max_error=error, min_agreement=same)


def _wider(asked: Budget, size: int) -> Budget | None:
    """A size that is used up better, where the first try left room; None where it did not."""
    most = asked.max_size_bytes
    by_size = asked.max_error is None and asked.min_agreement is None and most is not None
    if not by_size or most is None or most - size < _ROOM * most:
        return None
    return replace(asked, max_size_bytes=most + (most - size))


def _bytes(folder: Path) -> int:
    return sum(item.stat().st_size for item in folder.rglob("*") if item.is_file())
