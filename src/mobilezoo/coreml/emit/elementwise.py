"""Operations on single values, and on pairs of values with broadcasting."""

from __future__ import annotations

from typing import Any

from mobilezoo.coreml.emit.builder import mb
from mobilezoo.coreml.emit.site import Layout, Site, emits

_UNARY = {
    "abs": "abs",
    "acos": "acos",
    "asin": "asin",
    "atan": "atan",
    "atanh": "atanh",
    "ceil": "ceil",
    "cos": "cos",
    "cosh": "cosh",
    "erf": "erf",
    "exp": "exp",
    "floor": "floor",
    "logical_not": "logical_not",
    "relu": "relu",
    "relu6": "relu6",
    "round": "round",
    "sigmoid": "sigmoid",
    "sign": "sign",
    "silu": "silu",
    "sin": "sin",
    "sinh": "sinh",
    "softplus": "softplus",
    "softsign": "softsign",
    "sqrt": "sqrt",
    "square": "square",
    "tan": "tan",
    "tanh": "tanh",
}
_BINARY = {
    "add": "add",
    "divide": "real_div",
    "equal": "equal",
    "floor_divide": "floor_div",
    "greater": "greater",
    "greater_equal": "greater_equal",
    "less": "less",
    "less_equal": "less_equal",
    "logical_and": "logical_and",
    "logical_or": "logical_or",
    "logical_xor": "logical_xor",
    "maximum": "maximum",
    "minimum": "minimum",
    "mod": "mod",
    "multiply": "mul",
    "not_equal": "not_equal",
    "power": "pow",
    "subtract": "sub",
}


def _register_unary(kind: str, operation: str) -> None:
    @emits(kind, Layout.EITHER)
    def unary(site: Site, x: Any) -> Any:
        return getattr(mb, operation)(x=x, name=site.name)


def _register_binary(kind: str, operation: str) -> None:
    @emits(kind, Layout.EITHER)
    def binary(site: Site, x: Any, y: Any) -> Any:
        return getattr(mb, operation)(x=x, y=y, name=site.name)


for _kind, _operation in _UNARY.items():
    _register_unary(_kind, _operation)
for _kind, _operation in _BINARY.items():
    _register_binary(_kind, _operation)


@emits("leaky_relu", Layout.EITHER)
def leaky_relu(site: Site, x: Any) -> Any:
    """x if x > 0 else alpha * x."""
    return mb.leaky_relu(x=x, alpha=site.number(site["alpha"]), name=site.name)


@emits("prelu", Layout.CHANNELS_FIRST)
def prelu(site: Site, x: Any) -> Any:
    """x if x > 0 else alpha * x, alpha per channel."""
    return mb.prelu(x=x, alpha=site.weight("alpha"), name=site.name)


@emits("elu", Layout.EITHER)
def elu(site: Site, x: Any) -> Any:
    """x if x > 0 else alpha * (exp(x) - 1)."""
    return mb.elu(x=x, alpha=site.number(site["alpha"]), name=site.name)


@emits("gelu", Layout.EITHER)
def gelu(site: Site, x: Any) -> Any:
    """x * Phi(x)."""
    mode = "TANH_APPROXIMATION" if site["approximate"] else "EXACT"
    return mb.gelu(x=x, mode=mode, name=site.name)


@emits("clip", Layout.EITHER)
def clip(site: Site, x: Any) -> Any:
    """Values within [minimum, maximum]."""
    low, high = site.number(site["minimum"]), site.number(site["maximum"])
    return mb.clip(x=x, alpha=low, beta=high, name=site.name)


@emits("hard_sigmoid", Layout.EITHER)
def hard_sigmoid(site: Site, x: Any) -> Any:
    """relu6(x + 3) / 6."""
    return _hard_sigmoid(site, x, site.name)


@emits("hard_silu", Layout.EITHER)
def hard_silu(site: Site, x: Any) -> Any:
    """x * relu6(x + 3) / 6."""
    return mb.mul(x=x, y=_hard_sigmoid(site, x, site.helper("gate")), name=site.name)


@emits("negative", Layout.EITHER)
def negative(site: Site, x: Any) -> Any:
    """-x."""
    return mb.mul(x=x, y=site.number(-1.0), name=site.name)


@emits("log", Layout.EITHER)
def log(site: Site, x: Any) -> Any:
    """Natural logarithm."""
    return mb.log(x=x, epsilon=site.number(0.0), name=site.name)


@emits("select", Layout.EITHER)
def select(site: Site, condition: Any, x: Any, y: Any) -> Any:
    """x where the condition holds, else y."""
    return mb.select(cond=condition, a=x, b=y, name=site.name)


@emits("cast", Layout.EITHER)
def cast(site: Site, x: Any) -> Any:
    """Numbers of another type; floating-point ones in the file's precision."""
    return mb.cast(x=x, dtype=site.cast_type(), name=site.name)


@emits("rsqrt", Layout.EITHER)
def rsqrt(site: Site, x: Any) -> Any:
    """1 / sqrt(x)."""
    return mb.rsqrt(x=x, epsilon=site.number(0.0), name=site.name)


def _hard_sigmoid(site: Site, x: Any, name: str) -> Any:
    return mb.sigmoid_hard(x=x, alpha=site.number(1 / 6), beta=site.number(0.5), name=name)
