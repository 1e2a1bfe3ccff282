"""Write docs/network-layers.md from the runtime's table and coremltools' list of layers.

    python docs/make_network_layers.py

A test compares the file with what this script makes.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

from mobilezoo import _environment
from mobilezoo.runtime.layers import LAYERS, MODULES, layer_name
from mobilezoo.runtime.network.batch_rules import RULES

_environment.coremltools()  # silences what the next import would print
from coremltools.proto import NeuralNetwork_pb2  # noqa: E402

sys.path.insert(0, str(Path(__file__).parent))
from page_tables import first_line, group  # noqa: E402

TARGET = Path(__file__).with_name("network-layers.md")
_FIELDS = NeuralNetwork_pb2.NeuralNetworkLayer.DESCRIPTOR.oneofs_by_name["layer"].fields
_NUMBERS = {field.name: field.number for field in _FIELDS}
_SYSTEMS = {1: "iOS 11", 3: "iOS 12", 4: "iOS 13", 5: "iOS 14"}
_LATER = {  # what a layer learnt after it came
    "batchedMatmul": "`int8DynamicQuantize` from 5",
    "concatND": "`interleave` from 5",
    "convolution": "computed weights from 4",
    "innerProduct": "`int8DynamicQuantize` from 5",
    "reorganizeData": "PIXEL_SHUFFLE from 5",
    "sliceDynamic": "`squeezeMasks` from 5",
    "tile": "computed `reps` from 5",
    "upsample": "`fractionalScalingFactor` and `linearUpsampleMode` from 5",
}


def text() -> str:
    """The page."""
    missing = ", ".join(f"`{name}`" for name in sorted(set(_NUMBERS) - set(LAYERS)))
    return f"""# What each layer of a neural network computes

Made by `python docs/make_network_layers.py` from the runtime's functions: one for each of
{len(LAYERS)} of the {len(_NUMBERS)} layers that a neural network (`.mlmodel`) can have, with the
names and parameters of Apple's format, whose docstring this is. *From*: the specification version
that brought the layer, 1 where nothing is said ({_systems()}).
*At once*: several examples run at once where the leading axis stays theirs; elsewhere one after the
other, with the same results.

The last three axes are (channels, height, width) for the layers that know about channels, those
before are batch; the fifth from the end is the sequence. Everything is computed in float32 (or
[rounded further](float16-arithmetic.md)), truth values and places too. Every field of a layer is
read, or the file is refused; only the rounding of the input that `int8DynamicQuantize` asks for is
left out, because Apple does not say how it rounds.
A network's own numbers, and what it computes from them and from shapes, are known before it runs.

Not supported, and refused when a file is opened: code of the app (`custom`), control flow and
random numbers. These are {missing}.

{chr(10).join(_table(module) for module in MODULES)}"""


def _systems() -> str:
    return ", ".join(f"{version} is {system}" for version, system in _SYSTEMS.items())


def _table(module: ModuleType) -> str:
    """One group: the layers of one module."""
    names = sorted(layer_name(name) for name in module.__all__)
    rows = [
        (f"`{name}`", first_line(LAYERS[name]), _since(name), "yes" if name in RULES else "")
        for name in names
    ]
    return group(module, ("layer", "computes", "from", "at once"), rows)


def _since(name: str) -> str:
    """The specification version of the layer, and of its later parameters."""
    first = "" if (version := specification_version(name)) == 1 else str(version)
    return ", ".join(part for part in (first, _LATER.get(name, "")) if part)


def specification_version(name: str) -> int:
    """By Apple's numbers: layers of specification 4 begin at 600, those of 5 at 1450."""
    if name in ("cropResize", "resizeBilinear"):
        return 3
    return 1 if _NUMBERS[name] < 600 else 4 if _NUMBERS[name] < 1450 else 5


if __name__ == "__main__":
    TARGET.write_text(text(), "utf-8")
