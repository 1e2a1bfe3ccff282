"""What an opened file consists of, whichever language its computation is written in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mobilezoo.runtime.arithmetic import Array
from mobilezoo.runtime.executable import Column, Values
from mobilezoo.runtime.features import Feature, Metadata
from mobilezoo.runtime.operations import Block
from mobilezoo.runtime.storage import Storage


class Runs(Protocol):
    """What runs a file: `Executable`, or one that first brings the arrays into its own form."""

    @property
    def runs_many(self) -> bool:
        """Whether any number of examples runs at once; else one after the other."""

    def run(self, arrays: Sequence[Array]) -> list[Column]:
        """Compute the fetched values of n examples."""

    def values(self, arrays: Sequence[Array]) -> Values:
        """Compute every value of the first example."""

    def storing(self, kind: type[Storage]) -> Runs:
        """A copy that keeps its values so."""


@dataclass(frozen=True)
class Opened:
    """A file, checked and ready to run."""

    path: Path
    inputs: tuple[Feature, ...]
    outputs: tuple[Feature, ...]
    metadata: Metadata
    block: Block
    fetch: tuple[str, ...]  # the values that `executable.run` returns
    executable: Runs
    labels: tuple[str | int, ...] | None = None  # of boxes, where it is no classifier
    functions: tuple[str, ...] = ()  # of the file
    function_name: str | None = None  # of the one that is opened


def fetched(block: Block, outputs: Sequence[Feature]) -> tuple[str, ...]:
    """The values to compute: outputs, and instead of a classifier's two its probabilities."""
    classifier = block.classifier
    if classifier is None:
        return tuple(feature.name for feature in outputs)
    named = (classifier.label_output, classifier.probability_output)
    names = [feature.name for feature in outputs if feature.name not in named]
    return tuple(dict.fromkeys([*names, classifier.probabilities]))
