"""One layer that depends on an input, as a rule for several examples sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mobilezoo.runtime.operations import Constant, Operation


@dataclass(frozen=True)
class LayerView:
    """One layer that depends on an input, and what is known of the values it reads."""

    operation: Operation
    ranks: Mapping[str, int]  # of every value
    moving: frozenset[str]  # values that depend on an input; their leading axis is the examples'
    rank: int  # of the outputs

    @property
    def inputs(self) -> list[str]:
        """Names of the values that it reads."""
        return self.operation.references()

    @property
    def x_rank(self) -> int:
        """Rank of the first input."""
        return self.ranks[self.inputs[0]]

    def x_alone(self) -> bool:
        """Whether the first input is the only one that depends on the network's inputs."""
        first, *others = self.inputs
        return first in self.moving and self.moving.isdisjoint(others)

    def parameter(self, key: str, default: Any = ()) -> Any:
        """A parameter of the layer."""
        argument = self.operation.arguments.get(key)
        return argument.content if isinstance(argument, Constant) else default
