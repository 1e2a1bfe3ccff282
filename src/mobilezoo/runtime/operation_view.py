"""One operation that depends on an input, as a rule for several examples sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mobilezoo.runtime.operations import Argument, Constant, Operation, Reference, Shape


@dataclass(frozen=True)
class OperationView:
    """One operation, and what is known of the values it reads."""

    operation: Operation
    shapes: Mapping[str, Shape]  # of every value
    moving: frozenset[str]  # values that depend on an input; their leading axis is the examples'

    def moves(self, key: str) -> bool:
        """Whether an argument depends on an input."""
        return name_of(self.operation.arguments.get(key)) in self.moving

    def all_move(self, *keys: str) -> bool:
        """Whether these arguments depend on an input, and no others do."""
        moving = {name_of(self.operation.arguments.get(key)) for key in keys}
        others = moving.symmetric_difference(self.moving.intersection(self.operation.references()))
        return not others

    def only_moving(self, key: str) -> bool:
        """Whether an argument is the only one that depends on an input."""
        return self.moves(key) and all(
            name not in self.moving or name == name_of(self.operation.arguments[key])
            for name in self.operation.references()
        )

    def rank(self, key: str) -> int:
        """Rank of an argument."""
        argument = self.operation.arguments[key]
        if isinstance(argument, Reference):
            return len(self.shapes[argument.name])
        if isinstance(argument, Constant):
            return len(getattr(argument.content, "shape", ()))
        raise TypeError(f"{key} has several members")

    def constant(self, key: str, default: Any = None) -> Any:
        """An argument that the file fixes; None if it is computed."""
        argument = self.operation.arguments.get(key)
        if argument is None:
            return default
        return argument.value() if isinstance(argument, Constant) else None

    @property
    def out_rank(self) -> int:
        """Rank of the first output."""
        return len(self.operation.outputs[0].shape)


def name_of(argument: Argument | None) -> str:
    """The value that an argument is; empty where it is none."""
    return argument.name if isinstance(argument, Reference) else ""
