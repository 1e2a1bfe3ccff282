"""Pictures of other sizes, and matrices that are known when the file is written."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mobilezoo.coreml.neural_network.borders import set_borders
from mobilezoo.coreml.neural_network.planes import known, position
from mobilezoo.coreml.neural_network.shaping import NEEDS_SIDES, permuted, swapped_with_channels
from mobilezoo.coreml.neural_network.table import NetworkSite, Operand, emits
from mobilezoo.graph import Node
from mobilezoo.graph.node import Array


@emits("upsample_nearest")
def upsample_nearest(site: NetworkSite, x: Operand) -> None:
    """Each pixel several times."""
    parameters = site.add("upsample", x.name)
    parameters.scalingFactor.extend(site["size"])
    parameters.mode = parameters.InterpolationMode.Value("NN")


@emits("upsample_bilinear")
def upsample_bilinear(site: NetworkSite, x: Operand) -> str:
    """So many times larger, interpolated between the four nearest pixel centres."""
    return _grown(site, x, site["size"])


def _has_free_sides(node: Node, operands: Sequence[Operand]) -> str:
    return NEEDS_SIDES if operands[0].has_free_sides else ""


@emits("resize_bilinear", unless=_has_free_sides)
def resize_bilinear(site: NetworkSite, x: Operand) -> str:
    """Interpolated between the four nearest pixel centres."""
    sizes, sides = site["size"], known(x.plane)[1:]
    if all(made % side == 0 for made, side in zip(sizes, sides, strict=True)):
        return _grown(site, x, [made // side for made, side in zip(sizes, sides, strict=True)])
    inner = site.helper("inner")
    _add_product(site, x.name, 1, _interpolation(sides[0], sizes[0]), inner)
    return _add_product(site, inner, 2, _interpolation(sides[1], sizes[1]), site.name)


def _grown(site: NetworkSite, x: Operand, factors: Sequence[int]) -> str:
    """By whole numbers: a transposed convolution by triangles, the border repeated and cropped."""
    bordered = site.helper("padded")
    padding = site.add("padding", x.name, name=bordered)
    padding.replication.SetInParent()
    set_borders(padding.paddingAmounts, [(1, 1), (1, 1)])
    rows, columns = (_triangle(factor) for factor in factors)
    channels = x.channels
    parameters = site.add("convolution", bordered)
    parameters.isDeconvolution = True
    parameters.outputChannels = parameters.kernelChannels = parameters.nGroups = channels
    parameters.kernelSize.extend((len(rows), len(columns)))
    parameters.stride.extend(factors)
    crop = [(factor + factor // 2, factor + factor // 2) for factor in factors]
    set_borders(parameters.valid.paddingAmounts, crop)
    kernel = np.tile(np.outer(rows, columns), (channels, 1, 1, 1))
    site.store(parameters.weights, kernel, "kernel")
    return site.name


def _triangle(factor: int) -> Array:
    """How much a pixel counts for the pixels around it, `factor` of which replace it."""
    size = 2 * factor - factor % 2
    weights: Array = 1.0 - np.abs(np.arange(size) - (size - 1) / 2) / factor
    return weights


def _interpolation(side: int, made: int) -> Array:
    """(made, side): how much each pixel counts between pixel centres."""
    centres = np.clip((np.arange(made) + 0.5) * side / made - 0.5, 0, side - 1)
    distance = np.abs(centres[:, None] - np.arange(side))
    return np.maximum(1.0 - distance, 0.0)


def _not_by_a_matrix(node: Node, operands: Sequence[Operand]) -> str:
    first, second = operands
    if first.is_constant and len(first.shape) == 2 and len(second.shape) > 2:
        return ""
    return "of two factors the first must be a matrix that is known beforehand"


@emits("matmul", unless=_not_by_a_matrix)
def matmul(site: NetworkSite, matrix: Operand, x: Operand) -> str:
    """matrix (made, side) @ x (..., side, channels)."""
    assert matrix.weight is not None
    place = position(len(x.shape) - 2, len(x.shape))
    return _add_product(site, x.name, place, matrix.weight.read(), site.name)


def _add_product(site: NetworkSite, x: str, place: int, matrix: Array, made: str) -> str:
    """A matrix times a place of (channels, height, width), which the channels leave meanwhile."""
    order = swapped_with_channels(place)
    assert order is not None
    swapped = permuted(site, x, order, site.helper("swapped"))
    product = site.helper("product")
    parameters = site.add("convolution", swapped, name=product)
    parameters.outputChannels, parameters.kernelChannels = matrix.shape
    parameters.nGroups = 1
    parameters.kernelSize.extend((1, 1))
    parameters.valid.SetInParent()
    site.store(parameters.weights, np.asarray(matrix), "kernel")
    return permuted(site, product, order, made)
