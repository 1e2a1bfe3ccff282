"""The tables that `export.py` prints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from _measure import Cost


class Result(NamedTuple):
    """What one route cost, the bytes that it wrote, and a note: the source, or why it failed."""

    cost: Cost | None
    written: int
    note: str = ""


Results = Mapping[str, Result]

HEAD = (
    "model", "mobilezoo", "written", "peak / written", "limit", "x limit",
    "coremltools, Keras", "speed", "memory", "coremltools, torch", "speed", "memory",
)  # fmt: skip


def aligned(results: Results) -> str:
    """One model: a line for each route, its ratios to the limit and to ours."""
    ours, limit = results["mobilezoo"].cost, results.get("limit", Result(None, 0)).cost
    lines = [
        f"  {'route':10} {'seconds':>9} {'spread':>15} {'peak':>9} {'written':>9} "
        "peak/written time/limit time/ours peak/ours"
    ]
    for route, (cost, written, note) in results.items():
        if cost is None:
            lines.append(f"  {route:10} {'-':>9} {note}")
            continue
        low, high = cost.spread
        ratios = [
            f"{cost.extra_bytes / written:12.2f}",
            f"{cost.seconds / limit.seconds:10.1f}" if limit else f"{'-':>10}",
            f"{cost.seconds / ours.seconds:9.1f}" if ours else f"{'-':>9}",
            f"{cost.extra_bytes / ours.extra_bytes:9.1f}" if ours else f"{'-':>9}",
        ]
        lines.append(
            f"  {route:10} {cost.seconds:7.2f} s {f'{low:.2f} - {high:.2f}':>15} "
            f"{cost.extra_bytes / 1e6:6.0f} MB {written / 1e6:6.1f} MB "
            f"{' '.join(ratios)}   {note}".rstrip()
        )
    return "\n".join(lines)


def markdown(models: Mapping[str, Results]) -> str:
    """All models, a row for each of our two formats, for RESULTS.md."""
    rows = []
    for model, results in models.items():
        rows.append([f"{model} .mlpackage", *_cells(results, "mobilezoo", ("keras", "torch"))])
        if "mlmodel" in results:
            rows.append([f"{model} .mlmodel", *_cells(results, "mlmodel", ())])
    lines = [f"| {' | '.join(row)} |" for row in (HEAD, *rows)]
    return "\n".join([lines[0], "|---" * len(HEAD) + "|", *lines[1:]])


def _cells(results: Results, ours: str, others: tuple[str, ...]) -> list[str]:
    """Our figures, and the ratios to those of the other routes."""
    cost, written, note = results[ours]
    if cost is None:
        return [note, *[""] * (len(HEAD) - 2)]
    cells = [_figures(cost), f"{written / 1e6:.1f} MB", f"{cost.extra_bytes / written:.2f}"]
    limit = results["limit"].cost if "limit" in results else None
    cells += (
        [f"{limit.seconds:.2f} s", f"{cost.seconds / limit.seconds:.1f}"] if limit else ["", ""]
    )
    for other in others:
        theirs = results.get(other, Result(None, 0, "not run"))
        if theirs.cost is None:
            cells += [theirs.note, "", ""]
            continue
        cells += [
            _figures(theirs.cost),
            f"{theirs.cost.seconds / cost.seconds:.1f} x",
            f"{100 * cost.extra_bytes / theirs.cost.extra_bytes:.0f} %",
        ]
    return cells + [""] * (len(HEAD) - 1 - len(cells))


def _figures(cost: Cost) -> str:
    return f"{cost.seconds:.2f} s, {cost.extra_bytes / 1e6:,.0f} MB"
