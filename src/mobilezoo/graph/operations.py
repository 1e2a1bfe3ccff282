"""Rules for `keras.ops` operations: how each becomes a node.

Operations are looked up by the name of their class in Keras (`keras.ops.relu` -> "Relu").
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from mobilezoo.graph.call import Call, Unsupported

Rule = Callable[[Call], Any]


def find(operation: Any) -> Rule | None:
    """The rule for an operation of Keras, or None."""
    return RULES.get(type(operation).__name__) if is_keras_own(operation) else None


def is_keras_own(operation: Any) -> bool:
    """Whether Keras defines the operation; a user's class may have the same name."""
    return type(operation).__module__.split(".")[0] == "keras"


def _unary(kind: str) -> Rule:
    return lambda call: call.add(kind, call.recorder.operand(call.x))


def _binary(kind: str) -> Rule:
    def rule(call: Call) -> str:
        return call.add(kind, call.operand(0, "x1"), call.operand(1, "x2"))

    return rule


def _reduction(kind: str) -> Rule:
    def rule(call: Call) -> str:
        operation = call.operation
        if getattr(operation, "initial", None) is not None:
            raise Unsupported("a reduction with `initial` is not supported; use keras.ops.maximum")
        rank = len(call.x.shape)
        given = range(rank) if operation.axis is None else _as_sequence(operation.axis)
        axes = tuple(sorted(axis % rank for axis in given))
        _keep_batch(call, 0 not in axes)
        return call.add(kind, call.recorder.operand(call.x), axes=axes, keepdims=operation.keepdims)

    return rule


def _pool(kind: str) -> Rule:
    def rule(call: Call) -> str:
        operation = call.operation
        if operation.data_format not in (None, "channels_last"):
            raise Unsupported("data_format is 'channels_first'; build the model channels-last")
        rank = len(call.x.shape) - 2
        if rank != 2:
            raise Unsupported(f"{rank}-D pooling is not supported; use 2-D pooling")
        size = _repeat(operation.pool_size, rank)
        strides = size if operation.strides is None else _repeat(operation.strides, rank)
        return call.add(
            kind,
            call.recorder.operand(call.x),
            pool_size=size,
            strides=strides,
            padding=operation.padding,
        )

    return rule


def same(call: Call) -> Any:
    """The operation gives its input back."""
    return call.x


def cast(call: Call) -> Any:
    """Between float types nothing changes, and the model's integer inputs come as floats."""
    source, target = call.x.dtype, call.outputs[0].dtype
    if source == target or (_is_float(target) and (_is_float(source) or call.reads_input)):
        return call.x
    raise Unsupported(f"a cast from {source} to {target} is not supported; keep to float types")


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


def leaky_relu(call: Call) -> str:
    """x if x > 0 else negative_slope * x."""
    alpha = float(call.operation.negative_slope)
    return call.add("leaky_relu", call.recorder.operand(call.x), alpha=alpha)


def elu(call: Call) -> str:
    """x if x > 0 else alpha * (exp(x) - 1)."""
    alpha = float(call.operation.alpha)
    return call.add("elu", call.recorder.operand(call.x), alpha=alpha)


def gelu(call: Call) -> str:
    """Gaussian error linear unit, exact or with the tanh approximation."""
    approximate = bool(call.operation.approximate)
    return call.add("gelu", call.recorder.operand(call.x), approximate=approximate)


def clip(call: Call) -> str:
    """Values outside [x_min, x_max] become the nearer bound."""
    low, high = float(call.operation.x_min), float(call.operation.x_max)
    return call.add("clip", call.recorder.operand(call.x), minimum=low, maximum=high)


def softmax(call: Call) -> str:
    """exp(x) / sum(exp(x)) along one axis."""
    axis = call.operation.axis
    if not isinstance(axis, int):
        raise Unsupported(f"softmax over axis={axis} is not supported; use a single axis")
    axis %= len(call.x.shape)
    _keep_batch(call, axis != 0)
    return call.add("softmax", call.recorder.operand(call.x), axis=axis)


