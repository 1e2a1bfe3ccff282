"""A Keras model as a flat inference graph: `capture` makes it, `fold` simplifies it."""

from mobilezoo.graph.capture import capture
from mobilezoo.graph.fold import FoldReport, fold
from mobilezoo.graph.node import Graph, Node, TensorSpec, Weight
from mobilezoo.graph.rules.custom import register_emitter

__all__ = [
    "FoldReport",
    "Graph",
    "Node",
    "TensorSpec",
    "Weight",
    "capture",
    "fold",
    "register_emitter",
]
