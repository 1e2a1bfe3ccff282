"""What a comparison found, in numbers and in words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Agreement:
    """What `verify` found. All differences are relative to the largest reference value.

    Attributes:
        file: name of the Core ML package.
        precision: of its weights, if the file says.
        largest_difference: over all outputs and examples, of the file as it is.
        limit: what was allowed; infinite where few bits have no common limit.
        top1_agreement: fraction of examples with the same largest output; None where the
            output is no vector of scores.
        examples: number of inputs compared.
        layers: Keras layer -> largest difference of its output, in order of the calls.
        tried: the sizes of inputs that were compared, in words; empty where the file takes one.
        before_rounding: the largest difference of a file with weights in few bits as it would be
            without them: with Keras's own kernels in their place, of which the file's were found
            to be the rounded ones. None for other files.
    """

    file: str
    precision: str | None
    largest_difference: float
    limit: float
    top1_agreement: float | None
    examples: int
    layers: Mapping[str, float] = field(repr=False)
    tried: tuple[str, ...] = ()
    before_rounding: float | None = None

    @property
    def sizes(self) -> int:
        """How many sizes of inputs were compared; more than 1 for a flexible file."""
        return max(1, len(self.tried))

    def __str__(self) -> str:
        found = percent(self.largest_difference)
        limit = f" (limit {percent(self.limit)})" if math.isfinite(self.limit) else ""
        if self.before_rounding is None:
            differs = f"largest difference {found} of the largest value{limit}"
        else:
            differs = (
                f"largest difference {percent(self.before_rounding)} of the largest value before "
                f"its kernels are rounded to few bits; rounding them costs {found}{limit}"
            )
        top1 = "" if self.top1_agreement is None else f", same top-1 for {self.top1_agreement:.0%}"
        of_sizes = f" of {self.sizes} sizes ({'; '.join(self.tried)})" if self.sizes > 1 else ""
        but = "" if self.before_rounding is None else " but for the rounding of its weights"
        return (
            f"{self.file} agrees with Keras{but}: {differs}{top1}; {self.examples} input(s)"
            f"{of_sizes} and {len(self.layers)} layers compared"
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
