"""A Keras model as a flat list of inference operations.

Shapes and axes are Keras's own (batch first, channels last). Weights are read only when
somebody asks for their values, so that a graph of a network costs no memory.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Shape = tuple[int | None, ...]


@dataclass(frozen=True)
class TensorSpec:
    """Name, shape (batch first, `None` where it is free) and dtype of a tensor."""

    name: str
    shape: Shape
    dtype: str = "float32"


@dataclass(frozen=True)
class Weight:
    """An array that is read when it is needed.

    Attributes:
        shape: in Keras's layout.
        read: returns the values, float32 or wider for trained weights.
        source: what they are computed from, such as a variable: weights of equal sources hold the
            same values, as those of a layer that is called twice. Empty where that is not known.
        factors: where `read` would compute a product: returns what is multiplied, an array of
            `shape` and one that broadcasts against it. None otherwise.
    """

    shape: tuple[int, ...]
    read: Callable[[], Array] = field(repr=False, compare=False)
    source: tuple[Hashable, ...] = field(default=(), repr=False, compare=False)
    factors: Callable[[], tuple[Array, Array]] | None = field(
        default=None, repr=False, compare=False
    )

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @classmethod
    def of(cls, array: npt.ArrayLike) -> Weight:
        """A weight that holds `array`."""
        values = np.asarray(array)
        return cls(values.shape, lambda: values)


@dataclass(frozen=True)
class Node:
    """One operation with one output, which carries the node's name.

    Attributes:
        kind: what is computed, such as "conv" or "reduce_mean"; see `docs/operations.md`.
        inputs: names of the tensors it reads.
        output: the tensor it makes; `output.name` is the node's name.
        attributes: the operation's parameters, in Keras's axis order.
        weights: by role: "kernel", "bias", "gamma", "value", ...
        layers: paths of the Keras layers whose work it does, in order of their calls.
    """

    kind: str
    inputs: tuple[str, ...]
    output: TensorSpec
    attributes: Mapping[str, Any] = field(default_factory=dict)
    weights: Mapping[str, Weight] = field(default_factory=dict)
    layers: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Name of the node and of the tensor it makes."""
        return self.output.name


@dataclass(frozen=True)
class Graph:
    """Nodes in an order in which they can be computed.

    Attributes:
        name: the model's name.
        inputs: the tensors that the caller provides.
        nodes: topologically sorted.
        outputs: names of the tensors that the model returns.
        layer_outputs: path of a Keras layer call ("backbone/conv1", "dense:2" for the second
            call of a shared layer) -> name of the tensor that it returned.
    """

    name: str
    inputs: tuple[TensorSpec, ...]
    nodes: tuple[Node, ...]
    outputs: tuple[str, ...]
    layer_outputs: Mapping[str, str] = field(default_factory=dict)

    def spec(self, name: str) -> TensorSpec:
        """Shape and dtype of the tensor called `name`."""
        return self.specs()[name]

    def specs(self) -> dict[str, TensorSpec]:
        """All tensors by name."""
        return {item.name: item for item in (*self.inputs, *(node.output for node in self.nodes))}

    def consumers(self) -> dict[str, list[Node]]:
        """The nodes that read each tensor; tensors that nobody reads are absent."""
        readers: dict[str, list[Node]] = {}
        for node in self.nodes:
            for name in dict.fromkeys(node.inputs):
                readers.setdefault(name, []).append(node)
        return readers
