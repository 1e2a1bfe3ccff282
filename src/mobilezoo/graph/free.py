"""Graphs whose pictures have free sides: does every operation compute them at any size?"""

from __future__ import annotations

from collections.abc import Iterator

from mobilezoo.errors import UnsupportedLayersError
from mobilezoo.graph.node import Graph, Node, Shape, TensorSpec

_WEIGHTS_ALONG_AXES = frozenset({"batch_norm", "layer_norm"})
_PRODUCTS = frozenset({"matmul"})  # whose operands do not broadcast


def check_free_sides(graph: Graph) -> None:
    """Refuse what fits some sizes only.

    Sides may be free, channels may not: a dense layer behind a flattened picture has weights for
    one size.

    Raises:
        UnsupportedLayersError: lists every operation that depends on the size.
    """
    specs = graph.specs()
    problems = [
        f"  {'+'.join(node.layers) or node.name}: {why}"
        for node in graph.nodes
        if node.kind != "constant" and (why := _objection(node, specs))
    ]
    if problems:
        raise UnsupportedLayersError(
            f"{len(problems)} operation(s) of '{graph.name}' depend on the picture's size, which "
            "flexible= leaves open. Take global pooling in the place of Flatten, or leave "
            "flexible= out and export one size.\n" + "\n".join(problems)
        )


def _objection(node: Node, specs: dict[str, TensorSpec]) -> str:
    shape = node.output.shape
    if len(shape) > 1 and shape[-1] is None:
        return "it puts height or width into the channels, whose number must be known"
    if node.kind == "reshape" and _free(shape) > 1:
        return "it moves elements between sides that are free"
    read = [specs[name].shape for name in node.inputs]
    axes = (*node.attributes.get("axes", ()), node.attributes.get("axis", -1))
    has_weights = node.kind in _WEIGHTS_ALONG_AXES and bool(node.weights)
    if has_weights and any(read[0][axis] is None for axis in axes):
        return "its weights belong to one size"
    if len(read) > 1 and node.kind not in _PRODUCTS:
        return next(_unequal(node, read), "")
    return ""


def _free(shape: Shape) -> int:
    return sum(size is None for size in shape[1:])


def _unequal(node: Node, read: list[Shape]) -> Iterator[str]:
    """A free side that must be as long as one that is fixed."""
    rank = max(map(len, read))
    padded = [(1,) * (rank - len(shape)) + tuple(shape) for shape in read]
    joined = node.attributes["axis"] if node.kind == "concat" else 0
    for axis in range(1, rank):
        sizes = {shape[axis] for shape in padded}
        if axis != joined and None in sizes and sizes - {None, 1}:
            yield "it combines a free side with one of a fixed size"
