"""Checkpoints of PyTorch (torchvision, timm) into a network's layers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from mobilezoo.errors import InvalidArgumentError
from mobilezoo.weights.fit import Array, Stored, fit, say_fresh, with_weights
from mobilezoo.weights.torch_file import opened

if TYPE_CHECKING:
    import keras

# Keras's names -> PyTorch's
PARTS = {
    "kernel": "weight",
    "bias": "bias",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
NO_WEIGHTS = ".num_batches_tracked"  # which a batch norm counts in training


@dataclass(frozen=True)
class Source:
    """Where a layer's weights are in a checkpoint.

    Attributes:
        name: prefix of its entries, such as "features.0".
        flattened: (height, width, channels) of the feature map that a Dense layer reads
            flattened: PyTorch flattens channels first.
    """

    name: str
    flattened: tuple[int, int, int] | None = None


@dataclass(frozen=True)
class Dialect:
    """How a library names the layers of a network.

    Attributes:
        library: such as "timm", for messages.
        names: the network's layer -> its name in the checkpoint; all layers with weights, also
            those of the top where the network has none.
        epsilon: of that library's batch norms, where it is not what the network is built with.
    """

    library: str
    names: Mapping[str, str | Source]
    epsilon: float | None = None

    def source(self, layer: str) -> Source | None:
        """Where a layer's weights are; None if the library has no such layer."""
        found = self.names.get(layer)
        return Source(found) if isinstance(found, str) else found


def load_checkpoint(
    network: str,
    layers: Sequence[keras.Layer],
    path: Path,
    dialects: Sequence[Dialect],
    *,
    fresh: str | None = None,
) -> None:
    """Load a `.safetensors` or `.pth` checkpoint into a network's layers.

    Args:
        network: its name, for messages.
        layers: in the order of `model.layers`; those without weights do not matter.
        path: of the file.
        dialects: how the libraries name them; that of the file is found by its names.
        fresh: name of the classifier if it is to keep its weights.

    Raises:
        InvalidArgumentError: not such a file, or its weights do not fit; no layer has changed.
        MissingExtraError: safetensors or torch is not installed.
    """
    from keras.layers import BatchNormalization  # the records are read without Keras

    ours = [layer for layer in with_weights(layers) if layer.name != fresh]
    with opened(path) as tensors:
        dialect = _spoken(dialects, tensors, network, path)
        pairs: list[tuple[keras.Layer | None, Stored | None]] = [
            (layer, _stored(layer, dialect.source(layer.name), tensors)) for layer in ours
        ]
        pairs += [(None, stored) for stored in _left_over(ours, dialect, tensors)]
        fit(network, pairs, path)
    for layer in ours:
        if dialect.epsilon is not None and isinstance(layer, BatchNormalization):
            layer.epsilon = dialect.epsilon
    if fresh is not None:
        say_fresh(network, fresh, path)


def _spoken(
    dialects: Sequence[Dialect], tensors: Mapping[str, Array], network: str, path: Path
) -> Dialect:
    """The dialect that most names of the file are of."""

    def first_names(dialect: Dialect) -> list[str]:
        sources = (dialect.source(layer) for layer in dialect.names)
        return [f"{source.name}.weight" for source in sources if source is not None]

    def known(dialect: Dialect) -> int:
        return sum(name in tensors for name in first_names(dialect))

    best = max(dialects, key=known)
    if known(best) == 0:
        expected = " or ".join(f"'{first_names(item)[0]}' ({item.library})" for item in dialects)
        found = f"begins with '{next(iter(tensors))}'" if tensors else "is empty"
        raise InvalidArgumentError(
            f"'{path}' is not a checkpoint for '{network}': it {found}, not with {expected}."
        )
    return best


def _stored(
    layer: keras.Layer, source: Source | None, tensors: Mapping[str, Array]
) -> Stored | None:
    if source is None:
        return None
    names = _entries(layer, source)
    arrays = [_converted(tensors[name], layer, source) for name in names if name in tensors]
    return Stored(source.name, arrays) if arrays else None


def _entries(layer: keras.Layer, source: Source) -> list[str]:
    return [f"{source.name}.{PARTS[weight.name]}" for weight in layer.weights]


def _left_over(
    ours: Sequence[keras.Layer], dialect: Dialect, tensors: Mapping[str, Array]
) -> list[Stored]:
    """What no layer takes, but for the top that the network was built without."""
    known = {layer.name: dialect.source(layer.name) for layer in ours}
    taken = {name for layer in ours if (at := known[layer.name]) for name in _entries(layer, at)}
    absent = [dialect.source(layer) for layer in dialect.names if layer not in known]
    of_top = tuple(f"{source.name}." for source in absent if source is not None)
    return [
        Stored(name, [tensor])
        for name, tensor in tensors.items()
        if name not in taken and not name.endswith(NO_WEIGHTS) and not name.startswith(of_top)
    ]


def _converted(tensor: Array, layer: keras.Layer, source: Source) -> Array:
    """A kernel in Keras's order of axes; a vector as it is."""
    from keras.layers import Dense, DepthwiseConv2D

    depthwise = isinstance(layer, DepthwiseConv2D)
    multiplier = layer.depth_multiplier if depthwise else 1
    if len(tensor.shape) not in (2, 4) or tensor.shape[0] % multiplier != 0:
        return tensor
    outputs, inputs, *sides = _oihw(tensor.shape, source.flattened)
    # A depthwise kernel (c * m, 1, h, w) is (c, m, h, w), any other one (o, i, h, w).
    view = (outputs // multiplier, inputs * multiplier, *sides)
    axes = (2, 3, 0, 1) if depthwise else (2, 3, 1, 0)
    shape = tuple(view[axis] for axis in axes)
    if isinstance(layer, Dense):
        shape = (math.prod(shape[:3]), shape[3])
    return replace(
        tensor,
        shape=shape,
        read=lambda: tensor.read().reshape(view).transpose(axes).reshape(shape),
    )


def _oihw(shape: tuple[int, ...], flattened: tuple[int, int, int] | None) -> tuple[int, ...]:
    """The shape as a convolution's: of the flattened map's size, or 1x1."""
    if len(shape) == 4:
        return shape
    outputs, inputs = shape
    if flattened is not None and inputs == math.prod(flattened):
        height, width, channels = flattened
        return outputs, channels, height, width
    return outputs, inputs, 1, 1
