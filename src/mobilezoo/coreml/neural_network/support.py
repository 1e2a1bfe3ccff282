"""What classic layers cannot express, listed before any work."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mobilezoo.coreml.names import program_names
from mobilezoo.coreml.neural_network.planes import RANKS
from mobilezoo.coreml.neural_network.table import NETWORK_EMITTERS, Operand
from mobilezoo.errors import UnsupportedLayersError
from mobilezoo.graph import Graph, Node
from mobilezoo.graph.node import Shape


def check_expressible(graph: Graph) -> None:
    """Refuse a graph that classic layers cannot express.

    Raises:
        UnsupportedLayersError: lists every input and operation, with its reason.
    """
    problems = [*_inputs(graph), *_operations(graph)]
    if problems:
        lines = "\n".join(f"  {problem}" for problem in problems)
        raise UnsupportedLayersError(
            f"{len(problems)} part(s) of '{graph.name}' need iOS 15: a neural network (.mlmodel) "
            f"has classic layers only. Export to .mlpackage, or for another "
            f"minimum_deployment_target.\n{lines}"
        )


def one_example(shape: Shape) -> Shape:
    """A shape with a batch of 1."""
    return (1, *shape[1:]) if shape[:1] == (None,) else shape


def _inputs(graph: Graph) -> Iterator[str]:
    for spec in graph.inputs:
        if len(spec.shape) not in RANKS:
            yield f"input '{spec.name}' of shape {spec.shape[1:]}: {_axes(spec.shape)}"


def _operations(graph: Graph) -> Iterator[str]:
    names = program_names(graph)
    operands = {spec.name: Operand(spec.name, one_example(spec.shape)) for spec in graph.inputs}
    for node in graph.nodes:
        weight = node.weights["value"] if node.kind == "constant" else None
        operands[node.name] = Operand(names[node.name], one_example(node.output.shape), weight)
        why = "" if weight else _objection(node, [operands[name] for name in node.inputs])
        if why:
            layers = "+".join(node.layers) or node.name
            yield f"{layers}: operation '{node.kind}': {why}"


def _objection(node: Node, operands: Sequence[Operand]) -> str:
    if node.kind not in NETWORK_EMITTERS:
        return "no classic layer does this"
    tensors = [item.shape for item in operands if not item.is_constant]
    for shape in (node.output.shape, *tensors):
        if len(shape) not in RANKS:
            return _axes(shape)
    if not tensors:
        return "it reads constants only"
    return NETWORK_EMITTERS[node.kind].objection(node, operands)


def _axes(shape: Shape) -> str:
    return f"{len(shape) - 1} axes besides the batch, where 1 to 3 are possible"
