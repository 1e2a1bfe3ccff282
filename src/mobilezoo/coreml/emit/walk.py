"""The walk over the graph: lay out, emit, compare the shape, go on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from coremltools.converters.mil.mil.types.symbolic import is_symbolic

from mobilezoo.coreml.emit.builder import mb
from mobilezoo.coreml.emit.site import EMITTERS, FLATTENED, MIXED_RANK, Layout, Site
from mobilezoo.coreml.interface import Interface
from mobilezoo.coreml.names import helper
from mobilezoo.coreml.precision import Precision
from mobilezoo.coreml.weight_file import WeightFile
from mobilezoo.errors import MobilezooError
from mobilezoo.graph import Graph, Node
from mobilezoo.graph.node import Array, Shape

_CONSTANTS = {"bool": np.bool_, "int32": np.int32, "int64": np.int32}  # others are floats
_PICTURE_RANK = 4


@dataclass
class Value:
    """A tensor of the program in one layout, and in the other one once somebody asked."""

    name: str
    layouts: dict[Layout, Any]
    shape: Shape  # in Keras's order, None where the app chooses
    # (h, w, c) of the picture whose elements it holds, channels first; None where Keras has them so
    flattened: Shape | None = None

    @property
    def layout(self) -> Layout:
        """That in which it was made."""
        return next(iter(self.layouts))

    @property
    def lies_in_order(self) -> bool:
        """Whether the elements follow each other alike in both layouts."""
        *spatial, channels = self.shape[1:]
        return channels == 1 or all(size == 1 for size in spatial)

    def get(self, layout: Layout, rank: int) -> Any:
        """The variable in a layout; `rank` is that of the tensors it is combined with."""
        if len(self.shape) < MIXED_RANK or layout is Layout.EITHER:
            return self.layouts[self.layout]
        if layout not in self.layouts:
            source = self.layouts[self.layout]
            to_first = layout is Layout.CHANNELS_FIRST
            name = helper(self.name, "channels_first" if to_first else "channels_last")
            self.layouts[layout] = self._reordered(source, to_first, name)
        return self.layouts[layout]

    def _reordered(self, source: Any, to_first: bool, name: str) -> Any:
        first = Layout.CHANNELS_FIRST.axes(len(self.shape))
        target = (Layout.CHANNELS_FIRST if to_first else Layout.KERAS).shape(self.shape)
        if self.lies_in_order and target.count(None) <= 1:
            shape = [-1 if size is None else size for size in target]
            return mb.reshape(x=source, shape=shape, name=name)
        perm = first if to_first else tuple(np.argsort(first))
        return mb.transpose(x=source, perm=perm, name=name)


@dataclass(frozen=True)
class Constant:
    """An array that takes the layout of what it is combined with."""

    array: Array
    shape: Shape
    layout: Layout = Layout.EITHER

    def get(self, layout: Layout, rank: int) -> Array:
        """The array in a layout, with as many axes as the tensors that it is combined with."""
        if layout is not Layout.CHANNELS_FIRST or rank < MIXED_RANK or self.array.ndim == 0:
            return self.array
        full = self.array.reshape((1,) * (rank - self.array.ndim) + self.array.shape)
        return np.ascontiguousarray(full.transpose(layout.axes(rank)))


@dataclass
class Walk:
    """Emits node after node.

    Attributes:
        graph: that is being emitted.
        interface: says which axes the app chooses.
        readers: of each of its tensors.
        names: of its tensors in the program.
        precision: of weights and activations.
        weights: takes the values of large constants.
        values: the tensors emitted so far.
    """

    graph: Graph
    interface: Interface
    readers: Mapping[str, Sequence[Node]]
    names: Mapping[str, str]
    precision: Precision
    weights: WeightFile
    values: dict[str, Any] = field(default_factory=dict)

    def add(self, node: Node) -> None:
        """Emit one node and compare its shape with the one that Keras declares."""
        shape = self.interface.shape(node.output)
        if node.kind == "constant":
            self.values[node.name] = self._constant(node, shape)
            return
        node = self._reading_flattened(self._kept_channels_first(node))
        registered = EMITTERS[node.kind]
        operands = [self.values[name] for name in node.inputs]
        layout = registered.layout_for(node)
        if layout is Layout.EITHER:
            layout = _common_layout(operands)
        site = self._site(node, layout, shape)
        rank = max((len(operand.shape) for operand in operands), default=0)
        read = [operand.get(layout, rank) for operand in operands]
        made = registered.emit(site, *read)
        self.weights.pour(made, read)
        made_layout = layout if len(shape) == rank else Layout.KERAS  # a reduction keeps one kind
        _check_shape(node, tuple(made.shape), made_layout.shape(shape))
        flattened = node.attributes.get(FLATTENED) if node.kind == "reshape" else None
        self.values[node.name] = Value(site.name, {made_layout: made}, shape, flattened)

    def _site(self, node: Node, layout: Layout, shape: Shape) -> Site:
        name = self.names[node.name]
        return Site(node, name, layout, self.precision.dtype, shape, self.weights)

    def _constant(self, node: Node, shape: Shape) -> Constant:
        kind = _CONSTANTS.get(node.output.dtype)
        if kind is not None:
            return Constant(node.weights["value"].read().astype(kind), shape)
        site = self._site(node, Layout.EITHER, shape)
        return Constant(site.weight("value"), shape)

    def _kept_channels_first(self, node: Node) -> Node:
        """A picture that is flattened for dense layers only need not be transposed for it.

        before   transpose -> reshape (n, h * w * c) -> dense
        after    reshape (n, c * h * w) -> dense, the rows of whose kernel are in that order
        """
        if node.kind != "reshape" or len(node.output.shape) != 2:
            return node
        source = self.values[node.inputs[0]]
        readers = self.readers.get(node.name, ())
        dense_only = readers and all(reader.kind == "dense" for reader in readers)
        if (
            dense_only
            and node.name not in self.graph.outputs
            and isinstance(source, Value)
            and len(source.shape) == _PICTURE_RANK
            and source.layout is Layout.CHANNELS_FIRST
            and Layout.KERAS not in source.layouts
            and not source.lies_in_order
            and None not in source.shape[1:]
        ):
            return replace(node, attributes={FLATTENED: source.shape[1:]})
        return node

    def _reading_flattened(self, node: Node) -> Node:
        source = self.values.get(node.inputs[0]) if node.inputs else None
        if not isinstance(source, Value) or source.flattened is None:
            return node
        return replace(node, attributes={**node.attributes, FLATTENED: source.flattened})


def _common_layout(operands: list[Any]) -> Layout:
    """Channels first where a picture already is, unless a tensor of lower rank joins in."""
    tensors = [operand for operand in operands if isinstance(operand, Value)]
    ranks = {len(tensor.shape) for tensor in tensors}
    first = any(tensor.layout is Layout.CHANNELS_FIRST for tensor in tensors)
    return Layout.CHANNELS_FIRST if first and len(ranks) == 1 else Layout.KERAS


def _check_shape(node: Node, made: tuple[Any, ...], declared: Shape) -> None:
    """`made` has a symbol for each size that the app chooses."""
    known = tuple(None if is_symbolic(size) else int(size) for size in made)
    if known != declared:
        raise MobilezooError(
            f"Bug in the emitter for '{node.kind}': it made {known} for '{node.name}', Keras "
            f"declares {declared}. Please report this with the layer's configuration."
        )
