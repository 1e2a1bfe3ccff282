"""Which published weight files belong to which variant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mobilezoo.finding.accuracies import PUBLISHERS, Accuracy
from mobilezoo.finding.variants import Network, network
from mobilezoo.weights import WeightFile, weight_files
from mobilezoo.weights.catalogue import CHANNELS, OF_THE_TOP

# Options that leave the file as it is: a file without a top has no classes, one with a top gets
# a new classifier; pixels are scaled by no weights.
_OF_NO_FILE = frozenset({"classes", "include_top", "pooling", "include_preprocessing"})


def hosted(
    name: str,
    options: Mapping[str, Any],
    *,
    include_top: bool | None = None,
    channels: int = CHANNELS,
) -> tuple[WeightFile, ...]:
    """The files that a builder loads with these options.

    Args:
        name: of the builder.
        options: that decide the network, without those at their defaults.
        include_top: only the files for a network with, or without, a top; a checkpoint of
            torchvision serves both. None for all of them.
        channels: of the pictures.
    """
    known = network(name)
    left_out = _OF_NO_FILE | (frozenset(OF_THE_TOP) if include_top is False else frozenset())
    decisive = {key: value for key, value in options.items() if key not in left_out}
    return tuple(
        item
        for item in weight_files(name)
        if channels == CHANNELS
        and (include_top in (None, item.include_top) or item.convention == "torch")
        and options_of(item, known) == decisive
    )


def options_of(record: WeightFile, known: Network) -> dict[str, Any]:
    """The options of the variant that a file belongs to, without those at their defaults."""
    options = dict(record.options)
    if record.convention != "keras":
        options["convention"] = record.convention
    return known.canonical(options)


def how_to_get(
    name: str, options: Mapping[str, Any], side: int | None, figure: Accuracy | None
) -> str:
    """How a variant gets the weights that it was measured with.

    Args:
        name: of the builder.
        options: that decide the network, without those at their defaults.
        side: height and width of the pictures in pixels.
        figure: the accuracy of the variant; None without one.

    Returns:
        "imagenet" (of that argument: the file is for this size, or was measured at it),
        "torchvision" (one of its checkpoints, by path) or "" (not at all).
    """
    files = hosted(name, options, include_top=True)
    measured = "" if figure is None else figure.weights
    if any(item.side == side for item in files) or (files and measured.startswith(PUBLISHERS)):
        return "imagenet"
    return "torchvision" if not files and measured.startswith("torchvision") else ""
