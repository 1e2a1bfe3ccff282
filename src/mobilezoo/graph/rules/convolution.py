"""Convolutions of sequences (batch, length, channels) and pictures (batch, h, w, channels).

Kernels are in Keras's layout, `k` the spatial axes: (*k, channels / groups, filters), depthwise
(*k, channels, multiplier), transposed (*k, filters, channels).
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from mobilezoo.graph.call import Call, Unsupported
from mobilezoo.graph.node import Weight
from mobilezoo.graph.rules._checks import channels_last, constant, kernel_and_bias, repeat
from mobilezoo.graph.rules.table import layer_rule, operation_rule
from mobilezoo.graph.variables import weight_of

_MOST_AXES = 2  # spatial
_ANY_SIDE = 16  # what a transposed convolution has too much is the same for all


@layer_rule(layers.Conv1D, layers.Conv2D)
def conv(call: Call) -> Any:
    """Conv1D and Conv2D, also grouped, dilated, causal."""
    layer = channels_last(call.operation)
    weights = kernel_and_bias(layer, layer.kernel)
    return call.then(layer.activation, _conv(call, weights))


@layer_rule(layers.DepthwiseConv1D, layers.DepthwiseConv2D)
def depthwise_conv(call: Call) -> Any:
    """DepthwiseConv1D and DepthwiseConv2D: filters of one input channel each."""
    layer = channels_last(call.operation)
    weights = kernel_and_bias(layer, layer.kernel)
    return call.then(layer.activation, _depthwise(call, weights))


@layer_rule(layers.SeparableConv1D, layers.SeparableConv2D)
def separable_conv(call: Call) -> Any:
    """SeparableConv1D and SeparableConv2D: depthwise, then 1x1 across channels."""
    layer = channels_last(call.operation)
    pointwise = kernel_and_bias(layer, layer.pointwise_kernel)
    y = _separable(call, weight_of(layer.depthwise_kernel), pointwise)
    return call.then(layer.activation, y)


@layer_rule(layers.Conv1DTranspose, layers.Conv2DTranspose)
def conv_transpose(call: Call) -> Any:
    """Conv1DTranspose and Conv2DTranspose, which undo a convolution's strides."""
    layer = channels_last(call.operation)
    weights = kernel_and_bias(layer, layer.kernel)
    return call.then(layer.activation, _transposed(call, weights))


@operation_rule("Conv")
def conv_operation(call: Call) -> str:
    """`keras.ops.conv` with a kernel that the model holds."""
    channels_last(call.operation)
    return _conv(call, {"kernel": constant(call, 1, "kernel")})


@operation_rule("DepthwiseConv")
def depthwise_operation(call: Call) -> str:
    """`keras.ops.depthwise_conv` with a kernel that the model holds."""
    channels_last(call.operation)
    return _depthwise(call, {"kernel": constant(call, 1, "kernel")})


@operation_rule("SeparableConv")
def separable_operation(call: Call) -> str:
    """`keras.ops.separable_conv` with kernels that the model holds."""
    channels_last(call.operation)
    pointwise = {"kernel": constant(call, 2, "pointwise_kernel")}
    return _separable(call, constant(call, 1, "depthwise_kernel"), pointwise)


@operation_rule("ConvTranspose")
def transpose_operation(call: Call) -> str:
    """`keras.ops.conv_transpose` with a kernel that the model holds."""
    channels_last(call.operation)
    return _transposed(call, {"kernel": constant(call, 1, "kernel")})


def _conv(call: Call, weights: dict[str, Weight]) -> str:
    groups = call.x.shape[-1] // weights["kernel"].shape[-2]
    return _add(call, "conv", weights, groups=groups)


def _depthwise(call: Call, weights: dict[str, Weight]) -> str:
    return _add(call, "depthwise_conv", weights)


def _separable(call: Call, depthwise: Weight, pointwise: dict[str, Weight]) -> str:
    """Two nodes: "depthwise" and the one that carries the layer's name."""
    *spatial, _ = call.outputs[0].shape[1:]
    channels = depthwise.shape[-2] * depthwise.shape[-1]
    middle = _add(
        call,
        "depthwise_conv",
        {"kernel": depthwise},
        shape=(call.outputs[0].shape[0], *spatial, channels),
        suffix="depthwise",
    )
    ones = (1,) * len(spatial)
    return call.add(
        "conv",
        middle,
        weights=pointwise,
        strides=ones,
        dilation_rate=ones,
        padding="valid",
        groups=1,
    )


def _transposed(call: Call, weights: dict[str, Weight]) -> str:
    """`crop`: what the full output, (side - 1) * stride + extent, has too much, per axis."""
    operation = call.operation
    rank = _rank(call)
    strides = repeat(operation.strides, rank)
    dilation = repeat(operation.dilation_rate, rank)
    crop = []
    given = [_ANY_SIDE if side is None else side for side in call.x.shape[1:-1]]
    for axis, (side, made) in enumerate(zip(given, _made_of(call, given), strict=True)):
        extent = (weights["kernel"].shape[axis] - 1) * dilation[axis] + 1
        excess = (side - 1) * strides[axis] + extent - made
        before = max(excess, 0) // 2 if operation.padding == "same" else 0
        crop.append((before, excess - before))
    return call.add(
        "conv_transpose",
        call.recorder.operand(call.x),
        weights=weights,
        strides=strides,
        dilation_rate=dilation,
        crop=tuple(crop),
    )


def _made_of(call: Call, sides: list[int]) -> tuple[int, ...]:
    """The sides that a picture of `sides` becomes."""
    shape = (call.x.shape[0], *sides, call.x.shape[-1])
    example = keras.KerasTensor(shape, call.x.dtype)
    made = call.operation.compute_output_spec(example, *call.args[1:], **call.kwargs)
    return tuple(made.shape[1:-1])


def _add(call: Call, kind: str, weights: dict[str, Weight], **options: Any) -> str:
    operation, rank = call.operation, _rank(call)
    strides = repeat(operation.strides, rank)
    dilation = repeat(operation.dilation_rate, rank)
    padding: Any = operation.padding
    if padding == "causal":  # nothing after, so that no output reads what comes later
        padding = (((weights["kernel"].shape[0] - 1) * dilation[0], 0),)
    return call.add(
        kind,
        call.recorder.operand(call.x),
        weights=weights,
        strides=strides,
        dilation_rate=dilation,
        padding=padding,
        **options,
    )


def _rank(call: Call) -> int:
    rank = len(call.x.shape) - 2
    if rank > _MOST_AXES:
        raise Unsupported(f"{rank}-D convolution is not supported; use 1-D or 2-D")
    return rank
