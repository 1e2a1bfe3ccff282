"""What a comparison found, and which comparisons are refused."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from mobilezoo.errors import VacuousComparisonError, VerificationError
from mobilezoo.graph import Graph

FloatArray = npt.NDArray[np.floating[Any]]

_SMALLEST_PEAK = 1e-6  # a reference below this is noise
_ADVICE = (
    "Load trained weights, pass inputs of your own that it tells apart, or try things out with "
    "mobilezoo.randomize_weights(model, preprocessing=...) before exporting"
)


@dataclass(frozen=True)
class Agreement:
    """What `verify` found. All differences are relative to the largest reference value.

    Attributes:
        file: name of the Core ML package.
        precision: of its weights, if the file says.
        largest_difference: over all outputs and examples.
        limit: what was allowed.
        top1_agreement: fraction of examples with the same largest output; None where the
            output is no vector of scores.
        examples: number of inputs compared.
        layers: Keras layer -> largest difference of its output, in order of the calls.
        sizes: how many sizes of inputs they had; more than 1 for a flexible file.
    """

    file: str
    precision: str | None
    largest_difference: float
    limit: float
    top1_agreement: float | None
    examples: int
    layers: Mapping[str, float] = field(repr=False)
    sizes: int = 1

    def __str__(self) -> str:
        top1 = "" if self.top1_agreement is None else f", same top-1 for {self.top1_agreement:.0%}"
        return (
            f"{self.file} agrees with Keras: largest difference {percent(self.largest_difference)} "
            f"of the largest value (limit {percent(self.limit)}){top1}; {self.examples} input(s) "
            f"{'' if self.sizes == 1 else f'of {self.sizes} sizes '}and {len(self.layers)} layers "
            "compared"
        )


def differences_by_example(values: FloatArray, reference: FloatArray) -> FloatArray:
    """Largest difference of each example relative to the largest reference value of them all.

    Args:
        values: (examples, ...).
        reference: (examples, ...).

    Returns:
        (examples,); infinite for other shapes.
    """
    if values.shape != reference.shape:
        return np.full(len(reference), np.inf)
    peak = np.abs(reference).max()
    largest = np.abs(values - reference).reshape(len(reference), -1).max(axis=1)
    relative: FloatArray = np.where(largest == 0.0, 0.0, np.inf) if peak == 0.0 else largest / peak
    return relative


def difference(values: FloatArray, reference: FloatArray) -> float:
    """Largest difference relative to the largest reference value; infinite for other shapes."""
    return float(differences_by_example(values[None], reference[None])[0])


def top1_agreement(values: FloatArray, reference: FloatArray) -> float | None:
    """Fraction of rows (n, classes) whose largest entry is the same one."""
    if reference.ndim != 2 or reference.shape[1] < 2:
        return None
    return float((values.argmax(axis=1) == reference.argmax(axis=1)).mean())


def refuse_vacuous(name: str, reference: Sequence[FloatArray], limit: float) -> None:
    """Refuse a reference that is tiny, or the same for every input: anything would agree.

    Args:
        name: of the model.
        reference: the outputs, (examples, ...) each.
        limit: relative difference that will be allowed.

    Raises:
        VacuousComparisonError: says why and what to do.
    """
    for output in reference:
        if not np.isfinite(output).all():
            raise VacuousComparisonError(
                f"'{name}' itself returns NaN or infinity; nothing can be compared."
            )
        peak = float(np.abs(output).max())
        if peak < _SMALLEST_PEAK:
            raise VacuousComparisonError(
                f"Refused: the largest output of '{name}' is {peak:.1g}, so any file would "
                f"agree. {_ADVICE}."
            )
        moved = float(np.ptp(output, axis=0).max()) / peak
        if len(output) > 1 and moved <= 2 * limit:
            raise VacuousComparisonError(
                f"Refused: the output of '{name}' moves by only {percent(moved)} of its "
                f"largest value when the input changes, so a constant would pass. {_ADVICE}."
            )


def refuse_departure(
    file: str,
    graph: Graph,
    differences: FloatArray,
    layers: Mapping[str, float],
    limit: float,
) -> None:
    """Raise VerificationError if an output or a layer departs; name the first layer that does.

    Args:
        file: name of the Core ML package.
        graph: as exported, to say which layers were merged.
        differences: of the outputs, one per example.
        layers: Keras layer -> difference for the first example, in order of the calls.
        limit: relative difference that is allowed.
    """
    largest = float(differences.max())  # NaN stays
    departed = [path for path, value in layers.items() if not value <= limit]  # NaN departs
    if largest <= limit and not departed:
        return
    if largest == float("inf"):
        raise VerificationError(
            f"{file} has an output of another shape than Keras's: it was made from another model."
        )
    at = layers[departed[0]] if departed else 0.0
    allowed, output, layer = told_apart(limit, largest, at)
    where = ""
    if departed:
        by = "of another shape" if at == float("inf") else f"by {layer}"
        where = f"first at layer {_describe(departed[0], graph)} {by}"
    if largest <= limit:
        raise VerificationError(
            f"{file} computes layers otherwise than Keras, {where} of its largest value (limit "
            f"{allowed}); the outputs alone agree (largest difference {output})."
        )
    example = _worst(differences, limit)
    raise VerificationError(
        f"{file} differs from Keras by {output} of the largest value (limit {allowed})"
        f"{f', {where}' if where else _unlocated(layers, example, len(differences))}."
    )


def _worst(differences: FloatArray, limit: float) -> int:
    """The first example if it departs, as its layers are known; else the one that departs most."""
    return 0 if not differences[0] <= limit else int(np.argmax(differences))  # NaN is most


def _unlocated(layers: Mapping[str, float], example: int, examples: int) -> str:
    """Why no layer is named."""
    if not layers:
        return "; no layer of the file carries the name of a Keras layer"
    if example == 0:
        return ", though every layer's output agrees: what comes after the last of them departs"
    return (
        f" for input {example + 1} of {examples}. Layers were compared for input 1 only, and "
        "agree there: pass that input alone, or another seed=, to see where it begins"
    )


def told_apart(limit: float, *values: float) -> list[str]:
    """The limit and the values as percents, of so many digits that none above it reads below."""
    texts: list[str] = []
    for digits in range(2, 18):  # 17 tell any two numbers apart
        texts = [percent(value, digits) for value in (limit, *values)]
        shown = [float(text.removesuffix(" %")) for text in texts]
        if all(
            not value > limit or number > shown[0]
            for value, number in zip(values, shown[1:], strict=True)
        ):
            break
    return texts


def percent(fraction: float, digits: int = 2) -> str:
    """0.0123 -> "1.2 %"; 1.23 -> "123 %": at least so many digits, and all before the point."""
    whole = len(f"{100 * abs(fraction):.0f}") if math.isfinite(fraction) else 0
    return f"{100 * fraction:.{max(digits, whole)}g} %"


def _describe(path: str, graph: Graph) -> str:
    makers = {node.name: node for node in graph.nodes}
    maker = makers.get(graph.layer_outputs[path])
    merged = maker.layers[:-1] if maker is not None else ()
    return f"'{path}'" + (f" (with {', '.join(merged)} merged into it)" if merged else "")
