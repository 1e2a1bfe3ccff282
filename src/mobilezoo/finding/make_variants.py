"""Write variants.json: the costs of every variant that has an accuracy or published weights.

    python -m mobilezoo.finding.make_variants

Networks are built without their weights: 94 variants take one to two minutes and 1.1 GB, a third of
it for the CIFAR networks of 1001 and 1202 layers.
"""

from __future__ import annotations

import gc
import inspect
import json
import sys
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mobilezoo import _environment
from mobilezoo.finding.accuracies import accuracies
from mobilezoo.finding.costs import compute, minimum_side
from mobilezoo.finding.hosted import options_of
from mobilezoo.finding.variants import Network, Variant
from mobilezoo.models import list_models
from mobilezoo.models.registry import entry
from mobilezoo.weights import weight_files

TARGET = Path(__file__).with_name("variants.json")
DATASETS = {"mnist_mlp": "mnist", "mnist_cnn": "mnist", "resnet_cifar": "cifar10"}


def text() -> str:
    """The file."""
    networks = [network(name) for name in list_models()]
    _environment.coremltools()
    gc.freeze()  # collections need not look through the libraries,
    gc.disable()  # and not through a network that is being built: a third of the time
    try:
        rows = [row for known in networks for row in variants(known)]
    finally:
        gc.enable()
        gc.unfreeze()
    return (
        '{"networks": [\n'
        + ",\n".join(json.dumps(asdict(known)) for known in networks)
        + '\n], "variants": [\n'
        + ",\n".join(json.dumps(asdict(row)) for row in rows)
        + "\n]}\n"
    )


def network(name: str) -> Network:
    """What a builder says of itself: signature, smallest side, departures from the paper."""
    builder = entry(name).builder
    parameters = inspect.signature(builder).parameters.values()
    defaults = {item.name: item.default for item in parameters}
    module = sys.modules[builder.__module__]
    height, _, channels = module.DEFAULT_SHAPE
    return Network(
        name=name,
        defaults=defaults,
        side=height,
        channels=channels,
        minimum_side=minimum_side(name, channels, {}),
        dataset=DATASETS.get(name, "imagenet"),
        differs=_differs(module.__doc__ or ""),
    )


def variants(known: Network) -> Iterator[Variant]:
    """The builder's defaults, what has an accuracy, what has published weights; costs computed."""
    wanted: dict[str, tuple[Mapping[str, Any], int]] = {}

    def want(options: Mapping[str, Any], side: int) -> None:
        canonical = known.canonical(options)
        wanted.setdefault(json.dumps([canonical, side], sort_keys=True), (canonical, side))

    want({}, known.side)
    for record in weight_files(known.name):
        if record.include_top:
            want(options_of(record, known), record.side)
    for figure in accuracies(known.name):
        if figure.dataset == known.dataset:
            want(figure.options, figure.side)
    for options, side in wanted.values():
        yield compute(known, options, (side, side, known.channels))
        gc.collect()  # the network: it is cyclic


def _differs(documentation: str) -> str:
    """What the family's file says under "Differs:"."""
    _, _, rest = documentation.partition("Differs")
    paragraph = rest.lstrip(":").split("\n\n")[0]
    return " ".join(textwrap.dedent(paragraph).split())


if __name__ == "__main__":
    TARGET.write_text(text(), "utf-8")
