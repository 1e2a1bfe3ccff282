"""Fold: what a trained network need not do one by one is merged before it is written.

    before                                     after
    pad -> conv(valid)                         conv(explicit padding)
    conv | dense ... -> batch_norm             the same with other weights
    conv | dense ... -> * vector or number     the same with other weights
    conv | dense ... -> [reshape] -> + vector  the same with a bias

The arithmetic is done in float64 for the per-channel vectors and in the kernel's own precision
for the kernel, before any cast to float16.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial

import numpy as np

from mobilezoo.graph.node import Array, Graph, Node, Shape, Weight
from mobilezoo.graph.tidy import tidy, without_unread

_ABSORBS_BATCH_NORM = ("conv", "depthwise_conv", "dense")
_ABSORBS_BIAS = (*_ABSORBS_BATCH_NORM, "conv_transpose")
_ABSORBS_PADDING = ("conv", "depthwise_conv")


@dataclass(frozen=True)
class FoldReport:
    """What folding did.

    Attributes:
        nodes_before: number of nodes captured.
        nodes_after: number of nodes left.
        events: what was done -> how often, such as {"batch norms folded": 27}.
    """

    nodes_before: int
    nodes_after: int
    events: Mapping[str, int]

    def __str__(self) -> str:
        done = ", ".join(f"{count} {event}" for event, count in self.events.items() if count)
        return f"{self.nodes_before} nodes -> {self.nodes_after}: {done or 'nothing to fold'}"


def fold(graph: Graph) -> tuple[Graph, FoldReport]:
    """Merge what can be merged without changing what the graph computes.

    Returns:
        The folded graph and a report of what was done.
    """
    events: Counter[str] = Counter()
    folded = tidy(graph, events)
    folded = _merge_padding(folded, events)
    folded = _merge_bias(folded, events)
    folded = _fold_batch_norm(folded, events)
    return folded, FoldReport(len(graph.nodes), len(folded.nodes), dict(events))


def _merge_padding(graph: Graph, events: Counter[str]) -> Graph:
    """pad with zeros -> conv(padding="valid"): conv(padding=((top, bottom), (left, right)))."""
    producers = {node.name: node for node in graph.nodes}
    merged = []
    for node in graph.nodes:
        source = producers.get(node.inputs[0]) if node.inputs else None
        if source is not None and _pads_for(source, node):
            padding = source.attributes["widths"][1:-1]
            node = replace(
                node,
                inputs=source.inputs,
                attributes={**node.attributes, "padding": padding},
                layers=(*source.layers, *node.layers),
            )
            events["paddings merged"] += 1
        merged.append(node)
    return without_unread(replace(graph, nodes=tuple(merged)))


def _pads_for(source: Node, node: Node) -> bool:
    if source.kind != "pad" or node.kind not in _ABSORBS_PADDING:
        return False
    widths = source.attributes["widths"]
    spatial_only = not any(widths[0]) and not any(widths[-1])
    return (
        spatial_only and source.attributes["value"] == 0.0 and node.attributes["padding"] == "valid"
    )


def _merge_bias(graph: Graph, events: Counter[str]) -> Graph:
    """conv | dense without a bias -> [reshape] -> add a vector: with the vector as its bias."""
    makers = {node.name: node for node in graph.nodes}
    readers = graph.consumers()
    changed: dict[str, Node | None] = {}
    for node in graph.nodes:
        found = _biased(node, makers, readers, graph.outputs)
        if found is None:
            continue
        source, middle, vector = found
        bias = Weight((vector.size,), partial(_flat, vector))
        weights = {**source.weights, "bias": bias}
        layers = tuple(dict.fromkeys((*source.layers, *node.layers)))
        if middle is None:
            changed[source.name] = None
            changed[node.name] = replace(source, output=node.output, weights=weights, layers=layers)
        else:
            changed[source.name] = replace(source, weights=weights, layers=layers)
            changed[middle.name] = None
            changed[node.name] = replace(middle, output=node.output, layers=node.layers)
        events["biases merged"] += 1
    nodes = (changed.get(node.name, node) for node in graph.nodes)
    return without_unread(replace(graph, nodes=tuple(node for node in nodes if node is not None)))


def _biased(
    node: Node,
    makers: Mapping[str, Node],
    readers: Mapping[str, list[Node]],
    outputs: Sequence[str],
) -> tuple[Node, Node | None, Weight] | None:
    """What an addition adds its vector to, and a reshape in between, if the two may be merged."""
    if node.kind != "add":
        return None
    operands = [makers.get(name) for name in node.inputs]
    if None in operands or sum(item.kind == "constant" for item in operands if item) != 1:
        return None
    first, second = (item for item in operands if item is not None)
    constant, source = (first, second) if first.kind == "constant" else (second, first)
    middle = None
    if source.kind == "reshape":
        middle, inner = source, makers.get(source.inputs[0])
        if inner is None:
            return None
        source = inner
    chain = [source] if middle is None else [source, middle]
    alone = all(len(readers[x.name]) == 1 and x.name not in outputs for x in chain)
    vector = constant.weights["value"]
    units = source.output.shape[-1] if source.output.shape else None
    fits = source.kind in _ABSORBS_BIAS and "bias" not in source.weights and alone
    if not fits or vector.size != units or not _covers(vector.shape, node.output.shape):
        return None
    return source, middle, vector


def _flat(vector: Weight) -> Array:
    return vector.read().reshape(-1)


def _covers(vector: Shape, shape: Shape) -> bool:
    """Whether a constant varies along all of the last axes of a tensor and no others."""
    padded = (1,) * (len(shape) - len(vector)) + tuple(vector)
    first = next((i for i, size in enumerate(padded) if size != 1), len(shape))
    return padded[first:] == tuple(shape[first:])


def _fold_batch_norm(graph: Graph, events: Counter[str]) -> Graph:
    """conv -> batch_norm: conv, where only the batch norm reads the convolution."""
    readers = graph.consumers()
    makers = {node.name: node for node in graph.nodes}
    foldable = {
        node.name: readers[node.name][0].name
        for node in graph.nodes
        if node.kind in _ABSORBS_BATCH_NORM
        and node.name not in graph.outputs
        and len(readers.get(node.name, ())) == 1
        and _as_batch_norm(readers[node.name][0], makers) is not None
    }
    nodes: list[Node] = []
    made: dict[str, Node] = {}  # sources that are being merged into what reads them
    for node in graph.nodes:
        source = next((made.pop(name) for name in node.inputs if name in made), None)
        norm = None if source is None else _as_batch_norm(node, makers)
        if source is not None and norm is not None:
            scales = node.kind == "multiply"
            events["scales merged" if scales else "batch norms folded"] += 1
            node = _absorb(source, norm)
        if node.name in foldable:
            made[node.name] = node
        else:
            nodes.append(node)
    return without_unread(replace(graph, nodes=tuple(nodes)))


def _as_batch_norm(node: Node, makers: Mapping[str, Node]) -> Node | None:
    """A batch norm over channels, or a product with a vector or a number as one."""
    channels = node.output.shape[-1] if node.output.shape else None
    if node.kind == "batch_norm":
        return node if node.attributes["axis"] == len(node.output.shape) - 1 else None
    operands = [makers.get(name) for name in node.inputs]
    constants = [item for item in operands if item is not None and item.kind == "constant"]
    if node.kind != "multiply" or len(constants) != 1:
        return None
    vector = constants[0].weights["value"]
    one_number = vector.size == 1 and channels is not None
    if not one_number and (vector.size != channels or not _covers(vector.shape, node.output.shape)):
        return None
    zeros, ones = np.zeros(channels or 0, np.float32), np.ones(channels or 0, np.float32)
    weights = {
        "gamma": Weight((zeros.size,), lambda: np.broadcast_to(_flat(vector), zeros.shape)),
        "mean": Weight.of(zeros),
        "variance": Weight.of(ones),
    }
    attributes = {"epsilon": 0.0, "axis": len(node.output.shape) - 1}
    return replace(node, kind="batch_norm", weights=weights, attributes=attributes)


def _absorb(source: Node, norm: Node) -> Node:
    """The convolution or dense layer that computes `norm(source(x))`, under norm's name."""
    kernel = source.weights["kernel"]
    scaled_by = cache(partial(_scale, norm))  # kernel and bias need it

    def factors() -> tuple[Array, Array]:
        values = kernel.read()
        scale = scaled_by().astype(values.dtype)
        if source.kind == "depthwise_conv":  # (h, w, channels, multiplier): channel-major
            scale = scale.reshape(kernel.shape[-2:])
        return values, scale

    def folded_kernel() -> Array:
        values, scale = factors()
        scaled: Array = values * scale
        return scaled

    def folded_bias() -> Array:
        bias = source.weights["bias"].read().astype(np.float64) if "bias" in source.weights else 0.0
        mean = norm.weights["mean"].read().astype(np.float64)
        beta = norm.weights["beta"].read().astype(np.float64) if "beta" in norm.weights else 0.0
        shifted: Array = beta + (bias - mean) * scaled_by()
        return shifted

    weights = {
        "kernel": Weight(kernel.shape, folded_kernel, _sources(kernel, norm), factors),
        "bias": Weight(norm.weights["mean"].shape, folded_bias),
    }
    return replace(
        norm,
        kind=source.kind,
        inputs=source.inputs,
        attributes=source.attributes,
        weights=weights,
        layers=(*source.layers, *norm.layers),
    )


def _sources(kernel: Weight, norm: Node) -> tuple[Hashable, ...]:
    """What a folded kernel is computed from; empty where a part is not known."""
    parts = [kernel, norm.weights["variance"]]
    parts += [norm.weights["gamma"]] if "gamma" in norm.weights else []
    known = all(part.source for part in parts)
    return (*(part.source for part in parts), norm.attributes["epsilon"]) if known else ()


def _scale(norm: Node) -> Array:
    """gamma / sqrt(variance + epsilon), in float64."""
    variance = norm.weights["variance"].read().astype(np.float64)
    gamma = norm.weights["gamma"].read().astype(np.float64) if "gamma" in norm.weights else 1.0
    scale: Array = gamma / np.sqrt(variance + norm.attributes["epsilon"])
    return scale
