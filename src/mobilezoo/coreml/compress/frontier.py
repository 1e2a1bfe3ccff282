"""Size against error: the best mixes of precisions of a file, one for each size."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mobilezoo.coreml.compress.budget import OBJECTIVES, USUAL, find_members
from mobilezoo.coreml.compress.package import open_weights
from mobilezoo.coreml.compress.plan import Plan
from mobilezoo.errors import InvalidArgumentError, MissingExtraError
from mobilezoo.runtime.package import read_model

if TYPE_CHECKING:
    from coremltools.models import MLModel

_POINTS = 24  # of a table
_AS_IT_IS = "float16"


@dataclass(frozen=True)
class FrontierPoint:
    """The best mix of a size.

    Attributes:
        size_bytes: of the package, to a few hundred bytes.
        error: of the outputs, as `Budget` has it, measured with all layers in their precisions.
        precisions: of the layers, by their names in the file: pass it as `precision=`.
    """

    size_bytes: int
    error: float
    precisions: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True)
class Frontier:
    """What `compression_frontier` found.

    Attributes:
        points: the best mixes, the smallest first.
        uniform: precision -> size and measured error of all layers in that one.
        optimize: what the mixes make small.
    """

    points: tuple[FrontierPoint, ...]
    uniform: Mapping[str, tuple[int, float]]
    optimize: str

    def within(self, max_size_bytes: int) -> FrontierPoint:
        """The best mix of at most that size.

        Raises:
            InvalidArgumentError: all are larger.
        """
        fitting = [point for point in self.points if point.size_bytes <= max_size_bytes]
        if not fitting:
            raise InvalidArgumentError(
                f"No mix is within {max_size_bytes} bytes; the smallest has "
                f"{self.points[0].size_bytes}. Allow precisions of fewer bits."
            )
        return fitting[-1]

    def to_markdown(self) -> str:
        """A table: size, error, and how many layers are in each precision."""
        names = list(dict.fromkeys(name for p in self.points for name in p.precisions.values()))
        names.sort(key=lambda name: (len(name), name), reverse=True)
        rows = [["MB", "error", *names], ["---"] * (2 + len(names))]
        for point in self.points:
            taken = list(point.precisions.values())
            counts = [str(taken.count(name) or "") for name in names]
            rows.append([f"{point.size_bytes / 1e6:.2f}", f"{point.error:.4g}", *counts])
        for name, (size, error) in self.uniform.items():
            rows.append([f"{size / 1e6:.2f}", f"{error:.4g}", f"all {name}"])
        return "\n".join(f"| {' | '.join(row)} |" for row in rows)

    def plot(self, path: str | os.PathLike[str]) -> None:
        """Draw size against error; the suffix chooses png, svg or pdf.

        Raises:
            MissingExtraError: matplotlib is not installed.
        """
        try:
            from matplotlib.figure import Figure
        except ImportError as missing:
            raise MissingExtraError(
                'Plots need matplotlib: pip install "mobilezoo[plot]".'
            ) from missing
        figure = Figure(figsize=(7, 4.5), layout="constrained")
        axes = figure.subplots()
        shown = [point for point in self.points if point.error > 0]
        axes.plot(
            [p.size_bytes / 1e6 for p in shown], [p.error for p in shown], marker=".",
            label="best mix of each size",
        )  # fmt: skip
        for name, (size, error) in self.uniform.items():
            axes.scatter(size / 1e6, error, color="tab:orange", zorder=3)
            axes.annotate(name, (size / 1e6, error), (6, -3), textcoords="offset points")
        axes.set(xscale="log", yscale="log", xlabel="MB (10⁶ bytes)", ylabel="error of the outputs")
        for formatter in (axes.xaxis.set_major_formatter, axes.xaxis.set_minor_formatter):
            formatter(lambda value, _: f"{value:g}")
        axes.grid(visible=True, which="both", alpha=0.3)
        axes.legend()
        figure.savefig(os.fspath(path))


def compression_frontier(
    source: str | os.PathLike[str] | MLModel,
    data: Any,
    *,
    precisions: Sequence[Any] = USUAL,
    optimize: str = "error",
    examples: int = 16,
    repair: bool = False,
    weigh: bool = False,
) -> Frontier:
    """Measure what each precision of each layer costs, and find the best mix of each size.

    Args:
        source: path of a .mlpackage in float16 or float32, or an `MLModel` of one.
        data: examples, as `Budget` takes them.
        precisions: of which each layer gets one, or stays as it is.
        optimize: "error" or "agreement", as in `Budget`: by what the mixes are chosen.
        examples: how many are used.
        repair: whether the mixes will be written with `repair=`.
        weigh: whether the mixes will be written with `weigh=`.

    Returns:
        The mixes as a table and a plot, any of which can be passed as `precision=`.

    Raises:
        InvalidArgumentError: an argument that cannot be used.
        CoreMLFileError: `source` is no ML program, or damaged.
    """
    if optimize not in OBJECTIVES:
        raise InvalidArgumentError(f"optimize={optimize!r} must be {' or '.join(OBJECTIVES)}.")
    wanted = find_members(precisions)
    file = read_model(source)
    plan = Plan(
        open_weights(file), data, examples, wanted, optimize, repaired=repair, weighed=weigh
    )
    points: list[FrontierPoint] = []
    for point in plan.knapsack.samples(_POINTS):
        names = {
            layer.constants[0].name: _AS_IT_IS if option is None else option.name
            for layer, option in plan.options(point)
        }
        found = FrontierPoint(plan.file_bytes(point), plan.drift(point).error, names)
        if not points or found.error < points[-1].error:  # it is larger
            points.append(found)
    uniform = {}
    for item in wanted:
        point = plan.uniform(item)
        uniform[item.name] = (plan.file_bytes(point), plan.drift(point).error)
    return Frontier(tuple(points), uniform, optimize)
