"""Write docs/operations.md from the code's own tables.

    python docs/make_operations.py

A test compares the file with what this script makes.
"""

from __future__ import annotations

from pathlib import Path

from mobilezoo.coreml.emit import EMITTERS
from mobilezoo.graph.rules import LAYERS, OPERATIONS, VANISHING
from mobilezoo.runtime.ops import OPS

TARGET = Path(__file__).with_name("operations.md")


def text() -> str:
    """The page."""
    with_rule = sorted(layer.__name__ for layer in LAYERS)
    vanishing = sorted(layer.__name__ for layer in VANISHING)
    return f"""# Supported operations

Made by `python docs/make_operations.py` from the tables in the code.

## Exporting

**Layers with a rule of their own** ({len(with_rule)}): {_list(with_rule)}.

**Layers that do nothing at inference and fall away** ({len(vanishing)}): {_list(vanishing)}, and
all of Keras's `Random...` augmentation layers.

**Every other layer is opened:** its own `call` is run on symbolic tensors, and what it does in
`keras.ops` is exported. That covers pooling, merging, reshaping, padding and activation layers,
and your own layers, as long as they keep to these operations
({len(OPERATIONS)}): {_list(sorted(OPERATIONS))}.

They become these kinds of nodes, each with one emitter ({len(EMITTERS)}):
{_list(sorted(EMITTERS))}.

## Running

Ops of Core ML's ML programs that `load_coreml` runs ({len(OPS)}): {_list(sorted(OPS))}.

A file with any other op is refused when it is opened; the error names every such op and where it
stands.
"""


def _list(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


if __name__ == "__main__":
    TARGET.write_text(text(), "utf-8")
