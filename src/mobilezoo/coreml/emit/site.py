"""What an emitter sees: one node, the layout of its tensors, and its weights ready to write."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Any, TypeVar

import numpy as np

from mobilezoo.coreml.emit.arranging import parts, together
from mobilezoo.coreml.names import helper
from mobilezoo.coreml.weight_file import WeightFile
from mobilezoo.errors import InvalidArgumentError
from mobilezoo.graph import Node
from mobilezoo.graph.node import Array, Shape

_Item = TypeVar("_Item")


class Layout(Enum):
    """Axis order of a tensor with spatial axes (rank 3 and more); others are in Keras's order."""

    KERAS = "batch, spatial axes, channels"
    CHANNELS_FIRST = "batch, channels, spatial axes"  # MIL's own
    EITHER = "an emitter that works in both"

    def axes(self, rank: int) -> tuple[int, ...]:
        """Keras's axes in the order of this layout."""
        if self is Layout.CHANNELS_FIRST and rank >= MIXED_RANK:
            return (0, rank - 1, *range(1, rank - 1))
        return tuple(range(rank))

    def axis(self, axis: int, rank: int) -> int:
        """Where Keras's `axis` of a tensor of `rank` stands in this layout."""
        return self.axes(rank).index(axis)

    def shape(self, shape: tuple[_Item, ...]) -> tuple[_Item, ...]:
        """A Keras shape, or one item per axis, in this layout."""
        return tuple(shape[axis] for axis in self.axes(len(shape)))


MIXED_RANK = 3  # from here on the two layouts differ
# Attribute of a reshape and the dense nodes that read it: (h, w, c) of a picture whose elements
# stay channels-first.
FLATTENED = "flattened"


@dataclass(frozen=True)
class Site:
    """The node that is being written, and where.

    Attributes:
        node: the operation; shapes and axes in Keras's order.
        name: the name of the MIL operation.
        layout: of the inputs that the emitter gets and of the output that it makes.
        dtype: of weights and activations.
        shape: of the output, in Keras's order, None where the app chooses.
        file: takes large weights, whose values are computed later; None for a file that has its
            weights in itself.
    """

    node: Node
    name: str
    layout: Layout
    dtype: type[np.floating[Any]]
    shape: Shape
    file: WeightFile | None

    def __getitem__(self, attribute: str) -> Any:
        """An attribute of the node."""
        return self.node.attributes[attribute]

    def axis(self, axis: int) -> int:
        """Keras's axis of a tensor of the output's rank, in this layout."""
        return self.layout.axis(axis, len(self.shape))

    def helper(self, suffix: str) -> str:
        """Name of an operation besides the one that carries the node's name."""
        return helper(self.name, suffix)

    def number(self, value: float) -> np.floating[Any]:
        """A scalar in the type of the activations."""
        return self.dtype(value)

    def cast_type(self) -> str:
        """MIL's name of the output's type."""
        dtype = self.node.output.dtype
        if dtype.startswith(("int", "uint")):
            return "int32"
        return "fp16" if self.dtype is np.float16 else "fp32"

    def weight(
        self, role: str, axes: tuple[int, ...] | None = None, shape: tuple[int, ...] | None = None
    ) -> Array:
        """A weight in the file's precision, seen in `shape`, transposed by `axes`, contiguous."""
        seen, made = self._shapes(role, axes, shape)
        return together(self._parts(role, axes, seen), made, self.dtype)

    def hollow(
        self, role: str, axes: tuple[int, ...] | None = None, shape: tuple[int, ...] | None = None
    ) -> Array:
        """As `weight`, but a large one has no values until it is written; it may be reshaped."""
        if self.file is None:
            return self.weight(role, axes, shape)
        seen, made = self._shapes(role, axes, shape)
        source = self.node.weights[role].source
        same = (source, axes, shape) if source else None
        return self.file.later(partial(self._parts, role, axes, seen), made, self.dtype, same)

    def _shapes(
        self, role: str, axes: tuple[int, ...] | None, shape: tuple[int, ...] | None
    ) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Of a weight before and after it is transposed."""
        seen = self.node.weights[role].shape if shape is None else shape
        return seen, seen if axes is None else tuple(seen[axis] for axis in axes)

    def _parts(
        self, role: str, axes: tuple[int, ...] | None, shape: tuple[int, ...]
    ) -> Iterator[Array]:
        weight = self.node.weights[role]
        values, scale = (weight.read(), None) if weight.factors is None else weight.factors()
        check = partial(self._check_finite, role)
        return parts(values.reshape(shape), axes, self.dtype, check, scale)

    def bias(self) -> dict[str, Array]:
        """The keyword for a bias, if the node has one."""
        return {"bias": self.weight("bias")} if "bias" in self.node.weights else {}

    def cast(self, values: Array, role: str) -> Array:
        """Values in the file's precision; what it cannot hold is an error, not an infinity."""
        check = partial(self._check_finite, role)
        return together(parts(values, None, self.dtype, check), values.shape, self.dtype)

    def _check_finite(self, role: str, values: Array) -> None:
        if values.size == 0:
            return
        largest = max(abs(float(values.max())), abs(float(values.min())))
        limit = float(np.finfo(self.dtype).max)
        if not largest <= limit:  # NaN is not <= either
            what = "NaN" if np.isnan(largest) else f"{largest:g}"
            raise InvalidArgumentError(
                f"'{role}' of layer '{'+'.join(self.node.layers) or self.node.name}' holds {what}; "
                f"{np.dtype(self.dtype).name} reaches {limit:g}. "
                + ("Train again; the weights are broken." if np.isnan(largest) or largest > 3e38
                   else "Export with precision='float32'.")
            )  # fmt: skip


Emitter = Callable[..., Any]
LayoutChoice = Layout | Callable[[Node], Layout]


@dataclass(frozen=True)
class Registered:
    """An emitter and the layout in which it wants its tensors."""

    emit: Emitter
    layout: LayoutChoice

    def layout_for(self, node: Node) -> Layout:
        """The layout for this node."""
        return self.layout if isinstance(self.layout, Layout) else self.layout(node)


EMITTERS: dict[str, Registered] = {}


def emits(kind: str, layout: LayoutChoice) -> Callable[[Emitter], Emitter]:
    """Register `emit(site, *inputs) -> MIL variable` for nodes of `kind`."""

    def register(emit: Emitter) -> Emitter:
        if kind in EMITTERS:
            raise ValueError(f"two emitters for {kind!r}")
        EMITTERS[kind] = Registered(emit, layout)
        return emit

    return register
