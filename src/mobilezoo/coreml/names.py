"""Names of Keras tensors as MIL identifiers."""

from __future__ import annotations

import re

from mobilezoo.graph import Graph

RESERVED = ("classLabel", "classLabelProbs", "image")


def program_names(graph: Graph) -> dict[str, str]:
    """Tensor name -> its name in the program: letters, digits and "_", each used once.

    "backbone/conv1" becomes "backbone_conv1"; a name that is taken gets a number.
    """
    taken = set(RESERVED) | {identifier(spec.name) for spec in graph.inputs}
    names: dict[str, str] = {}
    for node in graph.nodes:
        base = identifier(node.name)
        candidate, n = base, 1
        while candidate in taken:
            n += 1
            candidate = f"{base}_{n}"
        taken.add(candidate)
        names[node.name] = candidate
    return names


def identifier(name: str) -> str:
    """A name with every other character replaced by "_"."""
    cleaned = re.sub(r"\W", "_", name, flags=re.ASCII)
    return f"_{cleaned}" if cleaned[:1].isdigit() else cleaned
