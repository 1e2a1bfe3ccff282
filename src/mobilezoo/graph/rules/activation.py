"""Activation functions."""

from __future__ import annotations

from typing import Any

from keras import layers

from mobilezoo.graph.call import Call, Unsupported
from mobilezoo.graph.rules._checks import keep_batch
from mobilezoo.graph.rules.table import layer_rule, operation_rule


@layer_rule(layers.Activation)
def activation(call: Call) -> Any:
    """Activation: the function applied by itself."""
    return call.then(call.operation.activation, call.recorder.operand(call.x))


@operation_rule("ReLU")
def relu(call: Call) -> str:
    """`keras.activations.relu` with a slope, a ceiling or a threshold."""
    operation = call.operation
    if operation.threshold:
        raise Unsupported("ReLU with a threshold is not supported; use threshold=0")
    x, slope = call.recorder.operand(call.x), operation.negative_slope
    if slope and operation.max_value is not None:
        raise Unsupported("ReLU with both negative_slope and max_value is not supported")
    if slope:
        return call.add("leaky_relu", x, alpha=float(slope))
    if operation.max_value is None:
        return call.add("relu", x)
    if operation.max_value == 6:
        return call.add("relu6", x)
    return call.add("clip", x, minimum=0.0, maximum=float(operation.max_value))


@operation_rule("LeakyRelu")
def leaky_relu(call: Call) -> str:
    """x if x > 0 else negative_slope * x."""
    alpha = float(call.operation.negative_slope)
    return call.add("leaky_relu", call.recorder.operand(call.x), alpha=alpha)


@operation_rule("Elu")
def elu(call: Call) -> str:
    """x if x > 0 else alpha * (exp(x) - 1)."""
    alpha = float(call.operation.alpha)
    return call.add("elu", call.recorder.operand(call.x), alpha=alpha)


@operation_rule("Gelu")
def gelu(call: Call) -> str:
    """Gaussian error linear unit, exact or with the tanh approximation."""
    approximate = bool(call.operation.approximate)
    return call.add("gelu", call.recorder.operand(call.x), approximate=approximate)


@operation_rule("Softmax")
def softmax(call: Call) -> str:
    """exp(x) / sum(exp(x)) along one axis."""
    axis = call.operation.axis
    if not isinstance(axis, int):
        raise Unsupported(f"softmax over axis={axis} is not supported; use a single axis")
    axis %= len(call.x.shape)
    keep_batch(call, axis != 0)
    return call.add("softmax", call.recorder.operand(call.x), axis=axis)
