"""What `pick` returns: networks that fit, networks that do not, and how they print."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

from mobilezoo.benchmark.table import columns, megabytes, millions
from mobilezoo.finding.accuracies import Accuracy

if TYPE_CHECKING:
    import keras

_WIDTH = 80
_CANDIDATES = 20  # printed
_MISSES = 5
_HEADER = ("", "top-1", "mult-adds", "params", "size", "")
# `Candidate.weights` -> its mark in the last column, and what the line below the table says
_MARKS = {"imagenet": "*", "torchvision": "+", "": ""}
_LEGEND = {
    "*": "weights='imagenet' builds it trained",
    "+": "a checkpoint of torchvision, passed as weights=PATH, does",
}
_INDENTED: Any = {"initial_indent": "  ", "subsequent_indent": "    ", "break_on_hyphens": False}


@dataclass(frozen=True)
class Candidate:
    """A network of the zoo, with its costs in one precision.

    Attributes:
        name: of the builder.
        options: its arguments that decide the network.
        input_shape: (height, width, channels) in pixels.
        accuracy: its published figure; None without one.
        weights: how to get it trained: "imagenet" (weights="imagenet" builds it), "torchvision"
            (weights= takes the path of a checkpoint of torchvision), "" (not published).
        parameters: elements of all weights.
        mult_adds: 1 is one multiplication and one addition.
        size_bytes: of the Core ML package, predicted, without labels.
        label: what people call it, such as "mobilenet alpha=0.5 at 160 px".
    """

    name: str
    options: Mapping[str, Any]
    input_shape: tuple[int, int, int]
    accuracy: Accuracy | None
    weights: str
    parameters: int
    mult_adds: int
    size_bytes: int
    label: str

    @property
    def top1(self) -> float | None:
        """Percent; None without a published figure."""
        return None if self.accuracy is None else self.accuracy.top1

    def build(self, **options: Any) -> keras.Model:
        """Build it.

        Args:
            options: further arguments of its builder, such as weights="imagenet" (see
                `weights`); they take precedence.
        """
        from mobilezoo.models import build  # brings Keras, which picking does not need

        return build(self.name, **{"input_shape": self.input_shape, **self.options, **options})

    def __str__(self) -> str:
        return self.label


@dataclass(frozen=True)
class Miss:
    """A network that does not keep to the limits.

    Attributes:
        candidate: the network.
        reasons: one for each limit that it misses, such as "51.16 MB is over 5 MB".
        distance: by which part it misses them, added up; 0.1 is 10 % over one limit.
    """

    candidate: Candidate
    reasons: tuple[str, ...]
    distance: float

    def __str__(self) -> str:
        return f"{self.candidate}: {'; '.join(self.reasons)}"


@dataclass(frozen=True)
class Pick(Sequence[Candidate]):
    """The networks that keep to the limits, best first: a sequence that prints as a table.

    Attributes:
        limits: in words.
        candidates: what fits; by top-1, then by mult-adds; those of unknown accuracy last.
        misses: what does not fit, the nearest first.
    """

    limits: tuple[str, ...]
    candidates: tuple[Candidate, ...]
    misses: tuple[Miss, ...]

    @overload
    def __getitem__(self, index: int) -> Candidate: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Candidate]: ...
    def __getitem__(self, index: int | slice) -> Candidate | Sequence[Candidate]:
        return self.candidates[index]

    def __len__(self) -> int:
        return len(self.candidates)

    def __str__(self) -> str:
        return "\n".join(_lines(self))


def _lines(it: Pick) -> Iterator[str]:
    wanted = ", ".join(it.limits)
    found = {0: "Nothing fits", 1: "1 fits"}.get(len(it), f"{len(it)} fit")
    yield from textwrap.wrap(f"{found}: {wanted}.", _WIDTH)
    if it.candidates:
        yield ""
        rows = [_cells(item) for item in it[:_CANDIDATES]]
        yield columns([_HEADER, *rows])
        if len(it) > _CANDIDATES:
            yield f"... and {len(it) - _CANDIDATES} more"
        marks = {row[-1] for row in rows}
        yield from (f"{mark} {words}" for mark, words in _LEGEND.items() if mark in marks)
    if it.misses:
        yield ""
        yield "The nearest:" if not it.candidates else "Not quite:"
        for miss in it.misses[:_MISSES]:
            yield from textwrap.wrap(str(miss), _WIDTH, **_INDENTED)
        if len(it.misses) > _MISSES:
            yield f"... and {len(it.misses) - _MISSES} more"


def _cells(candidate: Candidate) -> tuple[str, ...]:
    return (
        candidate.label,
        "unknown" if candidate.top1 is None else f"{candidate.top1} %",
        millions(candidate.mult_adds),
        millions(candidate.parameters),
        megabytes(candidate.size_bytes),
        _MARKS[candidate.weights],
    )
