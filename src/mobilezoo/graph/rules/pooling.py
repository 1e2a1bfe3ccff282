"""Pooling over windows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from keras import ops

from mobilezoo.graph.call import Call, Unsupported
from mobilezoo.graph.rules._checks import channels_last, repeat
from mobilezoo.graph.rules.expansion import expands
from mobilezoo.graph.rules.linear import along
from mobilezoo.graph.rules.table import Rule, operation_rule

_MOST_AXES = 2  # spatial


def _pool(kind: str) -> Rule:
    def rule(call: Call) -> str:
        operation = channels_last(call.operation)
        rank = len(call.x.shape) - 2
        if rank > _MOST_AXES:
            raise Unsupported(f"{rank}-D pooling is not supported; use 1-D or 2-D pooling")
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


operation_rule("AveragePool")(_pool("avg_pool"))
operation_rule("MaxPool")(_pool("max_pool"))


@expands("AdaptiveAveragePool")
def adaptive_average(operation: Any, x: Any) -> Any:
    """Windows that cover the input, as even as they can be: their means."""
    windows = _windows(operation, x)
    if all(item.even for item in windows):
        return ops.average_pool(x, *_sizes(windows))
    for axis, item in enumerate(windows, start=1):
        x = along(x, axis, item.means())
    return x


@expands("AdaptiveMaxPool")
def adaptive_max(operation: Any, x: Any) -> Any:
    """Windows that cover the input, as even as they can be: their largest values."""
    windows = _windows(operation, x)
    if all(item.even for item in windows):
        return ops.max_pool(x, *_sizes(windows))
    for axis, item in enumerate(windows, start=1):
        front = (slice(None),) * axis
        parts = [
            ops.max(x[(*front, slice(first, last))], axis, keepdims=True)
            for first, last in item.ranges()
        ]
        x = ops.concatenate(parts, axis)
    return x


class _Windows:
    """`made` windows over `side` elements."""

    def __init__(self, side: int, made: int) -> None:
        self.side, self.made = side, made
        self.even = side % made == 0

    def ranges(self) -> list[tuple[int, int]]:
        """From where to where each window reaches."""
        return [
            (i * self.side // self.made, math.ceil((i + 1) * self.side / self.made))
            for i in range(self.made)
        ]

    def means(self) -> np.ndarray[Any, Any]:
        """(made, side): each row averages a window."""
        matrix = np.zeros((self.made, self.side), np.float32)
        for row, (first, last) in zip(matrix, self.ranges(), strict=True):
            row[first:last] = 1.0 / (last - first)
        return matrix


def _windows(operation: Any, x: Any) -> list[_Windows]:
    channels_last(operation)
    sides = x.shape[1:-1]
    if None in sides:
        raise Unsupported("adaptive pooling needs known sides; pass input_shape")
    made = repeat(operation.output_size, len(sides))
    return [_Windows(side, count) for side, count in zip(sides, made, strict=True)]


def _sizes(windows: list[_Windows]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    sizes = tuple(item.side // item.made for item in windows)
    return sizes, sizes
