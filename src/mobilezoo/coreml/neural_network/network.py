"""The walk over the graph: inputs, layers, outputs, labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from coremltools import proto

from mobilezoo._protobuf import Pieces
from mobilezoo.coreml.emit.site import Layout
from mobilezoo.coreml.flexibility import SPECIFICATION_VERSION as FLEXIBLE_VERSION
from mobilezoo.coreml.interface import Input, Interface
from mobilezoo.coreml.names import program_names
from mobilezoo.coreml.neural_network.planes import TO_CHANNELS_FIRST, TO_CHANNELS_LAST
from mobilezoo.coreml.neural_network.support import one_example
from mobilezoo.coreml.neural_network.table import (
    NETWORK_EMITTERS,
    NetworkSite,
    Operand,
    append,
    free_name,
)
from mobilezoo.coreml.neural_network.weights import store
from mobilezoo.coreml.package import set_content_hash
from mobilezoo.coreml.precision import Precision
from mobilezoo.data.preprocessing import Preprocessing
from mobilezoo.graph import Graph, Node

if TYPE_CHECKING:
    from coremltools.proto import Model_pb2

_SCALER_BIASES = {1: ("grayBias",), 3: ("redBias", "greenBias", "blueBias")}


class Precisions(NamedTuple):
    """Of a network.

    Attributes:
        dtype: of weights that are not in few bits.
        version: of the specification that it needs.
        of: the precision of a node's kernel.
    """

    dtype: type[np.floating[Any]]
    version: int
    of: Callable[[Node], Precision]


def emit_network(
    graph: Graph,
    interface: Interface,
    precisions: Precisions,
    description: Model_pb2.ModelDescription,
) -> Model_pb2.Model:
    """A neural network of classic layers that computes `graph`.

    Args:
        graph: folded and expressible; the batch becomes 1.
        interface: features of the Core ML model.
        precisions: of weights.
        description: of the features.
    """
    model = proto.Model_pb2.Model()
    free = any(item.choices is not None for item in interface.inputs)
    least = FLEXIBLE_VERSION if free else 1
    model.specificationVersion = max(precisions.version, least)
    model.description.CopyFrom(description)
    labels = interface.labels
    network = model.neuralNetwork if labels is None else model.neuralNetworkClassifier
    network.SetInParent()
    walk = _Walk(network, precisions, program_names(graph))
    walk.reserve(interface)
    for item in interface.inputs:
        walk.enter(item)
    for node in graph.nodes:
        walk.add(node, is_output=node.name in graph.outputs)
    outputs = list(interface.outputs)
    if labels is not None:
        probabilities, _ = outputs.pop(0)
        network.labelProbabilityLayerName = walk.values[probabilities].name
        network.stringClassLabels.vector.extend(labels)
    for tensor, feature in outputs:
        walk.leave(walk.values[tensor], feature)
    return model


def write_network(model: Model_pb2.Model, path: Path) -> None:
    """Write a model as a file; the same model gives the same bytes."""
    set_content_hash(model, {})
    with path.open("wb") as file:
        file.writelines(Pieces(model))


@dataclass
class _Walk:
    """The values made so far."""

    network: Any
    precisions: Precisions
    names: dict[str, str]
    values: dict[str, Operand] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)

    def reserve(self, interface: Interface) -> None:
        """Names that features and nodes have are not free for helpers."""
        features = (feature for _, feature in interface.outputs)
        inputs = (item.feature for item in interface.inputs)
        self.taken.update(self.names.values(), features, inputs)

    def enter(self, item: Input) -> None:
        """Input feature -> the tensor that the network takes."""
        name, shape = item.feature, item.keras_shape
        if item.preprocessing is not None:
            name = self._prepare(name, item.default[-1], item.preprocessing)
        elif len(shape) > 2:
            name = self._free(item.feature, "channels_first")
            self._add("permute", name, item.feature).axis.extend(TO_CHANNELS_FIRST)
        self.values[item.tensor] = Operand(name, shape)

    def add(self, node: Node, *, is_output: bool) -> None:
        """Emit one node."""
        shape, name = one_example(node.output.shape), self.names[node.name]
        if node.kind == "constant":
            self.values[node.name] = Operand(name, shape, node.weights["value"])
            return
        if is_output and len(shape) > 2:
            name = self._free(name, "inner")  # the output itself is in Keras's order
        site = NetworkSite(
            node, name, Layout.CHANNELS_FIRST, self.precisions.dtype, shape, None,
            self.network.layers, self.taken, self.precisions.of(node),
        )  # fmt: skip
        operands = [self.values[tensor] for tensor in node.inputs]
        made = NETWORK_EMITTERS[node.kind].emit(site, *operands)
        self.values[node.name] = Operand(made or name, shape)

    def leave(self, value: Operand, feature: str) -> None:
        """A tensor of the network -> output feature: in Keras's order, under its name."""
        if len(value.shape) > 2:
            self._add("permute", feature, value.name).axis.extend(TO_CHANNELS_LAST)
        elif value.name != feature:
            self._add("activation", feature, value.name).linear.alpha = 1.0

    def _prepare(self, image: str, channels: int, record: Preprocessing) -> str:
        """Pixels by the scaler if one scale serves all channels, else by a layer, too."""
        mean, scale = (
            np.broadcast_to(np.asarray(values, np.float64), channels)
            for values in (record.mean, record.scale)
        )
        common = float(scale[0]) if np.all(scale == scale[0]) else 1.0
        if common != 1 or mean.any():
            item = self.network.preprocessing.add(featureName=image)
            item.scaler.channelScale = common
            order = _SCALER_BIASES[channels][:: -1 if record.bgr else 1]
            for name, bias in zip(order, -mean * common, strict=True):
                setattr(item.scaler, name, bias)
        if np.all(scale == scale[0]):
            return image
        scaled = self._free(image, "scaled")
        parameters = self._add("scale", scaled, image)
        parameters.shapeScale.append(channels)
        store(parameters.scale, scale.astype(self.precisions.dtype))
        return scaled

    def _add(self, kind: str, name: str, *inputs: str) -> Any:
        return append(self.network.layers, kind, name, *inputs)

    def _free(self, name: str, suffix: str) -> str:
        return free_name(name, suffix, self.taken)
