"""What an output says: probabilities of all classes, of each by itself, logits, or neither.

Followed from the output back to the last layer with a kernel:

softmax, and means of softmaxes over the same classes    probabilities that sum to 1
sigmoid, and means of sigmoids                           a probability of each class by itself
dense, convolution, product with a kernel; these moved,
scaled or added up                                       logits
anything else, and whatever else is made of a softmax
or a sigmoid: a product, a part, half of it              neither
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from mobilezoo.graph import Graph, Node

_KERNELS = frozenset({"conv", "conv_transpose", "dense", "depthwise_conv", "embedding"})
_SQUASHING = frozenset({"sigmoid", "softmax"})
# Operations whose values may be anything: what ends in one of them are logits.
_LOGITS = frozenset({"add", "batch_norm", "conv", "dense", "divide", "matmul", "multiply"})
_ROUNDING = 1e-4  # of weights such as 1/3 in float32


@dataclass(frozen=True)
class Answer:
    """What an output says.

    Attributes:
        kind: "softmax" or "sigmoid", also for means of such, "logits", or None for neither.
        last: the operation that makes the values, None where an input is returned.
        squashed: the softmax or sigmoid that the values are made of; None for logits.
        why: they are neither, in words; empty where that is all there is to say.
    """

    kind: str | None
    last: str | None
    squashed: Node | None = None
    why: str = ""


def answer_of(graph: Graph, output: str) -> Answer:
    """What the output of that name says."""
    reader = _Reader(graph)
    last = reader.past_moves(output)
    ending = None if last is None else last.kind
    mean = reader.mean(output)
    if mean is not None and abs(mean.total - 1) <= _ROUNDING:
        return Answer(mean.kind, ending, mean.source)
    if mean is not None:
        why = f"is {mean.total:.4g} times what '{mean.source.name}' gives, a {mean.kind}"
        return Answer(None, ending, mean.source, why)
    source = reader.squashed(output)
    if source is not None:
        made = f"is made by '{ending}' of what '{source.name}' gives, a {source.kind}"
        why = f"ends in a {source.kind} over a part of its values" if source is last else made
        return Answer(None, ending, source, why)
    if reader.is_normalized(output):
        return Answer(None, ending, None, "is normalized by what is computed of each picture")
    return Answer("logits" if ending in _LOGITS else None, ending)


@dataclass(frozen=True)
class _Mean:
    """Softmaxes or sigmoids added up with positive weights.

    Attributes:
        kind: "softmax" or "sigmoid".
        axis: of the classes.
        total: the sum of the weights; 1 makes it a mean.
        source: one of the softmaxes or sigmoids.
    """

    kind: str
    axis: int
    total: float
    source: Node


class _Reader:
    """Follows the values of a graph back."""

    def __init__(self, graph: Graph) -> None:
        self._makers = {node.name: node for node in graph.nodes}
        self._specs = graph.specs()
        self._means: dict[str, _Mean | None] = {}

    def past_moves(self, name: str) -> Node | None:
        """The node that makes the values of a tensor; None for an input."""
        node = self._makers.get(name)
        while node is not None and node.kind == "reshape":
            node = self._makers.get(node.inputs[0])
        return node

    def is_constant(self, name: str) -> bool:
        """Whether a tensor is the same for every picture."""
        node = self._makers.get(name)
        return node is not None and node.kind == "constant"

    def is_normalized(self, name: str) -> bool:
        """Whether values are scaled by what is computed of each picture, as a norm is."""
        node = self.past_moves(name)
        while node is not None and node.kind in ("add", "divide", "multiply"):
            computed = [item for item in node.inputs if not self.is_constant(item)]
            if node.kind == "divide" and node.inputs[1] in computed:
                return True
            if len(computed) > 1:
                shapes = {self._specs[item].shape for item in computed}
                return node.kind == "multiply" and len(shapes) > 1
            node = self.past_moves(computed[0]) if computed else None
        return False

    def squashed(self, name: str) -> Node | None:
        """A softmax or sigmoid that the values are made of without a kernel in between."""
        seen, waiting = {name}, [name]
        while waiting:
            node = self._makers.get(waiting.pop())
            if node is None:
                continue
            if node.kind in _SQUASHING:
                return node
            for before in self._before(node):
                if before not in seen:
                    seen.add(before)
                    waiting.append(before)
        return None

    def _before(self, node: Node) -> tuple[str, ...]:
        """What to look at behind a node: nothing behind a kernel, which gives logits.

        Without a bias, behind a softmax over the classes of a vector, a kernel mixes probabilities.
        """
        has_kernel = node.kind in _KERNELS or (
            node.kind == "matmul" and any(map(self.is_constant, node.inputs))
        )
        if not has_kernel:
            return node.inputs
        if node.kind == "embedding" or "bias" in node.weights:
            return ()
        means = {name: self.mean(name) for name in node.inputs}
        return tuple(
            name
            for name, mean in means.items()
            if mean is not None
            and mean.kind == "softmax"
            and set(self._specs[name].shape[1 : mean.axis]) <= {1}
        )

    def mean(self, name: str) -> _Mean | None:
        """The softmaxes or sigmoids that a tensor adds up; None for anything else."""
        if name not in self._means:
            node = self._makers.get(name)
            self._means[name] = None if node is None else self._mean(node)
        return self._means[name]

    def _mean(self, node: Node) -> _Mean | None:
        if node.kind == "softmax":
            return _Mean("softmax", node.attributes["axis"], 1.0, node)
        if node.kind == "sigmoid":
            return _Mean("sigmoid", len(node.output.shape) - 1, 1.0, node)
        rules = {
            "add": self._added,
            "concat": self._joined,
            "divide": self._scaled,
            "multiply": self._scaled,
            "reduce_mean": self._averaged,
            "reshape": self._moved,
        }
        return rules[node.kind](node) if node.kind in rules else None

    def _added(self, node: Node) -> _Mean | None:
        first, second = map(self.mean, node.inputs)
        shapes = {self._specs[name].shape for name in node.inputs}
        if first is None or second is None or len(shapes) > 1 or not _alike(first, second):
            return None
        return _Mean(first.kind, first.axis, first.total + second.total, first.source)

    def _scaled(self, node: Node) -> _Mean | None:
        """By a positive number."""
        pairs = [node.inputs, node.inputs[::-1]][: 2 if node.kind == "multiply" else 1]
        for values, factor in pairs:
            mean, number = self.mean(values), self._number(factor)
            same = self._specs[values].shape == node.output.shape
            if mean is not None and number is not None and number > 0 and same:
                total = mean.total * (number if node.kind == "multiply" else 1 / number)
                return _Mean(mean.kind, mean.axis, total, mean.source)
        return None

    def _number(self, name: str) -> float | None:
        node = self._makers.get(name)
        if node is None or node.kind != "constant" or node.weights["value"].size != 1:
            return None
        return float(np.asarray(node.weights["value"].read()).item())

    def _joined(self, node: Node) -> _Mean | None:
        """Side by side, softmaxes along another axis than that of the classes."""
        means = [self.mean(name) for name in node.inputs]
        first = means[0]
        if first is None or (first.kind == "softmax" and node.attributes["axis"] == first.axis):
            return None
        same = all(
            mean is not None and _alike(first, mean) and math.isclose(mean.total, first.total)
            for mean in means
        )
        return first if same else None

    def _averaged(self, node: Node) -> _Mean | None:
        mean, axes = self.mean(node.inputs[0]), node.attributes["axes"]
        if mean is None or mean.axis in axes:
            return None
        gone = 0 if node.attributes["keepdims"] else sum(axis < mean.axis for axis in axes)
        return _Mean(mean.kind, mean.axis - gone, mean.total, mean.source)

    def _moved(self, node: Node) -> _Mean | None:
        """A reshape that leaves each class where it is: axes of 1 come and go, no others."""
        mean, shape = self.mean(node.inputs[0]), node.output.shape
        if mean is None:
            return None
        if mean.kind == "sigmoid":  # each is a probability by itself, wherever it goes
            return _Mean(mean.kind, len(shape) - 1, mean.total, mean.source)
        before = self._specs[node.inputs[0]].shape
        wide = [axis for axis, size in enumerate(before) if size != 1]
        kept = [axis for axis, size in enumerate(shape) if size != 1]
        if mean.axis not in wide or [before[i] for i in wide] != [shape[i] for i in kept]:
            return None
        return _Mean(mean.kind, kept[wide.index(mean.axis)], mean.total, mean.source)


def _alike(first: _Mean, second: _Mean) -> bool:
    return (first.kind, first.axis) == (second.kind, second.axis)
