"""Class labels: whether they fit a network's output, and what makes it a classifier's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mobilezoo._labels import TAGS, join_labels
from mobilezoo.coreml.answers import Answer, answer_of
from mobilezoo.errors import InvalidArgumentError
from mobilezoo.graph import Graph, Node, TensorSpec, Weight

SOFTMAX_ADDED = "com.mobilezoo.softmax"  # the key that says so in a file's metadata
COMPLEMENT_ADDED = "com.mobilezoo.complement"  # the same of p -> (1 - p, p)
ONE_SOFTMAX = (
    "is a softmax over one unit, which is 1.0 for every picture. For two classes end the model in "
    "Dense(2, activation='softmax')"
)  # said of an output


@dataclass(frozen=True)
class Classes:
    """What labels make of a network.

    Attributes:
        graph: with a softmax at the end where it gave logits, with (1 - p, p) where it gave p.
        labels: of a classifier; None where the network is none.
        notes: for the file's metadata and the report.
    """

    graph: Graph
    labels: tuple[str, ...] | None
    notes: dict[str, str]


def classify(graph: Graph, labels: Sequence[str] | None) -> Classes:
    """Make a classifier of a network that ends in softmax, in logits or in one sigmoid.

    One sigmoid tells two classes apart: it is the probability of the second. Several give one for
    each class by itself: Core ML's classifier would name the largest as the one answer, so they
    stay an array, and the labels stand in the metadata. Means of softmaxes or of sigmoids, as an
    ensemble gives them, are what each of them is.

    Raises:
        InvalidArgumentError: labels that do not fit the output, or an output that is neither.
    """
    if labels is None:
        return Classes(graph, None, {})
    _check_outputs(graph)
    answer = answer_of(graph, graph.outputs[0])
    _check(graph, labels, answer)
    if _units(graph) == 1:
        return Classes(_with_complement(graph), tuple(labels), {COMPLEMENT_ADDED: "(1 - p, p)"})
    if answer.kind == "softmax":
        return Classes(graph, tuple(labels), {})
    if answer.kind == "sigmoid":
        return Classes(graph, None, {TAGS: join_labels(labels)})
    return Classes(_with_softmax(graph), tuple(labels), {SOFTMAX_ADDED: "added to logits"})


def _check_outputs(graph: Graph) -> None:
    """The first output is the classifier's; refuse to guess where another ends in softmax."""
    kinds = {name: answer_of(graph, name).kind for name in graph.outputs}
    first, *others = graph.outputs
    found = [name for name in others if kinds[name] == "softmax"]
    if found and kinds[first] != "softmax":
        raise InvalidArgumentError(
            f"Labels belong to the first output, '{first}', but '{found[0]}' ends in softmax. Make "
            "that one the first: keras.Model(model.inputs, [the classifier's output, ...])."
        )


def _check(graph: Graph, labels: Sequence[str], answer: Answer) -> None:
    units = _units(graph)
    if units == 1:
        _check_two(graph, labels, answer)
    elif units != len(labels):
        raise InvalidArgumentError(f"{len(labels)} labels given, the model has {units} classes.")
    elif answer.kind is None:
        raise InvalidArgumentError(
            f"Labels need probabilities or logits, but '{graph.outputs[0]}' {_found(answer)}."
        )
    if not all(labels):
        raise InvalidArgumentError(f"Label {list(labels).index('')} is empty.")
    repeated = [label for label, count in Counter(labels).items() if count > 1]
    if repeated:
        raise InvalidArgumentError(
            f"Labels must differ, or their probabilities are lost: "
            f"{', '.join(map(repr, repeated[:5]))} given more than once."
        )


def _check_two(graph: Graph, labels: Sequence[str], answer: Answer) -> None:
    """One unit tells two classes apart, if it is a probability."""
    output = graph.outputs[0]
    if answer.kind == "logits":
        raise InvalidArgumentError(
            f"Labels need probabilities, but '{output}' is one linear unit: the logit of "
            "two classes or a number of another meaning, which cannot be seen. If it is a logit, "
            "pass keras.Sequential([model, keras.layers.Activation('sigmoid')]); else export "
            "without labels."
        )
    if answer.kind == "softmax":
        raise InvalidArgumentError(f"Labels need several classes, but '{output}' {ONE_SOFTMAX}.")
    if answer.why:
        raise InvalidArgumentError(f"Labels need probabilities, but '{output}' {_found(answer)}.")
    if answer.kind != "sigmoid":
        raise InvalidArgumentError(
            f"Labels need probabilities, but '{output}' is one unit that ends in "
            f"'{answer.last or 'an input'}'. End the model in one sigmoid unit for two classes, in "
            "softmax over all of them, or export without labels."
        )
    if len(labels) != 2:
        raise InvalidArgumentError(
            f"{len(labels)} labels given, but '{output}' is one sigmoid unit, which "
            "tells two classes apart. Pass two labels, first that of the answer 0, then of 1."
        )


def _found(answer: Answer) -> str:
    """What an output is that is neither, and what to do: no second softmax."""
    if answer.why:
        source = "the logits before it" if answer.squashed is None else f"'{answer.squashed.name}'"
        return (
            f"{answer.why}, and a softmax of that would be flat and wrong. Export without labels, "
            f"or end the model in {source}"
        )
    return (
        f"ends in '{answer.last or 'an input'}'. Export without labels, or end the model in "
        "softmax over its classes, of their logits (in the zoo classifier_activation='softmax')"
    )


def _units(graph: Graph) -> int:
    """Of the first output.

    Raises:
        InvalidArgumentError: it is no vector.
    """
    shape = graph.spec(graph.outputs[0]).shape
    if len(shape) > 2 and set(shape[1:-1]) == {1}:
        raise InvalidArgumentError(
            f"Labels need one axis, that of the classes, but '{graph.outputs[0]}' has shape "
            f"{shape[1:]}. Pass keras.Sequential([model, keras.layers.Flatten()]), or export "
            "without labels."
        )
    if len(shape) != 2 or not shape[1]:
        raise InvalidArgumentError(
            f"Labels need one output per class, but '{graph.outputs[0]}' has shape {shape[1:]}. "
            "End the model in softmax over its classes, or export without labels."
        )
    return shape[1]


def _with_softmax(graph: Graph) -> Graph:
    logits = graph.spec(graph.outputs[0])
    name = f"{logits.name}/softmax"
    output = TensorSpec(name, logits.shape, logits.dtype)
    softmax = Node("softmax", (logits.name,), output, {"axis": 1})
    return replace(graph, nodes=(*graph.nodes, softmax), outputs=(name, *graph.outputs[1:]))


def _with_complement(graph: Graph) -> Graph:
    """p -> (1 - p, p)."""
    second = graph.spec(graph.outputs[0])
    batch, name = second.shape[0], f"{second.name}/classes"
    specs = (
        TensorSpec(f"{second.name}/one", (), second.dtype),
        TensorSpec(f"{second.name}/complement", second.shape, second.dtype),
        TensorSpec(name, (batch, 2), second.dtype),
    )
    one, first, both = (spec.name for spec in specs)
    nodes = (
        Node("constant", (), specs[0], weights={"value": Weight.of(np.float32(1))}),
        Node("subtract", (one, second.name), specs[1]),
        Node("concat", (first, second.name), specs[2], {"axis": 1}),
    )
    return replace(graph, nodes=(*graph.nodes, *nodes), outputs=(both, *graph.outputs[1:]))
