"""Operations on single values, and on pairs of values with broadcasting."""

from __future__ import annotations

import math
from typing import Any

from keras import ops

from mobilezoo.graph.call import Call
from mobilezoo.graph.rules.expansion import expands
from mobilezoo.graph.rules.table import Rule, operation_rule

_UNARY = {
    "Abs": "abs",
    "Absolute": "abs",
    "Arccos": "acos",
    "Arcsin": "asin",
    "Arctan": "atan",
    "Arctanh": "atanh",
    "Ceil": "ceil",
    "Cos": "cos",
    "Cosh": "cosh",
    "Erf": "erf",
    "Exp": "exp",
    "Floor": "floor",
    "HardSigmoid": "hard_sigmoid",
    "HardSilu": "hard_silu",
    "Log": "log",
    "Negative": "negative",
    "Relu": "relu",
    "Relu6": "relu6",
    "Round": "round",
    "Rsqrt": "rsqrt",
    "Sigmoid": "sigmoid",
    "Sign": "sign",
    "Silu": "silu",
    "Sin": "sin",
    "Sinh": "sinh",
    "Softplus": "softplus",
    "Softsign": "softsign",
    "Sqrt": "sqrt",
    "Square": "square",
    "Tan": "tan",
    "Tanh": "tanh",
}
_BINARY = {
    "Add": "add",
    "Divide": "divide",
    "FloorDivide": "floor_divide",
    "Maximum": "maximum",
    "Minimum": "minimum",
    "Mod": "mod",
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


@operation_rule("Clip")
def clip(call: Call) -> str:
    """Values outside [x_min, x_max] become the nearer bound."""
    low, high = float(call.operation.x_min), float(call.operation.x_max)
    return call.add("clip", call.recorder.operand(call.x), minimum=low, maximum=high)


@expands("Reciprocal")
def reciprocal(_: Any, x: Any) -> Any:
    """1 / x."""
    return 1.0 / x


@expands("Expm1")
def expm1(_: Any, x: Any) -> Any:
    """exp(x) - 1."""
    return ops.exp(x) - 1.0


@expands("Exp2")
def exp2(_: Any, x: Any) -> Any:
    """2 ^ x."""
    return ops.exp(x * math.log(2.0))


@expands("Log1p")
def log1p(_: Any, x: Any) -> Any:
    """log(1 + x)."""
    return ops.log(1.0 + x)


@expands("Log2")
def log2(_: Any, x: Any) -> Any:
    """log(x) / log(2)."""
    return ops.log(x) * (1.0 / math.log(2.0))


@expands("Log10")
def log10(_: Any, x: Any) -> Any:
    """log(x) / log(10)."""
    return ops.log(x) * (1.0 / math.log(10.0))


@expands("Logaddexp")
def logaddexp(_: Any, x1: Any, x2: Any) -> Any:
    """log(exp(x1) + exp(x2)), without overflow."""
    return ops.maximum(x1, x2) + ops.softplus(-ops.abs(x1 - x2))


@expands("Arcsinh")
def arcsinh(_: Any, x: Any) -> Any:
    """sign(x) * log(|x| + sqrt(x^2 + 1))."""
    size = ops.abs(x)
    return ops.sign(x) * ops.log(size + ops.sqrt(ops.square(x) + 1.0))


@expands("Trunc")
def trunc(_: Any, x: Any) -> Any:
    """The whole part."""
    return ops.sign(x) * ops.floor(ops.abs(x))
