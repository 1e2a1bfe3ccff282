"""Which published weight files belong to which variant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mobilezoo.finding.variants import Network, network
from mobilezoo.weights import WeightFile, weight_files


def hosted(name: str, options: Mapping[str, Any]) -> tuple[WeightFile, ...]:
    """The files that a builder loads with these options, those without a top among them.

    Args:
        name: of the builder.
        options: that decide the network, without those at their defaults.
    """
    known = network(name)
    return tuple(item for item in weight_files(name) if options_of(item, known) == dict(options))


def options_of(record: WeightFile, known: Network) -> dict[str, Any]:
    """The options of the variant that a file belongs to, without those at their defaults."""
    options = dict(record.options)
    if record.convention != "keras":
        options["convention"] = record.convention
    return known.canonical(options)
