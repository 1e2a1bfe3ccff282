"""One plain function per layer of a neural network.

What each layer means is Apple's NeuralNetwork.proto. A function's parameters are the layer's
inputs, its weights, and the fields of its message in Python's spelling; a default is what the
format means where a field is not set, or zero. Truth of position: the last three axes are
(channels, height, width), and what comes before is batch. `LAYERS` maps a layer's name to its
function.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mobilezoo.runtime.layers import (
    activation,
    broadcasting,
    convolution,
    cutting,
    detection,
    dynamic,
    elementwise,
    linear,
    nd,
    normalization,
    order,
    pooling,
    recurrent,
    reduction,
    resizing,
    scattering,
    shaping,
    volumes,
)

MODULES = (
    activation, broadcasting, convolution, cutting, detection, dynamic, elementwise, linear,
    nd, normalization, order, pooling, recurrent, reduction, resizing, scattering, shaping,
    volumes,
)  # fmt: skip
_NAMES = {"non_maximum_suppression": "NonMaximumSuppression"}
_SPELLINGS = {"nd": "ND", "2d": "2D", "relu": "ReLU", "lstm": "LSTM"}


def layer_name(function_name: str) -> str:
    """The layer of a function: inner_product -> innerProduct, softmax_nd -> softmaxND."""
    if function_name in _NAMES:
        return _NAMES[function_name]
    first, *others = function_name.split("_")
    return first + "".join(_SPELLINGS.get(word, word[:1].upper() + word[1:]) for word in others)


LAYERS: dict[str, Callable[..., Any]] = {
    layer_name(name): getattr(module, name) for module in MODULES for name in module.__all__
}
