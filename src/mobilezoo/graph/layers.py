"""Rules for Keras layers that hold weights or do nothing at inference.

A layer that is not here is opened: what its `call` does in `keras.ops` is captured instead
(`operations.py`), which covers merging, pooling, reshaping and activation layers, and every
custom layer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import layers

from mobilezoo._layers import LocalResponseNormalization
from mobilezoo.graph.call import Call, Unsupported
from mobilezoo.graph.node import Weight
from mobilezoo.graph.variables import weight_of

Rule = Callable[[Call], Any]


def find(layer: Any) -> Rule | None:
    """The rule for exactly this class of layer; subclasses may compute something else."""
    if type(layer) in VANISHING or type(layer) in _AUGMENTATION:
        return vanishes
    return RULES.get(type(layer))


def acts_in_training(layer: Any) -> bool:
    """Whether `training=True` changes what the layer computes."""
    return type(layer) in VANISHING or isinstance(layer, layers.BatchNormalization)


def vanishes(call: Call) -> Any:
    """The layer gives its input back at inference."""
    return call.x


def conv(call: Call) -> Any:
    """Conv2D: x (batch, height, width, channels) * kernel (h, w, channels / groups, filters)."""
    layer = _channels_last(call.operation)
    weights = _kernel_and_bias(layer, layer.kernel)
    y = _convolve(call, "conv", weights, groups=layer.groups)
    return call.then(layer.activation, y)


def depthwise_conv(call: Call) -> Any:
    """DepthwiseConv2D: kernel (h, w, channels, depth_multiplier), one per input channel."""
    layer = _channels_last(call.operation)
    weights = _kernel_and_bias(layer, layer.kernel)
    y = _convolve(call, "depthwise_conv", weights)
    return call.then(layer.activation, y)


def dense(call: Call) -> Any:
    """Dense: x (..., d_in) @ kernel (d_in, units) + bias."""
    layer = call.operation
    if getattr(layer, "quantization_mode", None):
        raise Unsupported("its weights are quantized; export the model before model.quantize()")
    x = call.recorder.operand(call.x)
    y = call.add("dense", x, weights=_kernel_and_bias(layer, layer.kernel))
    return call.then(layer.activation, y)


def batch_norm(call: Call) -> Any:
    """BatchNormalization at inference: gamma * (x - mean) / sqrt(variance + epsilon) + beta."""
    layer = call.operation
    if getattr(layer, "renorm", False):
        raise Unsupported("batch renormalization is not supported; train with renorm=False")
    weights = {
        "gamma": layer.gamma if layer.scale else None,
        "beta": layer.beta if layer.center else None,
        "mean": layer.moving_mean,
        "variance": layer.moving_variance,
    }
    rank = len(call.outputs[0].shape)
    return call.add(
        "batch_norm",
        call.recorder.operand(call.x),
        weights={role: weight_of(item) for role, item in weights.items() if item is not None},
        epsilon=layer.epsilon,
        axis=layer.axis % rank,
    )


def activation(call: Call) -> Any:
    """Activation: the function applied by itself."""
    return call.then(call.operation.activation, call.recorder.operand(call.x))


def rescaling(call: Call) -> Any:
    """Rescaling: x * scale + offset."""
    layer = call.operation
    y = call.recorder.operand(call.x)
    for kind, value in (("multiply", layer.scale), ("add", layer.offset)):
        constant = call.recorder.operand(value, call.outputs[0].dtype)
        y = call.add(kind, y, constant)
    return y


def local_response_norm(call: Call) -> Any:
    """LocalResponseNormalization: x / (k + alpha / size * s) ^ beta, s over `size` channels."""
    layer = call.operation
    return call.add(
        "local_response_norm",
        call.recorder.operand(call.x),
        size=layer.size,
        alpha=layer.alpha,
        beta=layer.beta,
        k=layer.k,
    )


def _convolve(call: Call, kind: str, weights: dict[str, Weight], **attributes: Any) -> str:
    layer = call.operation
    return call.add(
        kind,
        call.recorder.operand(call.x),
        weights=weights,
        strides=tuple(layer.strides),
        dilation_rate=tuple(layer.dilation_rate),
        padding=layer.padding,
        **attributes,
    )


def _channels_last(layer: Any) -> Any:
    if layer.data_format != "channels_last":
        raise Unsupported("data_format is 'channels_first'; build the model channels-last")
    return layer


def _kernel_and_bias(layer: Any, kernel: Any) -> dict[str, Weight]:
    weights = {"kernel": weight_of(kernel)}
    if layer.use_bias:
        weights["bias"] = weight_of(layer.bias)
    return weights


RULES: dict[type, Rule] = {
    layers.Activation: activation,
    layers.BatchNormalization: batch_norm,
    layers.Conv2D: conv,
    layers.Dense: dense,
    layers.DepthwiseConv2D: depthwise_conv,
    layers.Rescaling: rescaling,
    LocalResponseNormalization: local_response_norm,
}
VANISHING = frozenset(
    {
        layers.ActivityRegularization,
        layers.AlphaDropout,
        layers.Dropout,
        layers.GaussianDropout,
        layers.GaussianNoise,
        layers.Identity,
        layers.SpatialDropout1D,
        layers.SpatialDropout2D,
        layers.SpatialDropout3D,
    }
)
_AUGMENTATION = tuple(
    getattr(layers, name) for name in dir(keras.layers) if name.startswith("Random")
)
