"""Data as a stream of examples, whatever it is given as."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

from mobilezoo.evaluation.record import LeftOut


class Example(NamedTuple):
    """A picture and what it shows.

    Attributes:
        load: gives the picture, a PIL image or pixels (height, width, channels); raises
            InvalidArgumentError where it is none.
        label: index into the source's names; the number of the class where it has none.
        path: of its file; empty where it has none.
    """

    load: Callable[[], Any]
    label: int
    path: str = ""


class Source(Protocol):
    """Where examples are from."""

    @property
    def names(self) -> tuple[str, ...] | None:
        """Of the classes in the data; None where labels are numbers."""

    @property
    def empty(self) -> Collection[str]:
        """Names of which there is no example."""

    @property
    def count(self) -> int | None:
        """How many examples there are; None where that is not known."""

    @property
    def left_out(self) -> Sequence[LeftOut]:
        """What is not even read."""

    def examples(self) -> Iterator[Example]:
        """All of them, each time in the same order."""
