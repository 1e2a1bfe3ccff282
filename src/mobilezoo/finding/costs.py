"""What a network costs, computed by building it without its weights."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mobilezoo.errors import InvalidArgumentError
from mobilezoo.finding.variants import Network, Variant

PRECISIONS = ("float16", "float32")


def compute(network: Network, options: Mapping[str, Any], shape: tuple[int, int, int]) -> Variant:
    """Build a network abstractly, count and predict; takes seconds at most and no memory.

    Args:
        network: the builder's record.
        options: its arguments.
        shape: (height, width, channels) in pixels.

    Raises:
        InvalidArgumentError: an argument that the builder cannot take.
    """
    from mobilezoo.benchmark import count
    from mobilezoo.benchmark.sizes import predict_graph_size_bytes
    from mobilezoo.data.preprocessing import preprocessing_of
    from mobilezoo.graph import capture, fold
    from mobilezoo.graph.abstract import without_weights
    from mobilezoo.models import build

    with without_weights():
        model = build(network.name, input_shape=shape, **options)
    canonical = network.canonical(options)
    counts = count(model, shape)
    graph, _ = fold(capture(model, shape))
    prepared = preprocessing_of(model)
    return Variant(
        name=network.name,
        options=canonical,
        input_shape=shape,
        parameters=counts.parameters,
        mult_adds=counts.mult_adds,
        size_bytes={name: predict_graph_size_bytes(graph, name) for name in PRECISIONS},
        preprocessing=prepared.name if prepared else "none",
        dataset=network.dataset if "classes" not in canonical else None,
    )


def minimum_side(name: str, channels: int, options: Mapping[str, Any]) -> int:
    """The shortest side in pixels, as the builder says it when asked for none."""
    from mobilezoo.models import build

    try:
        build(name, input_shape=(0, 0, channels), **options)
    except InvalidArgumentError as error:
        found = re.search(r"is below (\d+) px", str(error))
        if found:
            return int(found[1])
    raise AssertionError(f"{name} does not say which sides are too short")
