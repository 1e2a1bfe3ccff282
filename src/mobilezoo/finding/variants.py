"""The zoo's variants: what each costs, from a table that needs no Keras to read.

A variant is a builder, those of its options that decide the network, and the side of its
pictures. `python -m mobilezoo.finding.make_variants` computes the table; a test recomputes it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from mobilezoo.errors import unknown_model
from mobilezoo.weights import published_convention
from mobilezoo.weights.catalogue import OF_THE_TOP

ALIASES = {"googlenet": "inception_v1"}  # other names of builders
# Arguments of the builders that change neither what a network costs nor what it computes.
_WITHOUT_EFFECT = frozenset({"classifier_activation", "dropout", "name"})
_STRIDE_IN = {"keras": "1x1", "torch": "3x3"}  # of bottlenecks, where nobody says


@dataclass(frozen=True)
class Network:
    """A builder of the zoo.

    Attributes:
        name: of the builder.
        defaults: its arguments and their defaults; see `meaning` for what None means.
        side: default height and width of its pictures, in pixels.
        channels: of its pictures.
        minimum_side: the shortest side in pixels that it can be built for.
        dataset: that its default number of classes belongs to.
        differs: every departure from the paper.
    """

    name: str
    defaults: Mapping[str, Any]
    side: int
    channels: int
    minimum_side: int
    dataset: str
    differs: str

    def canonical(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """The options that decide the network, without those at their defaults."""
        return {
            key: value
            for key, value in options.items()
            if key not in _WITHOUT_EFFECT
            and value is not None
            and value != self.meaning(key, options)
        }

    def meaning(self, key: str, options: Mapping[str, Any]) -> Any:
        """What leaving an argument out means beside these options."""
        if key == "convention":
            given = {**self.defaults, **options}
            decisive = {name: given[name] for name in given.keys() - set(OF_THE_TOP)}
            return published_convention(self.name, **decisive)
        if key == "stride_in":
            convention = options.get("convention") or self.meaning("convention", options)
            return _STRIDE_IN.get(convention)
        return self.defaults.get(key)


@dataclass(frozen=True)
class Variant:
    """One network with its costs.

    Attributes:
        name: of the builder.
        options: its arguments that decide the network, without those at their defaults.
        input_shape: (height, width, channels) in pixels.
        parameters: elements of all weights.
        mult_adds: 1 is one multiplication and one addition.
        size_bytes: precision -> bytes of the Core ML package, predicted, without labels.
        preprocessing: name of the record that its pixels need, see `mobilezoo.Preprocessing`.
        dataset: that its classes belong to; None for classes of your own.
    """

    name: str
    options: Mapping[str, Any]
    input_shape: tuple[int, int, int]
    parameters: int
    mult_adds: int
    size_bytes: Mapping[str, int]
    preprocessing: str
    dataset: str | None

    @property
    def side(self) -> int | None:
        """Height and width in pixels; None where they differ."""
        height, width, _ = self.input_shape
        return height if height == width else None

    def label(self) -> str:
        """What people call it, such as "mobilenet alpha=0.5 at 160 px"."""
        return label(self.name, self.options, self.input_shape)


def label(name: str, options: Mapping[str, Any], input_shape: tuple[int, int, int]) -> str:
    """Name, options and size; what is at its default is left out."""
    words = [name, *(f"{key}={value}" for key, value in options.items())]
    height, width, _ = input_shape
    if height != width:
        words.append(f"at {height} x {width} px")
    elif height != network(name).side:
        words.append(f"at {height} px")
    return " ".join(words)


def networks() -> dict[str, Network]:
    """All builders by name, in the order of the zoo."""
    return {item.name: item for item in _load()[0]}


def network(name: str) -> Network:
    """One builder.

    Raises:
        InvalidArgumentError: no such network.
    """
    known = networks()
    name = ALIASES.get(str(name), str(name))
    if name not in known:
        raise unknown_model(name, known)
    return known[name]


def variants() -> tuple[Variant, ...]:
    """All variants of the table."""
    return _load()[1]


def find_variant(
    name: str, options: Mapping[str, Any], input_shape: tuple[int, int, int]
) -> Variant | None:
    """The table's row, None if it has none; options as `Network.canonical` gives them."""
    for item in variants():
        if (item.name, item.options, item.input_shape) == (name, options, input_shape):
            return item
    return None


@cache
def _load() -> tuple[tuple[Network, ...], tuple[Variant, ...]]:
    content = json.loads((files("mobilezoo.finding") / "variants.json").read_text("utf-8"))
    rows = (
        Variant(**{**row, "input_shape": tuple(row["input_shape"])}) for row in content["variants"]
    )
    return tuple(Network(**row) for row in content["networks"]), tuple(rows)
