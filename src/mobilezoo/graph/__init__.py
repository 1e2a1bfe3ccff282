"""A Keras model as a flat inference graph: `capture` makes it, `fold` simplifies it."""

from mobilezoo.graph.capture import capture
from mobilezoo.graph.fold import FoldReport, fold
from mobilezoo.graph.node import Graph, Node, TensorSpec, Weight

__all__ = ["FoldReport", "Graph", "Node", "TensorSpec", "Weight", "capture", "fold"]
