"""Published accuracies of the zoo's networks, each with its source and how it was measured.

The figures stand in `accuracies.json`, one a line, as printed by their sources; a published
error e is kept as the accuracy 100 - e. Left out: quantized networks, ensembles, quotes of
another source, and networks that differ from ours (other shortcuts, 3x3 in place of 5x5); the
papers' own ResNets of version 2, with the stride in another block, are here but not shown.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

PUBLISHERS = ("keras.applications", "torchvision")  # of the files that `weights="imagenet"` loads
ONE_CROP = ("1-crop", "whole picture")  # protocols that show the network one picture


@dataclass(frozen=True)
class Accuracy:
    """One published figure.

    Attributes:
        name: of the builder.
        options: its arguments that decide the network; those at their defaults are absent.
        side: height and width in pixels of the pictures that the network saw.
        dataset: "imagenet" (validation set of 2012), "cifar10" or "cifar100" (test set).
        top1: percent; None where only top-5 was published.
        top5: percent; None where only top-1 was published.
        protocol: "1-crop", "10-crop", "dense at 256 px", ...; only equal ones compare.
        weights: which weights were measured, such as "keras.applications" or "the paper".
        source: where the figure is printed.
        note: what else there is to know; begins with "network with" where the measured network
            differs from ours.
        shown: whether it is the figure of its variant: of the 1-crop figures that of the file
            which `weights="imagenet"` loads, the most precise one; else that of a file that
            anybody can download; else the paper's. Never that of a network that differs.
    """

    name: str
    options: Mapping[str, Any]
    side: int
    dataset: str
    top1: float | None
    top5: float | None
    protocol: str
    weights: str
    source: str
    note: str = ""
    shown: bool = field(default=False, compare=False)

    def __str__(self) -> str:
        figures = [
            f"{value} % {name}"
            for name, value in (("top-1", self.top1), ("top-5", self.top5))
            if value is not None
        ]
        return f"{', '.join(figures)} ({self.side} px, {self.protocol}, {self.weights})"


def accuracies(name: str | None = None) -> tuple[Accuracy, ...]:
    """All published figures of one network, or of the whole zoo."""
    return tuple(item for item in _load() if name is None or item.name == name)


def shown_figure(name: str, options: Mapping[str, Any], side: int | None) -> Accuracy | None:
    """The figure of one variant; None if nobody published one."""
    for item in accuracies(name):
        if item.shown and item.options == options and item.side == side:
            return item
    return None


def hosted_figure(name: str) -> Accuracy | None:
    """A figure of the files that weights="imagenet" takes, at any size: of the plainest options."""
    measured = [
        item
        for item in accuracies(name)
        if item.shown and item.weights.startswith(("keras.applications", "torchvision"))
    ]
    return min(measured, key=lambda item: len(item.options), default=None)


@cache
def _load() -> tuple[Accuracy, ...]:
    text = (files("mobilezoo.finding") / "accuracies.json").read_text("utf-8")
    return tuple(Accuracy(**row) for row in json.loads(text))
