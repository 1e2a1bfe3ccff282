"""An `Evaluation` as a table: what each file costs, and what it reaches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mobilezoo.benchmark.table import columns, megabytes

if TYPE_CHECKING:
    from mobilezoo.evaluation.accuracy import Accuracy, FileEvaluation
    from mobilezoo.evaluation.record import Evaluation


def table(evaluation: Evaluation) -> str:
    """A line for each file, after one for the Keras model; what nobody has is no column."""
    rows = [] if evaluation.keras is None else [_accuracy(evaluation.keras)]
    rows += [_accuracy(file) | _file(file) for file in evaluation.files]
    if any(file.arithmetic != "float32" for file in evaluation.files):
        for row, file in zip(rows[-len(evaluation.files) :], evaluation.files, strict=True):
            row["arithmetic"] = file.arithmetic
    titles = [
        title
        for title in (
            "file", "precision", "arithmetic", "size", "top-1", "95 % interval", "top-5",
            "same as Keras", "difference", "pictures/s",
        )
        if any(title in row for row in rows)
    ]  # fmt: skip
    return columns([titles, *([row.get(title, "") for title in titles] for row in rows)])


def percent(share: float) -> str:
    """0.8125 -> "81.2 %"."""
    return f"{100 * share:.1f} %"


def _accuracy(found: Accuracy) -> dict[str, str]:
    low, high = found.top1_interval
    cells = {
        "file": found.name,
        "top-1": percent(found.top1),
        "95 % interval": f"{100 * low:.1f} to {percent(high)}",
    }
    return cells if found.top5 is None else cells | {"top-5": percent(found.top5)}


def _file(found: FileEvaluation) -> dict[str, str]:
    cells = {
        "precision": found.precision,
        "size": megabytes(found.size_bytes),
        "pictures/s": f"{found.pictures_per_second:.0f}",
    }
    if found.agreement is None:
        return cells
    return cells | {
        "same as Keras": percent(found.agreement.top1),
        "difference": f"{100 * found.agreement.largest_difference:.2g} %",
    }
