"""The layers of both sides: how far each departs, and which one is to blame."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import numpy as np

from mobilezoo.coreml.names import program_names
from mobilezoo.graph import Graph
from mobilezoo.verification.agreement import FloatArray, difference


def layer_differences(
    graph: Graph, in_file: Mapping[str, FloatArray], in_keras: Mapping[str, FloatArray]
) -> Iterator[tuple[str, float]]:
    """(Keras layer, difference of its output) for the layers that the file names."""
    names = program_names(graph)
    seen: set[str] = set()
    for path, tensor in graph.layer_outputs.items():
        values, reference = in_file.get(names.get(tensor, "")), in_keras.get(path)
        if values is None or reference is None or tensor in seen:
            continue
        seen.add(tensor)  # a layer that does nothing returns another layer's tensor
        orders = [difference(order, reference) for order in _orders(values, reference)]
        yield path, float(np.min(orders))  # NaN stays


def departed_layers(
    graph: Graph, layers: Mapping[str, float], limit: float, compared: Collection[str] = ()
) -> list[str]:
    """Layers whose outputs depart, in order of the calls.

    Args:
        graph: as exported.
        layers: Keras layer -> difference of its output.
        limit: that is allowed.
        compared: tensors that are outputs of the file, and as such compared on all examples.
    """
    return [
        path
        for path, value in layers.items()
        if graph.layer_outputs[path] not in compared and not value <= limit  # NaN departs
    ]


def _orders(values: FloatArray, reference: FloatArray) -> list[FloatArray]:
    """The file's values in Keras's axis order: channels come first in pictures and sequences.

    Which order the file uses shows in the shape; where both fit (a cube, say) both are tried. A
    neural network has vectors as (n, channels, 1, 1), sequences as (n, channels, 1, length).
    """
    if values.ndim not in (3, 4):
        return [values]
    orders = [values, np.moveaxis(values, 1, -1)]
    if values.ndim > reference.ndim:
        fitting = [order for order in orders if _long_sides(order) == _long_sides(reference)]
        return [order.reshape(reference.shape) for order in fitting] or [values]
    return [order for order in orders if order.shape == reference.shape] or [values]


def _long_sides(array: FloatArray) -> list[int]:
    return [size for size in array.shape if size > 1]
