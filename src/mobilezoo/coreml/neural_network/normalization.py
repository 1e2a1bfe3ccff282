"""Normalisations that could not be folded, and softmax."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mobilezoo.coreml.neural_network.elementwise import NO_EPSILON, add_linear, add_unary
from mobilezoo.coreml.neural_network.planes import known, position, storable
from mobilezoo.coreml.neural_network.pooling import add_reduction
from mobilezoo.coreml.neural_network.shaping import NEEDS_SIDES, permuted, swapped_with_channels
from mobilezoo.coreml.neural_network.table import NetworkSite, Operand, emits
from mobilezoo.graph import Node, Weight


@emits("batch_norm")
def batch_norm(site: NetworkSite, x: Operand) -> None:
    """x * scale + shift, with the four vectors combined in float64."""
    read = {role: weight.read().astype(np.float64) for role, weight in site.node.weights.items()}
    scale = read.get("gamma", 1.0) / np.sqrt(read["variance"] + site["epsilon"])
    shift = read.get("beta", 0.0) - read["mean"] * scale
    parameters = site.add("scale", x.name)
    parameters.hasBias = True
    sides = [1, 1, 1]
    sides[position(site["axis"], len(x.shape))] = -1
    for values, shape, message in (
        (scale, parameters.shapeScale, parameters.scale),
        (shift, parameters.shapeBias, parameters.bias),
    ):
        spread = storable(values.reshape(sides), x.plane)
        shape.extend(spread.shape)
        site.store(message, spread, "scale")


@emits("local_response_norm")
def local_response_norm(site: NetworkSite, x: Operand) -> None:
    """x / (k + alpha / size * s) ^ beta, s the sum of squares over `size` channels."""
    parameters = site.add("lrn", x.name)
    parameters.alpha, parameters.beta, parameters.k = site["alpha"], site["beta"], site["k"]
    parameters.localSize = site["size"]


@emits("softmax")
def softmax(site: NetworkSite, x: Operand) -> None:
    """exp(x) / sum(exp(x)) over the channels, whose place another axis takes meanwhile."""
    order = swapped_with_channels(position(site["axis"], len(x.shape)))
    if order is None:
        site.add("softmax", x.name)
        return
    swapped = permuted(site, x.name, order, site.helper("swapped"))
    inner = site.helper("inner")
    site.add("softmax", swapped, name=inner)
    permuted(site, inner, order, site.name)


def _groups_of_free_sides(node: Node, operands: Sequence[Operand]) -> str:
    several = node.attributes["groups"] != operands[0].channels
    return NEEDS_SIDES if several and operands[0].has_free_sides else ""


@emits("group_norm", unless=_groups_of_free_sides)
def group_norm(site: NetworkSite, x: Operand) -> str:
    """Groups of channels, each normalised by itself: (c, h, w) -> (groups, c / groups * h, w)."""
    groups, channels = site["groups"], x.channels
    name, has_affine = x.name, bool(site.node.weights)
    if groups != channels:
        _, height, width = known(x.plane)
        name = _reshaped(site, name, (groups, channels // groups * height, width), "grouped")
    name = _standardised(site, name, groups, has_more=groups != channels or has_affine)
    if groups != channels:
        name = _reshaped(site, name, known(x.plane), "normal" if has_affine else "")
    return _affine(site, name, x) if has_affine else name


def _axes_that_do_not_broadcast(node: Node, operands: Sequence[Operand]) -> str:
    rank = len(operands[0].shape)
    if len(node.attributes["axes"]) > 1 and operands[0].has_free_sides:
        return NEEDS_SIDES
    if node.attributes["axes"] in ((rank - 1,), tuple(range(1, rank))):
        return ""
    return f"axes {node.attributes['axes']} are neither the channels nor all"


@emits("layer_norm", unless=_axes_that_do_not_broadcast)
def layer_norm(site: NetworkSite, x: Operand) -> str:
    """gamma * (x - mean) / sqrt(variance + epsilon) + beta, over the channels or all axes."""
    has_affine = bool(site.node.weights)
    if len(site["axes"]) == len(x.shape) - 1 > 1:
        channels, height, width = known(x.plane)
        whole = _reshaped(site, x.name, (1, channels * height, width), "grouped")
        name = _standardised(site, whole, 1, has_more=True)
        name = _reshaped(site, name, known(x.plane), "normal" if has_affine else "")
    else:
        name = _standardised_channels(site, x, site.helper("normal") if has_affine else site.name)
    return _affine(site, name, x) if has_affine else name


def _reshaped(site: NetworkSite, x: str, shape: tuple[int, ...], suffix: str) -> str:
    """The elements in their own order in another shape; without a suffix under the node's name."""
    made = site.helper(suffix) if suffix else site.name
    site.add("reshape", x, name=made).targetShape.extend(shape)
    return made


def _standardised(site: NetworkSite, x: str, channels: int, *, has_more: bool) -> str:
    """Each channel with mean 0 and variance 1."""
    made = site.helper("inner") if has_more else site.name
    parameters = site.add("batchnorm", x, name=made)
    parameters.channels = channels
    parameters.computeMeanVar = parameters.instanceNormalization = True
    parameters.epsilon = max(site["epsilon"], NO_EPSILON)
    site.store(parameters.gamma, np.ones(channels), "gamma")
    site.store(parameters.beta, np.zeros(channels), "beta")
    return made


def _standardised_channels(site: NetworkSite, x: Operand, made: str) -> str:
    """The channels of each pixel with mean 0 and variance 1."""
    mean = add_reduction(site, x, site.helper("mean"), (0,), "AVG")
    negated = add_linear(site, mean, site.helper("negated"), -1.0)
    centred = Operand(site.helper("centred"), x.shape)
    site.add("add", x.name, negated, name=centred.name)
    power = add_reduction(site, centred, site.helper("power"), (0,), "SUMSQUARE")
    inverse = add_unary(
        site, power, site.helper("inverse"), "RSQRT", scale=1 / x.channels, shift=site["epsilon"]
    )
    site.add("multiply", centred.name, inverse, name=made)
    return made


def _affine(site: NetworkSite, normal: str, x: Operand) -> str:
    """gamma * x + beta, along the channels or all axes."""
    weights = site.node.weights
    given = weights["gamma"] if "gamma" in weights else weights["beta"]
    rank = len(x.shape)
    parameters = site.add("scale", normal)
    gamma = Operand("", given.shape, weights.get("gamma", Weight.of(np.ones(given.shape))))
    scale = storable(site.constant(gamma, rank), x.plane)
    parameters.shapeScale.extend(scale.shape)
    site.store(parameters.scale, scale, "gamma")
    if "beta" in weights:
        beta = Operand("", given.shape, weights["beta"])
        bias = storable(site.constant(beta, rank), x.plane)
        parameters.hasBias = True
        parameters.shapeBias.extend(bias.shape)
        site.store(parameters.bias, bias, "beta")
    return site.name
