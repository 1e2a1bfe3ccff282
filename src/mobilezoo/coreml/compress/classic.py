"""A neural network of classic layers with its large weights in fewer bits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mobilezoo.coreml.compress.choice import Chosen, choose_by_names, members, precision_name
from mobilezoo.coreml.compress.package import PRECISION
from mobilezoo.coreml.neural_network import write_network
from mobilezoo.coreml.neural_network.quantization import is_compressed, store_kernel
from mobilezoo.coreml.precision import Precision
from mobilezoo.errors import InvalidArgumentError
from mobilezoo.runtime.network.weights import StoredWeights
from mobilezoo.runtime.opening import open_model
from mobilezoo.runtime.operations import Constant, Operation
from mobilezoo.runtime.package import ModelFile

_NO_PRODUCTS = ("bias", "data", "scale")  # parameters of layers that are not multiplied


class _Found(NamedTuple):
    """Weights of a layer."""

    layer: str
    output: str
    weights: StoredWeights


def write_compressed_network(
    file: ModelFile, path: Path, wanted: Precision | Chosen, *, keep_ends: bool
) -> Any:
    """Write the file again, with the chosen weights in few bits; return its specification.

    Args:
        file: a neural network; its protobuf is changed.
        path: to be written.
        wanted: for all weights, or by patterns of the names of layers and of what they make.
        keep_ends: whether the first and the last layer stay as they are.

    Raises:
        InvalidArgumentError: a network that learns, a pattern that fits no layer, or weights that
            are NaN or infinite.
        CoreMLFileError: the file is damaged.
        UnsupportedOpError: layers that mobilezoo does not know.
    """
    model = file.model
    if model.isUpdatable:
        raise InvalidArgumentError(
            f"{file.path.name} learns on the device, which takes weights of 32 bits."
        )
    found = list(_weights(file))
    names = [(item.layer, item.output) for item in found]
    chosen = choose_by_names(names, wanted, keep_ends=keep_ends)
    for item, precision in zip(found, chosen, strict=True):
        stored = item.weights
        if stored.bits is None and is_compressed(stored.shape, precision, stored.axis):
            store_kernel(stored.message, _finite(item), precision, stored.axis)
    needed = [item.network_version or 0 for item in members(wanted)]
    model.specificationVersion = max(model.specificationVersion, *needed)
    model.description.metadata.userDefined[PRECISION] = precision_name(wanted)
    write_network(model, path)
    return model


def _weights(file: ModelFile) -> Iterator[_Found]:
    """What layers multiply with, in the order of the layers."""
    network = getattr(file.model, file.kind or "")
    layers = {layer.output[0]: layer.name for layer in network.layers if layer.output}
    for operation in open_model(file).block.operations:
        output = operation.outputs[0].name
        for stored in _multiplied(operation):
            yield _Found(layers.get(output, output), output, stored)


def _multiplied(operation: Operation) -> Iterator[StoredWeights]:
    for parameter, argument in operation.arguments.items():
        content = argument.content if isinstance(argument, Constant) else None
        if not isinstance(content, StoredWeights) or parameter in _NO_PRODUCTS:
            continue
        if len(content.shape) > 1:
            yield content


def _finite(found: _Found) -> Any:
    values = found.weights.read()
    if not np.isfinite(values).all():
        raise InvalidArgumentError(
            f"The weights of '{found.layer}' hold NaN or infinity and cannot be compressed. Train "
            "the network again, or clip its weights."
        )
    return values
