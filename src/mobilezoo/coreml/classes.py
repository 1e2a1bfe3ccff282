"""Class labels: whether they fit a network's output, and what makes it a classifier's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from mobilezoo._labels import TAGS, join_labels
from mobilezoo.errors import InvalidArgumentError
from mobilezoo.graph import Graph, Node, TensorSpec

SOFTMAX_ADDED = "com.mobilezoo.softmax"  # the key that says so in a file's metadata
# Operations whose values may be anything: what ends in one of them are logits.
_LOGITS = frozenset({"add", "batch_norm", "conv", "dense", "divide", "matmul", "multiply"})
_MOVES = frozenset({"reshape"})


@dataclass(frozen=True)
class Classes:
    """What labels make of a network.

    Attributes:
        graph: with a softmax at the end where it gave logits.
        labels: of a classifier; None where the network is none.
        notes: for the file's metadata and the report.
    """

    graph: Graph
    labels: tuple[str, ...] | None
    notes: dict[str, str]


def classify(graph: Graph, labels: Sequence[str] | None) -> Classes:
    """Make a classifier of a network that ends in softmax or in logits.

    A network that ends in a sigmoid gives a probability for each class by itself: Core ML's
    classifier would name the largest as the one answer, so its outputs stay an array, and the
    labels stand in the metadata.

    Raises:
        InvalidArgumentError: labels that do not fit the output, or an output that is neither.
    """
    if labels is None:
        return Classes(graph, None, {})
    _check_outputs(graph)
    _check(graph, labels)
    kind = _last(graph)
    if kind == "softmax":
        return Classes(graph, tuple(labels), {})
    if kind == "sigmoid":
        return Classes(graph, None, {TAGS: join_labels(labels)})
    if kind in _LOGITS:
        return Classes(_with_softmax(graph), tuple(labels), {SOFTMAX_ADDED: "added to logits"})
    raise InvalidArgumentError(
        f"Labels need probabilities or logits, but '{graph.outputs[0]}' ends in "
        f"'{kind or 'an input'}'. Add a Softmax layer (in the zoo "
        "classifier_activation='softmax'), or export without labels."
    )


def _check_outputs(graph: Graph) -> None:
    """The first output is the classifier's; refuse to guess where another ends in softmax."""
    kinds = {name: _last(graph, name) for name in graph.outputs}
    first, *others = graph.outputs
    found = [name for name in others if kinds[name] == "softmax"]
    if found and kinds[first] != "softmax":
        raise InvalidArgumentError(
            f"Labels belong to the first output, '{first}', but '{found[0]}' ends in softmax. Make "
            "that one the first: keras.Model(model.inputs, [the classifier's output, ...])."
        )


def _check(graph: Graph, labels: Sequence[str]) -> None:
    shape = graph.spec(graph.outputs[0]).shape
    if len(shape) != 2 or shape[1] is None or shape[1] < 2:
        raise InvalidArgumentError(
            f"Labels need one output per class, but '{graph.outputs[0]}' has shape {shape[1:]}. "
            "End the model in softmax over its classes, or export without labels."
        )
    if shape[1] != len(labels):
        raise InvalidArgumentError(f"{len(labels)} labels given, the model has {shape[1]} classes.")
    if not all(labels):
        raise InvalidArgumentError(f"Label {list(labels).index('')} is empty.")
    repeated = [label for label, count in Counter(labels).items() if count > 1]
    if repeated:
        raise InvalidArgumentError(
            f"Labels must differ, or their probabilities are lost: "
            f"{', '.join(map(repr, repeated[:5]))} given more than once."
        )


def _last(graph: Graph, output: str | None = None) -> str | None:
    """Kind of the operation that makes the values of an output, by default the first."""
    makers = {node.name: node for node in graph.nodes}
    maker = makers.get(graph.outputs[0] if output is None else output)
    while maker is not None and maker.kind in _MOVES:
        maker = makers.get(maker.inputs[0])
    return None if maker is None else maker.kind


def _with_softmax(graph: Graph) -> Graph:
    logits = graph.spec(graph.outputs[0])
    name = f"{logits.name}/softmax"
    output = TensorSpec(name, logits.shape, logits.dtype)
    softmax = Node("softmax", (logits.name,), output, {"axis": 1})
    return replace(graph, nodes=(*graph.nodes, softmax), outputs=(name, *graph.outputs[1:]))
