"""An `Evaluation` as text: the table, and what to make of it."""

from __future__ import annotations

import csv
import os
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mobilezoo.benchmark.table import columns
from mobilezoo.errors import InvalidArgumentError, OutputExistsError
from mobilezoo.evaluation.table import percent, table

if TYPE_CHECKING:
    from mobilezoo.evaluation import Accuracy, Comparison, Evaluation

_WIDTH = 80
_MOST_CLASSES = 20  # of which all are shown,
_LOWEST = 10  # or else only so many
_CONFUSIONS = 5
_LEFT_OUT = 5


def page(found: Evaluation) -> str:
    """Everything but the whole confusion tables."""
    return "\n".join(_lines(found))


def _lines(found: Evaluation) -> Iterator[str]:
    shown = sum(recall.pictures > 0 for recall in found.files[0].recalls)
    stopped = "" if found.complete else "stopped before the end: "
    yield f"{stopped}{found.pictures:,} pictures of {shown} classes, --crop {found.crop}"
    yield ""
    yield from table(found).splitlines()
    yield ""
    yield from _explained(found)
    for file in found.files:
        if file.not_finite:
            yield from _wrapped(f"{file.name}: NaN for {file.not_finite} pictures, which are wrong")
    yield from _compared(found)
    yield from _recalls(found)
    yield from _confused(found)
    yield from _left_out(found)


def _explained(found: Evaluation) -> Iterator[str]:
    yield from _wrapped("95 % interval: where top-1 would lie on very many such pictures (Wilson)")
    if found.keras is not None:
        yield from _wrapped(
            "same as Keras: pictures with the same first answer; difference: the largest of a "
            "score, relative to the largest score of Keras"
        )
    yield from _wrapped(
        f"pictures/s: of mobilezoo's runtime on this machine ({os.cpu_count()} CPU cores), without "
        "reading and resizing the pictures; a phone's speed is another"
    )


def _compared(found: Evaluation) -> Iterator[str]:
    """Each with the first: Keras, or the first file."""
    if not found.comparisons:
        return
    first = found.comparisons[0].first
    yield ""
    yield f"compared with {first} on the same pictures (McNemar's test)"
    for item in found.comparisons:
        if item.first == first:
            yield from _wrapped(f"{item.second}: {_difference(item)}", "  ")


def _difference(item: Comparison) -> str:
    if not item.only_first + item.only_second:
        return "right on the very same pictures"
    verdict = "more than chance" if item.is_significant else "may be chance"
    value = "p < 0.0001" if item.p_value < 1e-4 else f"p = {item.p_value:.2g}"
    return (
        f"{item.only_first} that it alone has wrong, {item.only_second} that it alone has right: "
        f"{verdict} ({value})"
    )


def _recalls(found: Evaluation) -> Iterator[str]:
    models: list[Accuracy] = list(found.files)
    every = zip(*(model.recalls for model in models), strict=True)
    rows = [row for row in every if row[0].pictures]
    title = "recall by class"
    if len(rows) > _MOST_CLASSES:
        rows = sorted(rows, key=lambda row: row[0].value or 0.0)[:_LOWEST]
        title = f"recall of the {_LOWEST} classes that {models[0].name} recognizes least"
    yield ""
    yield title
    yield from columns(
        [
            ("  class", "pictures", *(model.name for model in models)),
            *(
                (f"  {row[0].label}", f"{row[0].pictures}", *(percent(r.value or 0) for r in row))
                for row in rows
            ),
            ("  mean", "", *(percent(model.mean_recall) for model in models)),
        ]
    ).splitlines()


def _confused(found: Evaluation) -> Iterator[str]:
    if not any(file.confusions for file in found.files):
        return
    yield ""
    yield "most often confused"
    for file in found.files:
        pairs = [
            f"{pair.label} taken for {pair.taken_for} {pair.pictures}x"
            for pair in file.confusions[:_CONFUSIONS]
        ]
        yield from _wrapped(f"{file.name}: {', '.join(pairs) or 'nothing'}", "  ")


def _left_out(found: Evaluation) -> Iterator[str]:
    if not found.left_out:
        return
    yield ""
    yield f"not evaluated: {len(found.left_out)} in the data"
    for item in found.left_out[:_LEFT_OUT]:
        yield f"  {item.path}: {item.reason}"
    if len(found.left_out) > _LEFT_OUT:
        yield f"  and {len(found.left_out) - _LEFT_OUT} more; --json has all"


def _wrapped(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(
        text, _WIDTH, initial_indent=indent, subsequent_indent=f"{indent}  ",
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


def check_csv(path: str | None, *, overwrite: bool) -> None:
    """Refuse, before anything is evaluated, a file that cannot be written.

    Raises:
        InvalidArgumentError: another suffix, or no folder.
        OutputExistsError: something is there and is not to be replaced.
    """
    if path is None:
        return
    target = Path(path).expanduser()
    if target.suffix != ".csv":
        raise InvalidArgumentError(f"--confusion {path}: pass a name that ends in .csv.")
    if not target.parent.is_dir():
        raise InvalidArgumentError(f"Folder '{target.parent}' does not exist. Create it first.")
    if target.exists() and not overwrite:
        raise OutputExistsError(f"'{target}' exists. Pass --overwrite, or choose another name.")


def write_csv(found: Evaluation, path: str) -> None:
    """The confusion table of each file: a row for each class, a column for each answer."""
    with Path(path).expanduser().open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "class", *found.classes])
        for model in found.files:
            for label, row in zip(found.classes, model.confusion.tolist(), strict=True):
                writer.writerow([model.name, label, *row])
