"""Names of Keras tensors as MIL identifiers, each used once."""

from __future__ import annotations

import re
from collections.abc import Iterable

from mobilezoo.graph import Graph

IMAGE = "image"
_OUTPUTS = ("classLabel", "classLabelProbs")
INNER = "inner"
# what emitters append to a name for the operations that they need besides
HELPERS = (
    "centred", "channels_first", "channels_last", "float16", "gate", "grouped", INNER, "normal",
    "padded", "product", "rows", "scale", "scaled", "shape",
)  # fmt: skip


def input_names(graph: Graph) -> dict[str, str]:
    """Name of an input tensor -> name of its array feature."""
    return _allocate((spec.name for spec in graph.inputs), set(_with_helpers(_OUTPUTS)))


def program_names(graph: Graph) -> dict[str, str]:
    """Tensor name -> its name in the program: letters, digits and "_", each used once.

    "backbone/conv1" becomes "backbone_conv1"; a name that is taken, or could be by what emitters
    append to another name, gets a number.
    """
    taken = set(_with_helpers((IMAGE, *_OUTPUTS, *input_names(graph).values())))
    return _allocate((node.name for node in graph.nodes), taken)


def output_names(graph: Graph) -> list[str]:
    """Features of the outputs: the tensors' own names, each used once and by no input."""
    names = program_names(graph)
    taken = set(_with_helpers((IMAGE, *_OUTPUTS, *input_names(graph).values(), *names.values())))
    features: list[str] = []
    for tensor in graph.outputs:
        own = names.get(tensor)
        if own is None or own in features:  # an input given back, or a tensor given twice
            (own,) = _allocate([f"{identifier(tensor)}_output"], taken).values()
        features.append(own)
    return features


def helper(name: str, suffix: str) -> str:
    """Name of an operation that an emitter needs besides the one that carries `name`."""
    if suffix not in HELPERS:
        raise ValueError(f"{suffix!r} is not in HELPERS, so it may collide with a layer's name")
    return f"{name}_{suffix}"


def identifier(name: str) -> str:
    """A name with every other character replaced by "_"."""
    cleaned = re.sub(r"\W", "_", name, flags=re.ASCII)
    return f"_{cleaned}" if cleaned[:1].isdigit() else cleaned


def _allocate(originals: Iterable[str], taken: set[str]) -> dict[str, str]:
    """A free identifier for each name; `taken` grows."""
    names: dict[str, str] = {}
    for original in originals:
        base = identifier(original)
        candidate, n = base, 1
        while not taken.isdisjoint(_with_helpers([candidate])):
            n += 1
            candidate = f"{base}_{n}"
        taken.update(_with_helpers([candidate]))
        names[original] = candidate
    return names


def _with_helpers(names: Iterable[str]) -> Iterable[str]:
    for name in names:
        yield name
        yield from (f"{name}_{suffix}" for suffix in HELPERS)
