"""What an emitter of classic layers sees, and the table of emitters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mobilezoo.coreml.emit.site import Site
from mobilezoo.coreml.neural_network.planes import Plane, plane
from mobilezoo.coreml.neural_network.quantization import store_kernel
from mobilezoo.coreml.neural_network.weights import store
from mobilezoo.coreml.precision import Precision
from mobilezoo.graph import Node, Weight
from mobilezoo.graph.node import Array, Shape


@dataclass(frozen=True)
class Operand:
    """A tensor that a node reads.

    Attributes:
        name: of the value in the network.
        shape: in Keras's order, with batch 1, None where the app chooses; a constant's own.
        weight: the values, of a constant.
    """

    name: str
    shape: Shape
    weight: Weight | None = None

    @property
    def is_constant(self) -> bool:
        """Whether it is known when the file is written."""
        return self.weight is not None

    @property
    def plane(self) -> Plane:
        """(channels, height, width)."""
        return plane(self.shape)

    @property
    def channels(self) -> int:
        """Length of the last axis."""
        return self.plane[0]

    @property
    def has_free_sides(self) -> bool:
        """Whether the app chooses some of its sides."""
        return None in self.plane


@dataclass(frozen=True)
class NetworkSite(Site):
    """The node that is being written, and the network that it is written to.

    Attributes:
        layers: of the network, in protobuf.
        taken: names that values of the network have or will have.
        precision: of the file.
    """

    layers: Any
    taken: set[str]
    precision: Precision

    def helper(self, suffix: str) -> str:
        """A free name for a layer besides the one that carries the node's name."""
        return free_name(self.name, suffix, self.taken)

    def add(self, kind: str, *inputs: str, name: str | None = None) -> Any:
        """Append a layer with one output, which carries its name.

        Args:
            kind: its name in the protobuf, such as "innerProduct".
            inputs: the values it reads.
            name: default: that of the node.

        Returns:
            Its parameters, to be filled in.
        """
        return append(self.layers, kind, name or self.name, *inputs)

    def store(self, message: Any, values: Array, role: str) -> None:
        """Values into a `WeightParams`, in the file's precision."""
        store(message, self.cast(values, role))

    def store_kernel(self, message: Any, kernel: Array, *, axis: int = 0) -> None:
        """A kernel that `weight` gave into a `WeightParams`; `axis`: its output channels."""
        store_kernel(message, kernel, self.precision, axis)

    def store_bias(self, parameters: Any) -> None:
        """The node's bias, if it has one, into a layer that can take one."""
        if "bias" in self.node.weights:
            parameters.hasBias = True
            store(parameters.bias, self.weight("bias"))

    def constant(self, operand: Operand, rank: int) -> Array:
        """A constant's values as (channels, height, width), broadcast to tensors of `rank`."""
        assert operand.weight is not None
        values = np.asarray(operand.weight.read())
        full = values.reshape((1,) * (rank - values.ndim) + values.shape)
        *spatial, channels = full.shape[1:]
        return np.moveaxis(full, -1, 1).reshape(channels, *(1,) * (2 - len(spatial)), *spatial)

    def value(self, operand: Operand, rank: int) -> str:
        """Name of an operand's value; a constant gets a layer that loads it."""
        if not operand.is_constant:
            return operand.name
        values = self.constant(operand, rank)
        name = self.helper("constant")
        parameters = self.add("loadConstant", name=name)
        parameters.shape.extend(values.shape)
        self.store(parameters.data, values, "constant")
        return name


def free_name(name: str, suffix: str, taken: set[str]) -> str:
    """A name that nothing has, which is taken from now on."""
    candidate, n = f"{name}_{suffix}", 1
    while candidate in taken:
        n += 1
        candidate = f"{name}_{suffix}_{n}"
    taken.add(candidate)
    return candidate


def append(layers: Any, kind: str, name: str, *inputs: str) -> Any:
    """Append a layer to a network; returns its parameters."""
    layer = layers.add()
    layer.name = name
    layer.input.extend(inputs)
    layer.output.append(name)
    parameters = getattr(layer, kind)
    parameters.SetInParent()  # a layer without parameters says its kind, too
    return parameters


# An emitter appends layers; it returns the name of another value if that is the node's.
Emitter = Callable[..., str | None]
# Why classic layers cannot express a node, "" if they can.
Objection = Callable[[Node, Sequence[Operand]], str]


@dataclass(frozen=True)
class Registered:
    """An emitter and what it cannot express."""

    emit: Emitter
    objection: Objection


NETWORK_EMITTERS: dict[str, Registered] = {}


def emits(
    kind: str, *, unless: Objection = lambda node, operands: ""
) -> Callable[[Emitter], Emitter]:
    """Register `emit(site, *operands)` for nodes of `kind`.

    Args:
        kind: of the nodes.
        unless: says why a node cannot be expressed, "" if it can.
    """

    def register(emit: Emitter) -> Emitter:
        if kind in NETWORK_EMITTERS:
            raise ValueError(f"two emitters for {kind!r}")
        NETWORK_EMITTERS[kind] = Registered(emit, unless)
        return emit

    return register
