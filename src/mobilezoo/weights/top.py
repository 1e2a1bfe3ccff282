"""Which layers of a network or of a file are its top, seen from the shapes of their weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import keras

    from mobilezoo.weights.fit import Stored

Shape: TypeAlias = tuple[int, ...]
Pairs: TypeAlias = Sequence[tuple["keras.Layer | None", "Stored | None"]]

MOST_LAYERS = 3  # VGG: two hidden ones and the classes


def without_top(layers: Sequence[keras.Layer], pairs: Pairs) -> Pairs:
    """The pairs without the file's top, where the network has none; else all of them.

    What the file holds beyond the network counts as its top only if it is the rest of the file
    and a classifier of the network's features, so that a deeper network's file stays a misfit.

    Args:
        layers: of the network, all of them.
        pairs: a layer and what the file holds for it.
    """
    taken = [layer is not None for layer, _ in pairs]
    fitting = pairs[: sum(taken)]
    rest = [stored.shapes for layer, stored in pairs if layer is None and stored is not None]
    channels = _features(layers)
    if channels is None or not all(taken[: len(fitting)]) or not is_top(rest, channels):
        return pairs
    return fitting


def lacks_top(pairs: Pairs) -> bool:
    """Whether the file ends where the network's top begins."""
    rest = [layer for layer, stored in pairs if layer is not None and stored is None]
    if [layer for layer, _ in pairs[len(pairs) - len(rest) :]] != rest:
        return False
    return is_top([[tuple(weight.shape) for weight in layer.weights] for layer in rest])


def is_top(layers: Sequence[Sequence[Shape]], channels: int | None = None) -> bool:
    """Whether layers with weights of these shapes are a classifier.

    That is up to three Dense layers or 1x1 convolutions with biases, each of which takes what the
    one before it gives: no batch norm, no other kernel, no branches.

    Args:
        layers: the shapes of each one's weights.
        channels: of the feature map that it reads; Dense layers may read it flattened. None if
            that is not known.
    """
    if not 1 <= len(layers) <= MOST_LAYERS:
        return False
    given, flat = channels, True
    for shapes in layers:
        if len(shapes) != 2 or len(shapes[0]) not in (2, 4) or shapes[1] != shapes[0][-1:]:
            return False
        *sides, inputs, outputs = shapes[0]
        flattened = flat and not sides and given is not None and inputs % given == 0
        if sides not in ([], [1, 1]) or not (given in (None, inputs) or flattened):
            return False
        given, flat = outputs, False
    return True


def _features(layers: Sequence[keras.Layer]) -> int | None:
    """Channels of what a network without a top returns; None if it returns something else."""
    from keras.layers import GlobalAveragePooling2D, GlobalMaxPooling2D

    output = getattr(layers[-1], "output", None) if layers else None
    shape: Sequence[int] = getattr(output, "shape", ())
    pooled = bool(layers) and isinstance(layers[-1], (GlobalAveragePooling2D, GlobalMaxPooling2D))
    return shape[-1] if len(shape) == 4 or pooled else None
