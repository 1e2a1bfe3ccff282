"""What an emitter sees: one node, the layout of its tensors, and its weights ready to write."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Any, TypeVar

import numpy as np

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
_MOVED = np.dtype(np.complex128).itemsize  # bytes


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
        values = self.node.weights[role].read()
        self._check_finite(values, role)
        values = values if shape is None else values.reshape(shape)
        return _cast(values, self.dtype) if axes is None else _arranged(values, axes, self.dtype)

    def hollow(
        self, role: str, axes: tuple[int, ...] | None = None, shape: tuple[int, ...] | None = None
    ) -> Array:
        """As `weight`, but a large one has no values until it is written; it may be reshaped."""
        compute = partial(self.weight, role, axes, shape)
        if self.file is None:
            return compute()
        seen = self.node.weights[role].shape if shape is None else shape
        made = seen if axes is None else [seen[axis] for axis in axes]
        source = self.node.weights[role].source
        return self.file.later(compute, made, self.dtype, (source, axes, shape) if source else None)

    def bias(self) -> dict[str, Array]:
        """The keyword for a bias, if the node has one."""
        return {"bias": self.weight("bias")} if "bias" in self.node.weights else {}

    def cast(self, values: Array, role: str) -> Array:
        """Values in the file's precision; what it cannot hold is an error, not an infinity."""
        self._check_finite(values, role)
        return np.ascontiguousarray(_cast(values, self.dtype))

    def _check_finite(self, values: Array, role: str) -> None:
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


def _arranged(
    values: Array, axes: tuple[int, ...], dtype: type[np.floating[Any]], most: int = 1 << 17
) -> Array:
    """A contiguous array of `dtype`, transposed by `axes`; part by part, which spares memory.

    Args:
        values: contiguous.
        axes: of `values`, in the order of the result.
        dtype: of the result.
        most: elements of a part.
    """
    arranged = np.empty([values.shape[axis] for axis in axes], dtype)
    split = axes[1]
    step = max(1, most * values.shape[split] // max(values.size, 1))
    for start in range(0, values.shape[split], step):
        part = slice(start, start + step)
        index = (*(slice(None),) * split, part)
        arranged[:, part] = _transposed(_cast(values[index], dtype), axes)
    return arranged


def _transposed(values: Array, axes: tuple[int, ...]) -> Array:
    """`values.transpose(axes)`; a last axis that comes first is moved 16 bytes at a time.

    One after the other each number would come from, or go to, another line of the cache.
    """
    *front, last = values.shape
    together = _MOVED // values.itemsize
    if axes[0] != len(front) or last % together:
        return values.transpose(axes)
    items = np.ascontiguousarray(values).view(np.complex128).reshape(-1, last // together)
    moved = np.ascontiguousarray(items.T).view(values.dtype).reshape(len(items.T), -1, together)
    first = np.ascontiguousarray(moved.transpose(0, 2, 1)).reshape(last, *front)
    return first.transpose(0, *(1 + axis for axis in axes[1:]))


def _cast(values: Array, dtype: type[np.floating[Any]]) -> Array:
    """`values.astype(dtype)`.

    To float16 with TensorFlow, where it is loaded: NumPy takes 50 times as long over numbers below
    6e-5, of which trained networks are full.
    """
    tensorflow = sys.modules.get("tensorflow")
    if dtype is not np.float16 or values.dtype != np.float32 or tensorflow is None:
        return values.astype(dtype, copy=False)
    with tensorflow.device("CPU:0"):
        return np.asarray(tensorflow.cast(values, tensorflow.float16))
