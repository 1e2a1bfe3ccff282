"""Activation functions."""

from __future__ import annotations

import math
from typing import Any

from keras import layers, ops

from mobilezoo.graph.call import Call, Unsupported
from mobilezoo.graph.node import Weight
from mobilezoo.graph.rules._checks import as_sequence, keep_batch
from mobilezoo.graph.rules.expansion import expands
from mobilezoo.graph.rules.table import layer_rule, operation_rule
from mobilezoo.graph.variables import weight_of

_SELU_ALPHA = 1.6732632423543772
_SELU_SCALE = 1.0507009873554805


@layer_rule(layers.Activation)
def activation(call: Call) -> Any:
    """Activation: the function applied by itself."""
    return call.then(call.operation.activation, call.recorder.operand(call.x))


@operation_rule("ReLU")
def relu(call: Call) -> Any:
    """`keras.activations.relu` with a slope, a ceiling or a threshold."""
    operation, x = call.operation, call.x
    slope, ceiling = operation.negative_slope, operation.max_value
    if operation.threshold or (slope and ceiling is not None):
        threshold = operation.threshold
        above = x if ceiling is None else ops.minimum(x, ceiling)
        return ops.where(x >= threshold, above, slope * (x - threshold))
    name = call.recorder.operand(x)
    if slope:
        return call.add("leaky_relu", name, alpha=float(slope))
    if ceiling is None:
        return call.add("relu", name)
    if ceiling == 6:
        return call.add("relu6", name)
    return call.add("clip", name, minimum=0.0, maximum=float(ceiling))


@layer_rule(layers.PReLU)
def prelu(call: Call) -> Any:
    """x if x > 0 else alpha * x, with alpha per channel or per value."""
    alpha = call.operation.alpha
    if len(call.x.shape) >= 3 and alpha.shape[-1] == math.prod(alpha.shape):
        slopes = weight_of(alpha)
        weights = {"alpha": Weight((slopes.size,), lambda: slopes.read().reshape(-1))}
        return call.add("prelu", call.recorder.operand(call.x), weights=weights)
    return ops.subtract(ops.relu(call.x), ops.multiply(alpha, ops.relu(-call.x)))


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
def softmax(call: Call) -> Any:
    """exp(x) / sum(exp(x)) along axes."""
    axis = call.operation.axis
    if not isinstance(axis, int):
        return _softmax_over(call.x, axis)
    axis %= len(call.x.shape)
    keep_batch(call, axis != 0)
    return call.add("softmax", call.recorder.operand(call.x), axis=axis)


@layer_rule(layers.Softmax)
def softmax_layer(call: Call) -> Any:
    """Softmax along one axis or several."""
    if call.argument(1, "mask") is not None:
        raise Unsupported("it is called with a mask, which is not supported")
    axis = call.operation.axis
    axes = as_sequence(axis)
    return ops.softmax(call.x, axes[0]) if len(axes) == 1 else _softmax_over(call.x, axes)


def _softmax_over(x: Any, axes: Any) -> Any:
    exponential = ops.exp(x - ops.max(x, axes, keepdims=True))
    return exponential / ops.sum(exponential, axes, keepdims=True)


@expands("LogSoftmax")
def log_softmax(operation: Any, x: Any) -> Any:
    """x - log(sum(exp(x)))."""
    return x - ops.logsumexp(x, operation.axis, keepdims=True)


@expands("LogSigmoid")
def log_sigmoid(_: Any, x: Any) -> Any:
    """-softplus(-x)."""
    return -ops.softplus(-x)


@expands("Celu")
def celu(operation: Any, x: Any) -> Any:
    """x if x > 0 else alpha * (exp(x / alpha) - 1)."""
    return operation.alpha * ops.elu(x / operation.alpha)


@expands("Selu")
def selu(_: Any, x: Any) -> Any:
    """Scaled exponential linear unit, arXiv:1706.02515."""
    return _SELU_SCALE * ops.elu(x, _SELU_ALPHA)


@expands("Glu")
def glu(operation: Any, x: Any) -> Any:
    """One half times the sigmoid of the other."""
    first, second = ops.split(x, 2, operation.axis)
    return first * ops.sigmoid(second)


@expands("HardTanh")
def hard_tanh(_: Any, x: Any) -> Any:
    """x within [-1, 1]."""
    return ops.clip(x, -1.0, 1.0)


@expands("HardShrink")
def hard_shrink(operation: Any, x: Any) -> Any:
    """x if |x| > threshold else 0."""
    return ops.where(ops.abs(x) > operation.threshold, x, 0.0)


@expands("SoftShrink")
def soft_shrink(operation: Any, x: Any) -> Any:
    """x moved towards 0 by the threshold, at most to 0."""
    return x - ops.clip(x, -operation.threshold, operation.threshold)


@expands("TanhShrink")
def tanh_shrink(_: Any, x: Any) -> Any:
    """x - tanh(x)."""
    return x - ops.tanh(x)


@expands("Threshold")
def threshold(operation: Any, x: Any) -> Any:
    """x if x > threshold else a default."""
    return ops.where(x > operation.threshold, x, operation.default_value)


@expands("Squareplus")
def squareplus(operation: Any, x: Any) -> Any:
    """(x + sqrt(x^2 + b)) / 2."""
    return 0.5 * (x + ops.sqrt(ops.square(x) + operation.b))


@expands("SparsePlus")
def sparse_plus(_: Any, x: Any) -> Any:
    """0 up to -1, (x + 1)^2 / 4 up to 1, then x."""
    return 0.25 * ops.square(ops.clip(x, -1.0, 1.0) + 1.0) + ops.relu(x - 1.0)


@expands("SparseSigmoid")
def sparse_sigmoid(_: Any, x: Any) -> Any:
    """(x + 1) / 2 within [0, 1]."""
    return ops.clip(0.5 * (x + 1.0), 0.0, 1.0)


@expands("Sparsemax")
def sparsemax(operation: Any, x: Any) -> Any:
    """max(x - tau, 0), after arXiv:1602.02068, with sums over pairs in place of a sorted order.

    tau is what Keras computes: (the sum of s over the support - 1) / its size, where s sums the n
    elements that are at least x[i], and x[i] is in the support if x[i] > (s - 1) / n.
    """
    last = len(x.shape) - 1
    axis = operation.axis % (last + 1)
    y = x if axis == last else ops.swapaxes(x, axis, last)
    at_least = ops.cast(ops.expand_dims(y, -2) >= ops.expand_dims(y, -1), "float32")
    total = ops.sum(at_least * ops.expand_dims(y, -2), -1)
    support = ops.cast(y > (total - 1.0) / ops.sum(at_least, -1), "float32")
    size = ops.sum(support, -1, keepdims=True)
    tau = (ops.sum(support * total, -1, keepdims=True) - 1.0) / size
    made = ops.relu(y - tau)
    return made if axis == last else ops.swapaxes(made, axis, last)
