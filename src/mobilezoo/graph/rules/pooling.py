"""Pooling over windows and reductions over axes."""

from __future__ import annotations

from mobilezoo.graph.call import Call, Unsupported
from mobilezoo.graph.rules._checks import as_sequence, channels_last, keep_batch, repeat
from mobilezoo.graph.rules.table import Rule, operation_rule


def _pool(kind: str) -> Rule:
    def rule(call: Call) -> str:
        operation = channels_last(call.operation)
        rank = len(call.x.shape) - 2
        if rank != 2:
            raise Unsupported(f"{rank}-D pooling is not supported; use 2-D pooling")
        size = repeat(operation.pool_size, rank)
        strides = size if operation.strides is None else repeat(operation.strides, rank)
        return call.add(
            kind,
            call.recorder.operand(call.x),
            pool_size=size,
            strides=strides,
            padding=operation.padding,
        )

    return rule


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


operation_rule("AveragePool")(_pool("avg_pool"))
operation_rule("MaxPool")(_pool("max_pool"))
operation_rule("Max")(_reduction("reduce_max"))
operation_rule("Mean")(_reduction("reduce_mean"))
operation_rule("Sum")(_reduction("reduce_sum"))