def reshape(call: Call) -> str:
    """Another shape for the same elements in row-major order (also expand_dims, squeeze)."""
    given, made = call.x.shape, call.outputs[0].shape
    if given[0] is None:  # each example must keep its own elements
        known = None not in given[1:] and None not in made[1:]
        _keep_batch(call, len(made) > 0 and made[0] is None)
        _keep_batch(call, not known or math.prod(given[1:]) == math.prod(made[1:]))
    return call.add("reshape", call.recorder.operand(call.x))


def transpose(call: Call) -> str:
    """Axis i of the output is axis axes[i] of the input; the batch axis stays."""
    rank = len(call.x.shape)
    axes = call.operation.axes
    axes = tuple(range(rank))[::-1] if axes is None else tuple(axis % rank for axis in axes)
    _keep_batch(call, axes[0] == 0)
    return call.add("transpose", call.recorder.operand(call.x), axes=axes)


def concat(call: Call) -> str:
    """Tensors joined along one axis."""
    axis = call.operation.axis % len(call.outputs[0].shape)
    _keep_batch(call, axis != 0)
    names = [call.recorder.operand(item, call.outputs[0].dtype) for item in call.x]
    return call.add("concat", *names, axis=axis)


def pad(call: Call) -> str:
    """Zeros (or a constant) around a tensor; pairs (before, after), one per axis."""
    operation = call.operation
    if operation.mode != "constant":
        raise Unsupported(f"padding mode {operation.mode!r} is not supported; use 'constant'")
    value = call.argument(1, "constant_values")
    widths = tuple((int(before), int(after)) for before, after in operation.pad_width)
    if len(widths) == 1:
        widths *= len(call.x.shape)
    _keep_batch(call, not any(widths[0]))
    return call.add("pad", call.recorder.operand(call.x), widths=widths, value=float(value or 0.0))


def _keep_batch(call: Call, holds: bool) -> None:
    """Refuse operations that mix examples."""
    if not holds:
        raise Unsupported(
            f"{type(call.operation).__name__} to shape {tuple(call.outputs[0].shape)} moves or "
            "mixes the batch axis; a Core ML file computes one example at a time"
        )


def _is_float(dtype: str) -> bool:
    return dtype.startswith(("float", "bfloat"))


def _as_sequence(value: Any) -> Sequence[int]:
    return (value,) if isinstance(value, int) else tuple(value)


def _repeat(value: Any, n: int) -> tuple[int, ...]:
    return (value,) * n if isinstance(value, int) else tuple(value)


RULES: dict[str, Rule] = {
    "Abs": _unary("abs"),
    "Absolute": _unary("abs"),
    "Add": _binary("add"),
    "AveragePool": _pool("avg_pool"),
    "Cast": cast,
    "Clip": clip,
    "Concatenate": concat,
    "ConvertToTensor": cast,
    "Copy": same,
    "Divide": _binary("divide"),
    "Elu": elu,
    "Exp": _unary("exp"),
    "ExpandDims": reshape,
    "Gelu": gelu,
    "HardSigmoid": _unary("hard_sigmoid"),
    "HardSilu": _unary("hard_silu"),
    "LeakyRelu": leaky_relu,
    "Matmul": _binary("matmul"),
    "Max": _reduction("reduce_max"),
    "MaxPool": _pool("max_pool"),
    "Maximum": _binary("maximum"),
    "Mean": _reduction("reduce_mean"),
    "Minimum": _binary("minimum"),
    "Multiply": _binary("multiply"),
    "Negative": _unary("negative"),
    "Pad": pad,
    "Power": _binary("power"),
    "ReLU": relu,
    "Relu": _unary("relu"),
    "Relu6": _unary("relu6"),
    "Reshape": reshape,
    "Rsqrt": _unary("rsqrt"),
    "Sigmoid": _unary("sigmoid"),
    "Silu": _unary("silu"),
    "Softmax": softmax,
    "Softplus": _unary("softplus"),
    "Softsign": _unary("softsign"),
    "Sqrt": _unary("sqrt"),
    "Square": _unary("square"),
    "Squeeze": reshape,
    "StopGradient": same,
    "Subtract": _binary("subtract"),
    "Sum": _reduction("reduce_sum"),
    "Tanh": _unary("tanh"),
    "Transpose": transpose,
    "TrueDivide": _binary("divide"),
}
