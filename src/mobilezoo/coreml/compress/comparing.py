"""What each precision costs: one table of a network, every file written, saved and run."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
from coremltools.models import MLModel
from tqdm.auto import tqdm

from mobilezoo.coreml.compress.budget import Budget
from mobilezoo.coreml.compress.choice import find_precisions, members, precision_name
from mobilezoo.coreml.compress.compressing import Given, compress_coreml
from mobilezoo.coreml.compress.examples import MOST
from mobilezoo.coreml.compress.sensitivity import Bench
from mobilezoo.coreml.export import export_coreml
from mobilezoo.coreml.precision import W8A8
from mobilezoo.errors import InvalidArgumentError
from mobilezoo.runtime.program import load_coreml

USUAL = ("float32", "float16", "int8", "palette8", "palette6", "palette4", "palette2")
_WHOLE = ("float32", "float16")
_HEADER = ("precision", "MB", "ratio", "largest error", "error", "same top-1", "runs from")


@dataclass(frozen=True)
class PrecisionRow:
    """One precision of a network.

    Attributes:
        precision: its name.
        size_bytes: of the package.
        ratio: of the size to that of the first row.
        largest_error: difference of an output from the reference, over the largest output there.
        error: root of the mean squared difference, over that of the outputs themselves; of a
            classifier both are of the scores before the softmax.
        top1_agreement: share of the examples with the reference's first class; None where there
            are no classes.
        minimum_os: such as "iOS16".
    """

    precision: str
    size_bytes: int
    ratio: float
    largest_error: float
    error: float
    top1_agreement: float | None
    minimum_os: str


@dataclass(frozen=True)
class PrecisionTable:
    """What `compare_precisions` measured.

    Attributes:
        rows: in the order in which precisions were asked for.
        examples: on which they were run.
    """

    rows: tuple[PrecisionRow, ...]
    examples: int

    def to_markdown(self) -> str:
        """The table in Markdown."""
        return "\n".join(
            f"| {' | '.join(cells)} |"
            for cells in (_HEADER, ["---"] * len(_HEADER), *self._cells())
        )

    def __str__(self) -> str:
        """The table in columns."""
        lines = [_HEADER, *self._cells()]
        widths = [max(len(line[i]) for line in lines) for i in range(len(_HEADER))]
        return "\n".join(
            "  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip()
            for line in lines
        )

    def _cells(self) -> list[tuple[str, ...]]:
        return [
            (
                row.precision, f"{row.size_bytes / 1e6:.2f}", f"{row.ratio:.3f}",
                f"{row.largest_error:.2%}", f"{row.error:.2%}",
                "" if row.top1_agreement is None else f"{row.top1_agreement:.1%}", row.minimum_os,
            )
            for row in self.rows
        ]  # fmt: skip


def compare_precisions(
    model: keras.Model | str | os.PathLike[str] | MLModel,
    data: Any,
    *,
    precisions: Sequence[Given] = USUAL,
    examples: int = MOST,
    **options: Any,
) -> PrecisionTable:
    """Write a network in several precisions, run every file, and compare the answers.

    Args:
        model: a Keras model, which is compared with its export in float32, or the path of a
            .mlpackage (or an `MLModel` of one), which is compared with itself.
        data: examples as the file takes them: pictures 0..255 as (n, height, width, channels), a
            list of PIL pictures, arrays, a dictionary of these by input names, or batches of all
            of that.
        precisions: as `export_coreml` takes them; "w8a8" is measured on the same examples.
        examples: how many are used.
        options: further arguments of `export_coreml`, such as `preprocessing`, for a Keras model.

    Returns:
        A table of bytes, errors, agreement and systems; nothing is kept of the files.

    Raises:
        InvalidArgumentError: an argument that cannot be used.
    """
    if isinstance(precisions, str) or not precisions:
        raise InvalidArgumentError(f"precisions={precisions!r} must be a list of precisions.")
    for item in precisions:
        find_precisions(item)
    rows: list[PrecisionRow] = []
    with tempfile.TemporaryDirectory() as folder:
        source, reference = _sources(model, Path(folder), options)
        bench = Bench(load_coreml(reference), data, examples)
        both = W8A8(bench.inputs, examples)
        wanted = [both if isinstance(item, str) and item == "w8a8" else item for item in precisions]
        for item in tqdm(wanted, "comparing precisions", leave=False, disable=None):
            path = Path(folder) / "compared.mlpackage"
            if isinstance(model, keras.Model) and item in _WHOLE:
                path = reference if item == "float32" else source
            elif not _is_compressed(item):
                path = source
            else:
                compress_coreml(source, path, precision=item, overwrite=True)
            rows.append(_row(bench, path, item, rows))
        return PrecisionTable(tuple(rows), bench.count)


def _sources(model: Any, folder: Path, options: dict[str, Any]) -> tuple[Path, Path]:
    """What is compressed, and what everything is compared with."""
    if not isinstance(model, keras.Model):
        if options:
            raise InvalidArgumentError(
                f"{', '.join(options)}: options are for the export of a Keras model; a file is as "
                "it is."
            )
        path = Path(load_coreml(model).path)
        return path, path
    paths = [folder / f"{name}.mlpackage" for name in ("float16", "float32")]
    for path in paths:
        export_coreml(model, path, precision=path.stem, **options)
    return paths[0], paths[1]


def _is_compressed(item: Given) -> bool:
    return isinstance(item, Budget) or any(
        member.is_compressed for member in members(find_precisions(item))
    )


def _row(bench: Bench, path: Path, item: Given, before: Sequence[PrecisionRow]) -> PrecisionRow:
    program = load_coreml(path)
    found = bench.drift_of(program)
    size = sum(each.stat().st_size for each in path.rglob("*") if each.is_file())
    named = program.metadata.user_defined.get("com.mobilezoo.precision")
    return PrecisionRow(
        named or precision_name(find_precisions(item)), size,
        size / (before[0].size_bytes if before else size), found.largest, found.error,
        found.agreement, program.metadata.minimum_os,
    )  # fmt: skip
