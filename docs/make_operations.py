"""Write docs/operations.md from the code's own tables.

    python docs/make_operations.py

A test compares the file with what this script makes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from mobilezoo.coreml.emit import EMITTERS
from mobilezoo.errors import UnsupportedLayersError
from mobilezoo.graph import capture
from mobilezoo.graph.rules import OPERATIONS, rule_for_layer, vanishes
from mobilezoo.runtime.layers import LAYERS
from mobilezoo.runtime.ops import OPS

sys.path.insert(0, str(Path(__file__).parent))
import layer_samples

TARGET = Path(__file__).with_name("operations.md")


def text() -> str:
    """The page."""
    return f"""# Supported operations

Made by `python docs/make_operations.py` from the tables in the code.

## Exporting

Layers of Keras, each tried as `docs/layer_samples.py` uses it. *Falls away*: does nothing at
inference. *Rule*: becomes nodes by a rule of its own. *Opened*: its own `call` is run on symbolic
tensors, and what it does in `keras.ops` is exported. Your own layers are opened, too.

| layer | status |
|---|---|
{_layers()}

Not here: layers of text, tables and sound, wrappers of other frameworks, and cells.

**Operations of `keras.ops`** that opened layers may use, {len(OPERATIONS)}: {_list(OPERATIONS)}.

They become these {len(EMITTERS)} kinds of nodes, each with one emitter: {_list(EMITTERS)}.

## Running

Ops of Core ML's ML programs that `load_coreml` runs, {len(OPS)}: {_list(OPS)}.
[What each computes](runtime-operations.md), and since which op set.

Layers of neural networks (`.mlmodel`, specification 1 to 6) that it runs, {len(LAYERS)}:
{_list(LAYERS)}.
[What each computes](network-layers.md), and since which specification version.

A file with any other op or layer is refused when it is opened; the error names every such one and
where it stands.
"""


def _layers() -> str:
    names = [name for name in layer_samples.names() if name not in layer_samples.ELSEWHERE]
    return "\n".join(f"| `{name}` | {status(name)} |" for name in names)


def status(name: str) -> str:
    """Whether and how `export_coreml` takes a layer of Keras."""
    model = layer_samples.sample(name)
    try:
        capture(model)
    except UnsupportedLayersError as error:
        reason = str(error).splitlines()[1].partition("): ")[2]
        return "not supported" if "it cannot be exported" in reason else f"not supported: {reason}"
    rule = rule_for_layer(model.layers[-1])
    if rule is None:
        return "opened"
    return "falls away" if rule is vanishes else "rule"


def _list(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names))


if __name__ == "__main__":
    TARGET.write_text(text(), "utf-8")
