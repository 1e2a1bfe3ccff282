"""Operations on pairs of values: two tensors, or a tensor and a constant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mobilezoo.coreml.neural_network.elementwise import (
    add_linear,
    add_maximum,
    add_minimum,
    add_unary,
)
from mobilezoo.coreml.neural_network.planes import extent, plane, storable
from mobilezoo.coreml.neural_network.table import NetworkSite, Operand, emits
from mobilezoo.graph import Node
from mobilezoo.graph.node import Array


def _spread(node: Node, operands: Sequence[Operand]) -> str:
    """What addition and multiplication cannot broadcast."""
    tensors = [item for item in operands if not item.is_constant]
    if len(tensors) == 1:
        return _spread_by_constant(node, tensors[0])
    return _spread_by_shapes(tensors, ("C", "HW", ""))


def _spread_by_channels(node: Node, operands: Sequence[Operand]) -> str:
    """What the larger and the smaller of two cannot broadcast."""
    tensors = [item for item in operands if not item.is_constant]
    if len(tensors) == 2:
        return _spread_by_shapes(tensors, ("C",))
    objection = _spread_by_constant(node, tensors[0])
    if objection or any(map(_is_number, operands)):
        return objection
    rank = len(tensors[0].shape)
    full = [replace(item, shape=(1,) * (rank - len(item.shape)) + item.shape) for item in operands]
    return _spread_by_shapes(full, ("C",))


def _spread_by_constant(node: Node, tensor: Operand) -> str:
    if len(node.output.shape) == len(tensor.shape) and node.output.shape[1:] == tensor.shape[1:]:
        return ""
    return "a constant is larger than the tensor that it is combined with"


def _spread_by_shapes(operands: Sequence[Operand], allowed: Sequence[str]) -> str:
    """`allowed`: what the smaller one may vary along."""
    first, second = operands
    if len(first.shape) != len(second.shape):
        return "tensors of different ranks are combined"
    if first.shape == second.shape:
        return ""
    large, small = sorted((first.plane, second.plane), key=extent, reverse=True)
    along = ("C" if small[0] > 1 else "") + ("HW" if small[1:] != (1, 1) else "")
    fits = all(part in (1, whole) for part, whole in zip(small, large, strict=True))
    whole = "HW" not in along or small[1:] == large[1:]
    if fits and whole and along in allowed:
        return ""
    return f"{tuple(first.shape[1:])} and {tuple(second.shape[1:])} do not broadcast"


def _is_number(operand: Operand) -> bool:
    return operand.weight is not None and operand.weight.size == 1


def _number(operand: Operand) -> float:
    assert operand.weight is not None
    return float(np.asarray(operand.weight.read()).reshape(()))


@emits("add", unless=_spread)
def add(site: NetworkSite, x: Operand, y: Operand) -> None:
    """x + y."""
    if y.is_constant or x.is_constant:
        tensor, constant = (x, y) if y.is_constant else (y, x)
        _shift(site, tensor, constant, 1.0)
    else:
        _combine(site, "add", x, y)


@emits("subtract", unless=_spread)
def subtract(site: NetworkSite, x: Operand, y: Operand) -> None:
    """x - y."""
    if y.is_constant:
        _shift(site, x, y, -1.0)
    elif not x.is_constant:
        negated = add_linear(site, y.name, site.helper("negated"), -1.0)
        _combine(site, "add", x, Operand(negated, y.shape))
    elif _is_number(x):
        add_linear(site, y.name, site.name, -1.0, _number(x))
    else:
        negated = add_linear(site, y.name, site.helper("negated"), -1.0)
        _bias(site, negated, site.constant(x, len(y.shape)))


@emits("multiply", unless=_spread)
def multiply(site: NetworkSite, x: Operand, y: Operand) -> None:
    """x * y."""
    if y.is_constant or x.is_constant:
        tensor, constant = (x, y) if y.is_constant else (y, x)
        _scale(site, tensor.name, site.constant(constant, len(tensor.shape)))
    else:
        _combine(site, "multiply", x, y)


@emits("divide", unless=_spread)
def divide(site: NetworkSite, x: Operand, y: Operand) -> None:
    """x / y."""
    if y.is_constant:
        _scale(site, x.name, 1.0 / site.constant(y, len(x.shape)).astype(np.float64))
        return
    inverse = add_unary(site, y.name, site.helper("inverse"), "INVERSE")
    if x.is_constant:
        _scale(site, inverse, site.constant(x, len(y.shape)))
    else:
        _combine(site, "multiply", x, Operand(inverse, y.shape))


def _not_a_power(node: Node, operands: Sequence[Operand]) -> str:
    base, exponent = operands
    if base.is_constant == exponent.is_constant or not any(map(_is_number, operands)):
        return "a power needs a number as base or exponent"
    if base.is_constant and (_number(base) <= 0 or _number(base) == 1):
        return "a power of a number needs one above 0 that is not 1"
    return _spread(node, operands)


@emits("power", unless=_not_a_power)
def power(site: NetworkSite, x: Operand, y: Operand) -> None:
    """x ^ y, one of which is a number."""
    if x.is_constant:
        add_unary(site, y.name, site.name, "EXP", scale=float(np.log(_number(x))))
    elif _number(y) in (2.0, 3.0):  # a power of a negative number is undefined on some processors
        site.add("multiply", *[x.name] * int(_number(y)))
    else:
        add_unary(site, x.name, site.name, "POWER", alpha=_number(y))


@emits("maximum", unless=_spread_by_channels)
def maximum(site: NetworkSite, x: Operand, y: Operand) -> None:
    """The larger of two."""
    tensor, constant = (x, y) if y.is_constant else (y, x)
    if _is_number(constant):
        add_maximum(site, tensor.name, site.name, _number(constant))
    else:
        _combine(site, "max", x, y)


@emits("minimum", unless=_spread_by_channels)
def minimum(site: NetworkSite, x: Operand, y: Operand) -> None:
    """The smaller of two."""
    tensor, constant = (x, y) if y.is_constant else (y, x)
    if _is_number(constant):
        add_minimum(site, tensor.name, site.name, _number(constant))
    else:
        _combine(site, "min", x, y)


def _combine(site: NetworkSite, kind: str, x: Operand, y: Operand) -> None:
    """The larger tensor first: the output has its shape."""
    rank = max(len(item.shape) for item in (x, y))
    ordered = sorted((x, y), key=lambda item: extent(item.shape), reverse=True)
    site.add(kind, *(site.value(item, rank) for item in ordered))


def _shift(site: NetworkSite, x: Operand, constant: Operand, sign: float) -> None:
    values = sign * site.constant(constant, len(x.shape))
    if values.size == 1:
        add_linear(site, x.name, site.name, 1.0, float(values.reshape(())))
    else:
        _bias(site, x.name, values)


def _bias(site: NetworkSite, x: str, values: Array) -> None:
    values = storable(values, plane(site.shape))
    parameters = site.add("bias", x)
    parameters.shape.extend(values.shape)
    site.store(parameters.bias, values, "bias")


def _scale(site: NetworkSite, x: str, values: Array) -> None:
    if values.size == 1:
        add_linear(site, x, site.name, float(values.reshape(())))
        return
    values = storable(values, plane(site.shape))
    parameters = site.add("scale", x)
    parameters.shapeScale.extend(values.shape)
    site.store(parameters.scale, values, "scale")
