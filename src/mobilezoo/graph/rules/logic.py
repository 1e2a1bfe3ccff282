"""Comparisons, choices, and the types of values."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from mobilezoo.graph.call import Call, Unsupported
from mobilezoo.graph.rules._checks import is_float
from mobilezoo.graph.rules.expansion import expands
from mobilezoo.graph.rules.table import Rule, operation_rule

_COMPARISONS = {
    "Equal": "equal",
    "Greater": "greater",
    "GreaterEqual": "greater_equal",
    "Less": "less",
    "LessEqual": "less_equal",
    "NotEqual": "not_equal",
}
_LOGICAL = {
    "LogicalAnd": "logical_and",
    "LogicalOr": "logical_or",
    "LogicalXor": "logical_xor",
}


def _comparison(kind: str) -> Rule:
    def rule(call: Call) -> str:
        x1, x2 = (call.argument(i, name) for i, name in enumerate(("x1", "x2")))
        tensor = x1 if hasattr(x1, "dtype") else x2
        dtype = tensor.dtype if is_float(str(tensor.dtype)) else "float32"
        for x, other in ((x1, x2), (x2, x1)):
            if _is_computed_number(call, x) and not isinstance(other, keras.KerasTensor):
                raise Unsupported(f"it compares {x.dtype} with a constant; cast to float32 before")
        names = [call.recorder.operand(x, dtype) for x in (x1, x2)]
        return call.add(kind, *names)

    return rule


def _is_computed_number(call: Call, x: Any) -> bool:
    """Whether it is whole in the file, too; the model's inputs come as floats."""
    if not isinstance(x, keras.KerasTensor) or is_float(str(x.dtype)):
        return False
    return call.recorder.operand(x) not in call.recorder.inputs


def _logical(kind: str) -> Rule:
    return lambda call: call.add(kind, call.operand(0, "x1"), call.operand(1, "x2"))


for _name, _kind in _COMPARISONS.items():
    operation_rule(_name, any_dtype=True)(_comparison(_kind))
for _name, _kind in _LOGICAL.items():
    operation_rule(_name, any_dtype=True)(_logical(_kind))


@operation_rule("LogicalNot", any_dtype=True)
def logical_not(call: Call) -> str:
    """Whether x is false."""
    return call.add("logical_not", call.recorder.operand(call.x))


@operation_rule("Where")
def where(call: Call) -> Any:
    """x1 where the condition holds, else x2."""
    x1, x2 = call.argument(1, "x1"), call.argument(2, "x2")
    if not any(isinstance(x, keras.KerasTensor) for x in (x1, x2)):
        return ops.cast(call.argument(0, "condition"), call.outputs[0].dtype) * (x1 - x2) + x2
    condition = call.recorder.operand(call.argument(0, "condition"), "bool")
    return call.add("select", condition, call.operand(1, "x1"), call.operand(2, "x2"))


@operation_rule("Cast", "ConvertToTensor", any_dtype=True)
def cast(call: Call) -> Any:
    """Between types of floats nothing changes: the file has one precision."""
    source, target = str(call.x.dtype), call.outputs[0].dtype
    if source == target or (is_float(source) and is_float(target)):
        return call.x
    if target == "bool":
        raise Unsupported("a cast to bool is not supported; compare with 0")
    if is_float(target) and call.reads_input:
        return call.x  # the model's inputs come as floats
    return call.add("cast", call.recorder.operand(call.x))


@expands("Any")
def any_(operation: Any, x: Any) -> Any:
    """Whether one of them is true."""
    counted = ops.cast(x, "float32")
    return ops.max(counted, operation.axis, keepdims=operation.keepdims) > 0.5


@expands("All")
def all_(operation: Any, x: Any) -> Any:
    """Whether none of them is false."""
    counted = ops.cast(x, "float32")
    return ops.min(counted, operation.axis, keepdims=operation.keepdims) > 0.5
