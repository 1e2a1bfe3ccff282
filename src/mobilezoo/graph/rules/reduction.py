"""Reductions over axes."""

from __future__ import annotations

from typing import Any

from keras import ops

from mobilezoo.graph.call import Call, Unsupported
from mobilezoo.graph.rules._checks import as_sequence, keep_batch
from mobilezoo.graph.rules.expansion import expands
from mobilezoo.graph.rules.table import Rule, operation_rule


def _reduction(kind: str) -> Rule:
    def rule(call: Call) -> str:
        operation = call.operation
        if getattr(operation, "initial", None) is not None:
            raise Unsupported("a reduction with `initial` is not supported; use keras.ops.maximum")
        rank = len(call.x.shape)
        given = range(rank) if operation.axis is None else as_sequence(operation.axis)
        axes = tuple(sorted(axis % rank for axis in given))
        keep_batch(call, 0 not in axes)
        return call.add(kind, call.recorder.operand(call.x), axes=axes, keepdims=operation.keepdims)

    return rule


operation_rule("Amax", "Max")(_reduction("reduce_max"))
operation_rule("Amin", "Min")(_reduction("reduce_min"))
operation_rule("Mean")(_reduction("reduce_mean"))
operation_rule("Prod")(_reduction("reduce_prod"))
operation_rule("Sum")(_reduction("reduce_sum"))


@operation_rule("Argmax", any_dtype=True)
def argmax(call: Call) -> str:
    """Position of the largest along an axis, the first of equals."""
    return _position(call, "argmax", call.recorder.operand(call.x))


@operation_rule("Argmin", any_dtype=True)
def argmin(call: Call) -> Any:
    """Position of the smallest along an axis, the first of equals."""
    operation = call.operation
    return ops.argmax(-call.x, operation.axis, keepdims=operation.keepdims)


def _position(call: Call, kind: str, x: str) -> str:
    if call.operation.axis is None:
        raise Unsupported(f"{kind} over all axes mixes the batch; pass axis")
    axis = call.operation.axis % len(call.x.shape)
    keep_batch(call, axis != 0)
    return call.add(kind, x, axis=axis, keepdims=call.operation.keepdims)


@operation_rule("Cumsum")
def cumsum(call: Call) -> str:
    """Sums of what comes before along an axis, and of the element itself."""
    if call.operation.axis is None:
        raise Unsupported("cumsum without an axis mixes the batch; pass axis")
    axis = call.operation.axis % len(call.x.shape)
    keep_batch(call, axis != 0)
    return call.add("cumsum", call.recorder.operand(call.x), axis=axis)


@expands("Moments")
def moments(operation: Any, x: Any) -> Any:
    """Mean and variance."""
    axes = tuple(as_sequence(operation.axes))
    mean = ops.mean(x, axes, keepdims=True)
    variance = ops.mean(ops.square(x - mean), axes, keepdims=operation.keepdims)
    return (mean if operation.keepdims else ops.squeeze(mean, axes)), variance


@expands("Var")
def variance(operation: Any, x: Any) -> Any:
    """Mean squared distance from the mean."""
    axes = None if operation.axis is None else tuple(operation.axis)
    centred = x - ops.mean(x, axes, keepdims=True)
    return ops.mean(ops.square(centred), axes, keepdims=operation.keepdims)


@expands("Std")
def deviation(operation: Any, x: Any) -> Any:
    """Root of the variance."""
    return ops.sqrt(ops.var(x, operation.axis, keepdims=operation.keepdims))


@expands("Logsumexp")
def logsumexp(operation: Any, x: Any) -> Any:
    """log(sum(exp(x))), without overflow."""
    largest = ops.max(x, operation.axis, keepdims=True)
    total = ops.sum(ops.exp(x - largest), operation.axis, keepdims=operation.keepdims)
    if not operation.keepdims:
        largest = ops.max(x, operation.axis)
    return ops.log(total) + largest


@expands("Norm")
def norm(operation: Any, x: Any) -> Any:
    """Vector norms of order 1, 2 and infinity."""
    options = {"axis": operation.axis, "keepdims": operation.keepdims}
    if operation.ord == 1:
        return ops.sum(ops.abs(x), **options)
    if operation.ord == float("inf"):
        return ops.max(ops.abs(x), **options)
    if operation.ord in (None, 2) and (operation.ord is None or len(operation.axis or ()) == 1):
        return ops.sqrt(ops.sum(ops.square(x), **options))
    raise Unsupported(f"norm of order {operation.ord!r} is not supported; choose 1, 2 or inf")
