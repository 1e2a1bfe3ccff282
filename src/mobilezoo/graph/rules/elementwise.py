"""Operations on single values, and on pairs of values with broadcasting."""

from __future__ import annotations

from typing import Any

from mobilezoo.graph.call import Call, Unsupported
from mobilezoo.graph.rules.table import Rule, operation_rule

_UNARY = {
    "Abs": "abs",
    "Absolute": "abs",
    "Exp": "exp",
    "HardSigmoid": "hard_sigmoid",
    "HardSilu": "hard_silu",
    "Negative": "negative",
    "Relu": "relu",
    "Relu6": "relu6",
    "Rsqrt": "rsqrt",
    "Sigmoid": "sigmoid",
    "Silu": "silu",
    "Softplus": "softplus",
    "Softsign": "softsign",
    "Sqrt": "sqrt",
    "Square": "square",
    "Tanh": "tanh",
}
_BINARY = {
    "Add": "add",
    "Divide": "divide",
    "Maximum": "maximum",
    "Minimum": "minimum",
    "Multiply": "multiply",
    "Power": "power",
    "Subtract": "subtract",
    "TrueDivide": "divide",
}


def _unary(kind: str) -> Rule:
    return lambda call: call.add(kind, call.recorder.operand(call.x))


def _binary(kind: str) -> Rule:
    return lambda call: call.add(kind, call.operand(0, "x1"), call.operand(1, "x2"))


for _name, _kind in _UNARY.items():
    operation_rule(_name)(_unary(_kind))
for _name, _kind in _BINARY.items():
    operation_rule(_name)(_binary(_kind))


@operation_rule("Copy", "StopGradient")
def same(call: Call) -> Any:
    """The operation gives its input back."""
    return call.x


@operation_rule("Cast", "ConvertToTensor")
def cast(call: Call) -> Any:
    """Between float types nothing changes, and the model's integer inputs come as floats."""
    source, target = call.x.dtype, call.outputs[0].dtype
    if source == target or (_is_float(target) and (_is_float(source) or call.reads_input)):
        return call.x
    raise Unsupported(f"a cast from {source} to {target} is not supported; keep to float types")


@operation_rule("Clip")
def clip(call: Call) -> str:
    """Values outside [x_min, x_max] become the nearer bound."""
    low, high = float(call.operation.x_min), float(call.operation.x_max)
    return call.add("clip", call.recorder.operand(call.x), minimum=low, maximum=high)


def _is_float(dtype: str) -> bool:
    return dtype.startswith(("float", "bfloat"))
