"""Preprocessing of pixels that belongs to inference."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers

from mobilezoo.graph.call import Call
from mobilezoo.graph.rules.table import layer_rule
from mobilezoo.graph.variables import weight_of


@layer_rule(layers.Rescaling, of_attributes=True)
def rescaling(call: Call) -> Any:
    """Rescaling: x * scale + offset."""
    layer = call.operation
    return _affine(call.x, layer.scale, layer.offset)


@layer_rule(layers.Normalization, of_attributes=True)
def normalization(call: Call) -> Any:
    """Normalization: (x - mean) / sqrt(variance), or the way back."""
    layer = call.operation
    mean, variance = (weight_of(item).read() for item in (layer.mean, layer.variance))
    deviation = np.maximum(np.sqrt(variance), keras.config.epsilon())
    if layer.invert:
        return _affine(call.x, deviation, mean)
    # the difference first, because pixel - 127.5 is exact in float16
    centred = call.x - mean if np.any(mean) else call.x
    return _affine(centred, 1.0 / deviation, 0.0)


def _affine(x: Any, scale: Any, offset: Any) -> Any:
    if np.any(np.asarray(scale) != 1):
        x = x * _squeezed(scale)
    return x + _squeezed(offset) if np.any(np.asarray(offset) != 0) else x


def _squeezed(value: Any) -> Any:
    """An array without the leading axes of size 1; the batch axis would be one."""
    array = np.asarray(value, np.float32)
    while array.ndim and array.shape[0] == 1:
        array = array[0]
    return array
