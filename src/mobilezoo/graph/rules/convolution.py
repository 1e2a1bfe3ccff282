"""Convolutions: x (batch, height, width, channels), channels last."""

from __future__ import annotations

from typing import Any

from keras import layers

from mobilezoo.graph.call import Call
from mobilezoo.graph.node import Weight
from mobilezoo.graph.rules._checks import channels_last, kernel_and_bias
from mobilezoo.graph.rules.table import layer_rule


@layer_rule(layers.Conv2D)
def conv(call: Call) -> Any:
    """Conv2D: x (batch, height, width, channels) * kernel (h, w, channels / groups, filters)."""
    layer = channels_last(call.operation)
    weights = kernel_and_bias(layer, layer.kernel)
    y = _convolve(call, "conv", weights, groups=layer.groups)
    return call.then(layer.activation, y)


@layer_rule(layers.DepthwiseConv2D)
def depthwise_conv(call: Call) -> Any:
    """DepthwiseConv2D: kernel (h, w, channels, depth_multiplier), one per input channel."""
    layer = channels_last(call.operation)
    weights = kernel_and_bias(layer, layer.kernel)
    y = _convolve(call, "depthwise_conv", weights)
    return call.then(layer.activation, y)


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
