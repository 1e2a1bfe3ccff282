"""Functions of single values."""

from __future__ import annotations

from collections.abc import Sequence

from mobilezoo.coreml.neural_network.table import NetworkSite, Operand, emits
from mobilezoo.coreml.neural_network.weights import store
from mobilezoo.graph import Node

_ACTIVATIONS = {
    "relu": "ReLU",
    "sigmoid": "sigmoid",
    "softplus": "softplus",
    "softsign": "softsign",
    "tanh": "tanh",
}
_UNARY = {"abs": "ABS", "exp": "EXP", "log": "LOG", "sqrt": "SQRT"}
# in place of 0, which means 1e-6: below the spacing of all but the smallest numbers
NO_EPSILON = 1e-30


def _register_activation(kind: str, function: str) -> None:
    @emits(kind)
    def activation(site: NetworkSite, x: Operand) -> None:
        getattr(site.add("activation", x.name), function).SetInParent()


def _register_unary(kind: str, function: str) -> None:
    @emits(kind)
    def unary(site: NetworkSite, x: Operand) -> None:
        add_unary(site, x.name, site.name, function)


for _kind, _function in _ACTIVATIONS.items():
    _register_activation(_kind, _function)
for _kind, _function in _UNARY.items():
    _register_unary(_kind, _function)


def add_unary(
    site: NetworkSite,
    x: str,
    made: str,
    function: str,
    *,
    alpha: float = 0.0,
    scale: float = 1.0,
    shift: float = 0.0,
) -> str:
    """Append function(scale * x + shift); `alpha`: a power or threshold. Returns `made`."""
    parameters = site.add("unary", x, name=made)
    parameters.type = parameters.Operation.Value(function)
    parameters.alpha, parameters.scale, parameters.shift = alpha, scale, shift
    parameters.epsilon = NO_EPSILON
    return made


def add_linear(site: NetworkSite, x: str, made: str, alpha: float, beta: float = 0.0) -> str:
    """Append alpha * x + beta. Returns `made`."""
    linear = site.add("activation", x, name=made).linear
    linear.alpha, linear.beta = alpha, beta
    return made


@emits("negative")
def negative(site: NetworkSite, x: Operand) -> None:
    """-x."""
    add_linear(site, x.name, site.name, -1.0)


@emits("square")
def square(site: NetworkSite, x: Operand) -> None:
    """x * x; a power of a negative number is undefined on some processors."""
    site.add("multiply", x.name, x.name)


@emits("rsqrt")
def rsqrt(site: NetworkSite, x: Operand) -> None:
    """1 / sqrt(x)."""
    add_unary(site, x.name, site.name, "RSQRT")


@emits("leaky_relu")
def leaky_relu(site: NetworkSite, x: Operand) -> None:
    """x if x > 0 else alpha * x."""
    site.add("activation", x.name).leakyReLU.alpha = site["alpha"]


@emits("prelu")
def prelu(site: NetworkSite, x: Operand) -> None:
    """x if x > 0 else alpha * x, alpha per channel."""
    parameters = site.add("activation", x.name).PReLU
    store(parameters.alpha, site.weight("alpha").reshape(-1))


@emits("elu")
def elu(site: NetworkSite, x: Operand) -> None:
    """x if x > 0 else alpha * (exp(x) - 1)."""
    site.add("activation", x.name).ELU.alpha = site["alpha"]


@emits("silu")
def silu(site: NetworkSite, x: Operand) -> None:
    """x * sigmoid(x)."""
    gate = site.helper("gate")
    site.add("activation", x.name, name=gate).sigmoid.SetInParent()
    site.add("multiply", x.name, gate)


@emits("hard_sigmoid")
def hard_sigmoid(site: NetworkSite, x: Operand) -> None:
    """relu6(x + 3) / 6."""
    _add_hard_sigmoid(site, x.name, site.name, 0.5)


@emits("hard_silu")
def hard_silu(site: NetworkSite, x: Operand) -> None:
    """x * relu6(x + 3) / 6."""
    gate = _add_hard_sigmoid(site, x.name, site.helper("gate"), 0.5)
    site.add("multiply", x.name, gate)


@emits("relu6")
def relu6(site: NetworkSite, x: Operand) -> None:
    """6 * min(max(x / 6, 0), 1): two layers, where thresholds would take three."""
    add_linear(site, _add_hard_sigmoid(site, x.name, site.helper("sixth"), 0.0), site.name, 6.0)


def _add_hard_sigmoid(site: NetworkSite, x: str, made: str, beta: float) -> str:
    """min(max(x / 6 + beta, 0), 1)."""
    parameters = site.add("activation", x, name=made).sigmoidHard
    parameters.alpha, parameters.beta = 1 / 6, beta
    return made


@emits("clip")
def clip(site: NetworkSite, x: Operand) -> None:
    """Values within [minimum, maximum]."""
    low = site.helper("inner")
    add_maximum(site, x.name, low, site["minimum"])
    add_minimum(site, low, site.name, site["maximum"])


def add_maximum(site: NetworkSite, x: str, made: str, bound: float) -> str:
    """Append max(x, bound). Returns `made`."""
    return add_unary(site, x, made, "THRESHOLD", alpha=bound)


def add_minimum(site: NetworkSite, x: str, made: str, bound: float) -> str:
    """Append min(x, bound) = -max(-x, -bound). Returns `made`."""
    negated = add_unary(site, x, site.helper("negated"), "THRESHOLD", alpha=-bound, scale=-1.0)
    return add_linear(site, negated, made, -1.0)


def _is_exact(node: Node, operands: Sequence[Operand]) -> str:
    return "" if node.attributes["approximate"] else "there is no error function; use approximate"


@emits("gelu", unless=_is_exact)
def gelu(site: NetworkSite, x: Operand) -> None:
    """x * (1 + tanh(c * (x + 0.044715 * x^3))) / 2, c = sqrt(2 / pi); the half is a sigmoid."""
    cube, inner, gate = (site.helper(suffix) for suffix in ("cube", "inner", "gate"))
    site.add("multiply", x.name, x.name, x.name, name=cube)
    add_linear(site, cube, inner, 0.044715)
    total = site.helper("inner")
    site.add("add", x.name, inner, name=total)
    twice = add_linear(site, total, site.helper("scaled"), 2 * 0.7978845608028654)
    site.add("activation", twice, name=gate).sigmoid.SetInParent()  # (1 + tanh(t)) / 2
    site.add("multiply", x.name, gate)
