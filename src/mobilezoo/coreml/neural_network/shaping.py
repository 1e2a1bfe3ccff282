"""Operations that move values and compute nothing."""

from __future__ import annotations

from collections.abc import Sequence

from mobilezoo.coreml.neural_network.borders import set_borders
from mobilezoo.coreml.neural_network.planes import AXIS_NAMES, known, lies_in_order, plane, position
from mobilezoo.coreml.neural_network.table import NetworkSite, Operand, emits
from mobilezoo.graph import Node
from mobilezoo.graph.node import Shape

_LONGEST_FLIP = 32


NEEDS_SIDES = "classic layers do this for known sides only; leave flexible= out"


def _has_free_sides(node: Node, operands: Sequence[Operand]) -> str:
    moves = operands[0].plane != plane(node.output.shape)
    return NEEDS_SIDES if moves and None in node.output.shape[1:] else ""


@emits("reshape", unless=_has_free_sides)
def reshape(site: NetworkSite, x: Operand) -> str | None:
    """Another shape for the same elements, in Keras's row-major order."""
    return reshaped(site, x.name, x.shape)


def reshaped(site: NetworkSite, x: str, shape: Shape) -> str | None:
    """The node's shape for the value `x` of Keras's `shape`; the value itself if it lies so."""
    target = plane(site.shape)
    if plane(shape) == target:
        return x
    in_order = lies_in_order(shape) and lies_in_order(site.shape)
    order = "CHANNEL_FIRST" if in_order else "CHANNEL_LAST"
    if len(site.shape) == 2:
        flatten = site.add("flatten", x)
        flatten.mode = flatten.FlattenOrder.Value(order)
        return None
    parameters = site.add("reshape", x)
    parameters.targetShape.extend(known(target))
    parameters.mode = parameters.ReshapeOrder.Value(order)
    return None


@emits("transpose")
def transpose(site: NetworkSite, x: Operand) -> None:
    """Axis i of the output is axis axes[i] of the input."""
    rank = len(x.shape)
    order = [0, 1, 2]
    for made, read in enumerate(site["axes"]):
        if made:
            order[position(made, rank)] = position(read, rank)
    site.add("permute", x.name).axis.extend((0, *(1 + place for place in order)))


@emits("concat")
def concat(site: NetworkSite, *operands: Operand) -> str:
    """Tensors joined along an axis."""
    rank = len(site.shape)
    names = [site.value(operand, rank) for operand in operands]
    return _join(site, names, position(site["axis"], rank), site.name)


def _join(site: NetworkSite, names: Sequence[str], place: int, made: str) -> str:
    """Join along a place of (channels, height, width), which the channels leave meanwhile."""
    if len(names) == 1:
        return names[0]
    order = swapped_with_channels(place)
    if order is None:
        site.add("concat", *names, name=made)
        return made
    swapped = [permuted(site, name, order, site.helper("swapped")) for name in names]
    joined = site.helper("joined")
    site.add("concat", *swapped, name=joined)
    return permuted(site, joined, order, made)


def permuted(site: NetworkSite, x: str, order: Sequence[int], made: str) -> str:
    """Append a permute layer. Returns `made`."""
    site.add("permute", x, name=made).axis.extend(order)
    return made


def swapped_with_channels(place: int) -> tuple[int, ...] | None:
    """The order that exchanges a place of (channels, height, width) with the channels."""
    return {0: None, 1: (0, 2, 1, 3), 2: (0, 3, 2, 1)}[place]


@emits("pad")
def pad(site: NetworkSite, x: Operand) -> str | None:
    """A constant around the tensor; channels take the place of the height meanwhile."""
    rank = len(x.shape)
    widths: list[tuple[int, int]] = [(0, 0)] * 3
    for axis in range(1, rank):
        widths[position(axis, rank)] = site["widths"][axis]
    name, channels, borders = x.name, any(widths[0]), any(map(any, widths[1:]))
    if borders:
        name = _padded(site, name, widths[1:], site.helper("inner") if channels else site.name)
    if channels:
        order = swapped_with_channels(1)
        assert order is not None
        swapped = permuted(site, name, order, site.helper("swapped"))
        padded = _padded(site, swapped, [widths[0], (0, 0)], site.helper("padded"))
        name = permuted(site, padded, order, site.name)
    return name


