"""Operations that move values and compute nothing."""

from __future__ import annotations

import math

from mobilezoo.graph.call import Call, Unsupported
from mobilezoo.graph.rules._checks import keep_batch
from mobilezoo.graph.rules.table import operation_rule


@operation_rule("ExpandDims", "Reshape", "Squeeze")
def reshape(call: Call) -> str:
    """Another shape for the same elements in row-major order (also expand_dims, squeeze)."""
    given, made = call.x.shape, call.outputs[0].shape
    if given[0] is None:  # each example must keep its own elements
        known = None not in given[1:] and None not in made[1:]
        keep_batch(call, len(made) > 0 and made[0] is None)
        keep_batch(call, not known or math.prod(given[1:]) == math.prod(made[1:]))
    return call.add("reshape", call.recorder.operand(call.x))


@operation_rule("Transpose")
def transpose(call: Call) -> str:
    """Axis i of the output is axis axes[i] of the input; the batch axis stays."""
    rank = len(call.x.shape)
    axes = call.operation.axes
    axes = tuple(range(rank))[::-1] if axes is None else tuple(axis % rank for axis in axes)
    keep_batch(call, axes[0] == 0)
    return call.add("transpose", call.recorder.operand(call.x), axes=axes)


@operation_rule("Concatenate")
def concat(call: Call) -> str:
    """Tensors joined along one axis."""
    axis = call.operation.axis % len(call.outputs[0].shape)
    keep_batch(call, axis != 0)
    names = [call.recorder.operand(item, call.outputs[0].dtype) for item in call.x]
    return call.add("concat", *names, axis=axis)


@operation_rule("Pad")
def pad(call: Call) -> str:
    """Zeros (or a constant) around a tensor; pairs (before, after), one per axis."""
    operation = call.operation
    if operation.mode != "constant":
        raise Unsupported(f"padding mode {operation.mode!r} is not supported; use 'constant'")
    value = call.argument(1, "constant_values")
    widths = tuple((int(before), int(after)) for before, after in operation.pad_width)
    if len(widths) == 1:
        widths *= len(call.x.shape)
    keep_batch(call, not any(widths[0]))
    return call.add("pad", call.recorder.operand(call.x), widths=widths, value=float(value or 0.0))
