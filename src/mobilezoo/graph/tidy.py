"""Tidy: what a graph says twice, or for nothing, goes; what it computes stays.

before                                     after
reshape to the same shape, pad by nothing  gone
the same operation on the same tensor      once
concat(concat(a, b), c)                    concat(a, b, c)
mean over rows and columns -> reshape      mean that keeps its axes
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from mobilezoo.graph.node import Graph, Node, TensorSpec


def tidy(graph: Graph, events: Counter[str]) -> Graph:
    """Drop no-ops and twins, join concatenations, keep the axes of means; count in `events`."""
    for step in (_drop_no_ops, _merge_twins, _join_concats, _keep_axes):
        graph = step(graph, events)
    return graph


def _drop_no_ops(graph: Graph, events: Counter[str]) -> Graph:
    """x -> reshape to x's shape | pad by nothing | transpose to the same order: x."""
    specs = graph.specs()
    renamed: dict[str, str] = {}
    kept = []
    for node in graph.nodes:
        read = replace(node, inputs=tuple(renamed.get(name, name) for name in node.inputs))
        if _is_no_op(node, specs[node.inputs[0]] if node.inputs else None) and (
            node.name not in graph.outputs
        ):
            renamed[node.name] = read.inputs[0]
            events["no-ops dropped"] += 1
        else:
            kept.append(read)
    layer_outputs = {path: renamed.get(name, name) for path, name in graph.layer_outputs.items()}
    return replace(graph, nodes=tuple(kept), layer_outputs=layer_outputs)


def _is_no_op(node: Node, source: TensorSpec | None) -> bool:
    if node.kind == "reshape":
        return source is not None and source.shape == node.output.shape
    if node.kind in ("pad", "crop"):
        return not any(map(any, node.attributes["widths"]))
    if node.kind == "transpose":
        return list(node.attributes["axes"]) == sorted(node.attributes["axes"])
    return False


def _merge_twins(graph: Graph, events: Counter[str]) -> Graph:
    """Operations without weights that compute the same of the same tensors: one of them."""
    renamed: dict[str, str] = {}
    seen: dict[Any, str] = {}
    kept = []
    for node in graph.nodes:
        read = replace(node, inputs=tuple(renamed.get(name, name) for name in node.inputs))
        key = (read.kind, read.inputs, repr(sorted(read.attributes.items())), read.output.shape)
        first = seen.get(key)
        mergeable = bool(read.inputs) and not read.weights and node.name not in graph.outputs
        if mergeable and first is not None:
            renamed[node.name] = first
            events["twins merged"] += 1
            continue
        if mergeable:
            seen[key] = node.name
        kept.append(read)
    return _renamed(graph, kept, renamed)


def _join_concats(graph: Graph, events: Counter[str]) -> Graph:
    """concat(concat(a, b), c) along one axis: concat(a, b, c)."""
    readers = graph.consumers()
    makers: dict[str, Node] = {}
    nodes = []
    for node in graph.nodes:
        if node.kind == "concat":
            parts: list[str] = []
            for name in node.inputs:
                inner = makers.get(name)
                joins = (
                    inner is not None
                    and inner.kind == "concat"
                    and inner.attributes["axis"] == node.attributes["axis"]
                    and len(readers[name]) == 1
                    and node.inputs.count(name) == 1
                    and name not in graph.outputs
                )
                if joins and inner is not None:
                    parts.extend(inner.inputs)
                    events["concatenations joined"] += 1
                else:
                    parts.append(name)
            node = replace(node, inputs=tuple(parts))
        makers[node.name] = node
        nodes.append(node)
    return without_unread(replace(graph, nodes=tuple(nodes)))


def _keep_axes(graph: Graph, events: Counter[str]) -> Graph:
    """A reduction whose one reader gives its axes back: a reduction that keeps them."""
    makers = {node.name: node for node in graph.nodes}
    readers = graph.consumers()
    nodes = []
    for node in graph.nodes:
        source = makers.get(node.inputs[0]) if node.kind == "reshape" else None
        if (
            source is not None
            and source.kind.startswith("reduce_")
            and not source.attributes["keepdims"]
            and len(readers[source.name]) == 1
            and source.name not in graph.outputs
            and node.output.shape == _kept(source)
        ):
            layers = tuple(dict.fromkeys((*source.layers, *node.layers)))
            attributes = {**source.attributes, "keepdims": True}
            node = replace(source, output=node.output, attributes=attributes, layers=layers)
            events["axes kept"] += 1
        nodes.append(node)
    return without_unread(replace(graph, nodes=tuple(nodes)))


def _kept(source: Node) -> tuple[int | None, ...]:
    """The shape of a reduction's output, had it kept its axes."""
    shape = list(source.output.shape)
    for axis in source.attributes["axes"]:
        shape.insert(axis, 1)
    return tuple(shape)


def _renamed(graph: Graph, nodes: list[Node], names: dict[str, str]) -> Graph:
    layer_outputs = {path: names.get(name, name) for path, name in graph.layer_outputs.items()}
    return replace(graph, nodes=tuple(nodes), layer_outputs=layer_outputs)


def without_unread(graph: Graph) -> Graph:
    """Drop nodes whose output nobody reads, and what is said about them."""
    needed = needed_names(graph.nodes, graph.outputs)
    kept = [node for node in graph.nodes if node.name in needed]
    names = {node.name for node in kept} | {spec.name for spec in graph.inputs}
    layer_outputs = {path: name for path, name in graph.layer_outputs.items() if name in names}
    return replace(graph, nodes=tuple(kept), layer_outputs=layer_outputs)


def needed_names(nodes: Sequence[Node], outputs: Iterable[str]) -> set[str]:
    """Names of the tensors on which the outputs depend, these among them."""
    needed = set(outputs)
    for node in reversed(nodes):
        if node.name in needed:
            needed.update(node.inputs)
    return needed