def _padded(site: NetworkSite, x: str, widths: Sequence[tuple[int, int]], made: str) -> str:
    parameters = site.add("padding", x, name=made)
    parameters.constant.value = site["value"]
    set_borders(parameters.paddingAmounts, widths)
    return made


@emits("crop")
def crop(site: NetworkSite, x: Operand) -> None:
    """The ends of axes taken off."""
    set_borders(site.add("crop", x.name).cropAmounts, ((0, 0), *site["widths"][1:-1])[-2:])


@emits("slice")
def slice_(site: NetworkSite, x: Operand) -> str | None:
    """From `begin` to `end` in `strides`, one layer for each axis that is cut."""
    rank = len(x.shape)
    cut = [axis for axis in range(1, rank) if x.shape[axis] != site.shape[axis]]
    name = x.name
    for axis in cut:
        made = site.name if axis == cut[-1] else site.helper("inner")
        begin, end, stride = (site[role][axis] for role in ("begin", "end", "strides"))
        name = _cut(site, name, position(axis, rank), begin, end, stride, made)
    return name


def _cut(
    site: NetworkSite, x: str, place: int, begin: int, end: int, stride: int, made: str
) -> str:
    parameters = site.add("slice", x, name=made)
    parameters.startIndex, parameters.endIndex, parameters.stride = begin, end, stride
    parameters.axis = parameters.SliceAxis.Value(AXIS_NAMES[place])
    return made


@emits("gather")
def gather(site: NetworkSite, x: Operand) -> str:
    """Fixed positions along an axis: what lies in a row is cut out at once, then joined."""
    place = position(site["axis"], len(x.shape))
    runs: list[list[int]] = []
    for index in site["indices"]:
        if runs and runs[-1][-1] + 1 == index:
            runs[-1].append(index)
        else:
            runs.append([index])
    parts = [_cut(site, x.name, place, run[0], run[-1] + 1, 1, site.helper("rows")) for run in runs]
    return _join(site, parts, place, site.name)


def _longest_flip(node: Node, operands: Sequence[Operand]) -> str:
    sides = [operands[0].shape[axis] for axis in node.attributes["axes"]]
    longest = max(size or 0 for size in sides)
    if None in sides:
        return NEEDS_SIDES
    if longest <= _LONGEST_FLIP:
        return ""
    return f"{longest} elements are turned round, each by a layer; {_LONGEST_FLIP} are possible"


@emits("flip", unless=_longest_flip)
def flip(site: NetworkSite, x: Operand) -> str:
    """Axes in reverse order, element by element: such as reflected borders have."""
    name, axes = x.name, site["axes"]
    for axis in axes:
        made = site.name if axis == axes[-1] else site.helper("inner")
        place = position(axis, len(x.shape))
        parts = [
            _cut(site, name, place, i, i + 1, 1, site.helper("rows"))
            for i in reversed(range(x.shape[axis] or 0))
        ]
        name = _join(site, parts, place, made)
    return name


@emits("tile")
def tile(site: NetworkSite, x: Operand) -> str:
    """So many times along each axis."""
    name, repeats = x.name, site["repeats"]
    axes = [axis for axis, count in enumerate(repeats) if count > 1]
    for axis in axes:
        made = site.name if axis == axes[-1] else site.helper("inner")
        name = _join(site, [name] * repeats[axis], position(axis, len(repeats)), made)
    return name


def _casts_to_integers(node: Node, operands: Sequence[Operand]) -> str:
    return "" if node.output.dtype.startswith("float") else "values stay floating-point numbers"


@emits("cast", unless=_casts_to_integers)
def cast(_: NetworkSite, x: Operand) -> str:
    """All values are floating-point numbers already."""
    return x.name
