"""Operations that are written in terms of others, which are recorded in their place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mobilezoo.graph.call import Call
from mobilezoo.graph.rules.table import Rule, operation_rule


def expands(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register `formula(operation, *arguments)`, which computes an operation by `keras.ops`.

    The formula gets the operation, with its parameters as attributes, and the arguments of the
    call; what it calls is recorded instead.
    """

    def register(formula: Callable[..., Any]) -> Callable[..., Any]:
        operation_rule(*names, any_dtype=True)(_rule(formula))  # its parts are checked
        return formula

    return register


def _rule(formula: Callable[..., Any]) -> Rule:
    def rule(call: Call) -> Any:
        return formula(call.operation, *call.args, **call.kwargs)

    return rule
