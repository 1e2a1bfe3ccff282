"""Pooling over windows and reductions over axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mobilezoo.coreml.neural_network.borders import set_padding, windows
from mobilezoo.coreml.neural_network.planes import plane, position
from mobilezoo.coreml.neural_network.shaping import NEEDS_SIDES, reshaped
from mobilezoo.coreml.neural_network.table import NetworkSite, Operand, emits
from mobilezoo.graph import Node
from mobilezoo.graph.node import Shape

# axes of (channels, height, width) that one layer reduces
_TOGETHER = {(0,): "C", (1,): "H", (2,): "W", (1, 2): "HW", (0, 1, 2): "CHW"}


def _pool(kind: str, mode: str) -> None:
    @emits(kind)
    def pool(site: NetworkSite, x: Operand) -> None:
        size, strides = ((1, *site[role])[-2:] for role in ("pool_size", "strides"))
        parameters = site.add("pooling", x.name)
        parameters.type = parameters.PoolingType.Value(mode)
        parameters.kernelSize.extend(size)
        parameters.stride.extend(strides)
        parameters.avgPoolExcludePadding = mode == "AVERAGE"
        borders = windows(site["padding"], x.plane[1:], size, strides)
        set_padding(parameters, borders)


_pool("max_pool", "MAX")
_pool("avg_pool", "AVERAGE")


def _moves_free_sides(node: Node, operands: Sequence[Operand]) -> str:
    """A reduced axis that the others close up behind, some of which the app chooses."""
    return NEEDS_SIDES if None in node.output.shape[1:] and _moves(node, operands[0]) else ""


def _moves(node: Node, x: Operand) -> bool:
    axes = node.attributes.get("axes") or (node.attributes["axis"],)
    return plane(_kept(x.shape, axes)) != plane(node.output.shape)


def _kept(shape: Shape, axes: Sequence[int]) -> Shape:
    return tuple(1 if axis in axes else size for axis, size in enumerate(shape))


def _reduction(kind: str, mode: str) -> None:
    @emits(kind, unless=_moves_free_sides)
    def reduce(site: NetworkSite, x: Operand) -> str | None:
        return _reduced(site, x, site["axes"], mode)


_reduction("reduce_mean", "AVG")
_reduction("reduce_max", "MAX")
_reduction("reduce_min", "MIN")
_reduction("reduce_prod", "PROD")
_reduction("reduce_sum", "SUM")


@emits("argmax", unless=_moves_free_sides)
def argmax(site: NetworkSite, x: Operand) -> str | None:
    """Position of the largest along an axis."""
    return _reduced(site, x, (site["axis"],), "ARGMAX")


def _reduced(site: NetworkSite, x: Operand, axes: Sequence[int], mode: str) -> str | None:
    """Reduce, and reshape where the axes that are left stand elsewhere in the network."""
    rank = len(x.shape)
    kept = _kept(x.shape, axes)
    moves = plane(kept) != plane(site.shape)
    places = tuple(sorted(position(axis, rank) for axis in axes))
    steps = [places] if places in _TOGETHER else [(place,) for place in places]
    made = x
    for i, step in enumerate(steps):
        last = i == len(steps) - 1
        name = site.name if last and not moves else site.helper("kept" if last else "inner")
        made = replace(made, name=add_reduction(site, made, name, step, mode))
    return reshaped(site, made.name, kept) if moves else None


def add_reduction(
    site: NetworkSite, x: Operand, made: str, places: tuple[int, ...], mode: str
) -> str:
    """Append one layer that reduces places of (channels, height, width). Returns `made`.

    Means and maxima of whole pictures are pooled, as classic networks do.
    """
    if places == (1, 2) and mode in ("AVG", "MAX"):
        pooling = site.add("pooling", x.name, name=made)
        pooling.type = pooling.PoolingType.Value("AVERAGE" if mode == "AVG" else "MAX")
        pooling.globalPooling = True
        pooling.kernelSize.extend(side or 1 for side in x.plane[1:])  # Core ML ignores it
        pooling.stride.extend((1, 1))
        pooling.valid.SetInParent()
        return made
    parameters = site.add("reduce", x.name, name=made)
    parameters.mode = parameters.ReduceOperation.Value(mode)
    parameters.axis = parameters.ReduceAxis.Value(_TOGETHER[places])
    return made
