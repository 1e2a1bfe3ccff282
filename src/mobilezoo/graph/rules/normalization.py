"""Normalization."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops

from mobilezoo._layers import LocalResponseNormalization
from mobilezoo.graph.call import Call, Unsupported
from mobilezoo.graph.rules._checks import as_sequence, keep_batch
from mobilezoo.graph.rules.expansion import expands
from mobilezoo.graph.rules.table import layer_rule, operation_rule
from mobilezoo.graph.variables import weight_of


@layer_rule(layers.BatchNormalization)
def batch_norm(call: Call) -> str:
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


@layer_rule(LocalResponseNormalization)
def local_response_norm(call: Call) -> str:
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


@operation_rule("LayerNorm")
def layer_norm(call: Call) -> str:
    """gamma * (x - mean) / sqrt(variance + epsilon) + beta, over some axes of an example."""
    operation, x = call.operation, call.x
    gamma, beta = call.argument(1, "gamma"), call.argument(2, "beta")
    if operation.rms_scaling:
        raise Unsupported("rms_scaling=True is not supported; use RMSNormalization")
    rank = len(x.shape)
    axes = tuple(sorted(axis % rank for axis in as_sequence(operation.axis)))
    keep_batch(call, 0 not in axes)
    given = {"gamma": gamma, "beta": beta}
    return call.add(
        "layer_norm",
        call.recorder.operand(x),
        weights={role: weight_of(item) for role, item in given.items() if item is not None},
        axes=axes,
        epsilon=_epsilon(operation),
    )


@layer_rule(layers.GroupNormalization)
def group_norm(call: Call) -> str:
    """GroupNormalization: each group of channels of an example is normalised by itself."""
    layer, rank = call.operation, len(call.x.shape)
    if layer.axis % rank != rank - 1:
        raise Unsupported(f"group normalization over axis {layer.axis} is not supported; use -1")
    given = {"gamma": layer.gamma if layer.scale else None,
             "beta": layer.beta if layer.center else None}  # fmt: skip
    return call.add(
        "group_norm",
        call.recorder.operand(call.x),
        weights={role: weight_of(item) for role, item in given.items() if item is not None},
        groups=call.x.shape[-1] if layer.groups == -1 else layer.groups,
        epsilon=layer.epsilon,
    )


@expands("RMSNorm")
def rms_norm(operation: Any, x: Any, scale: Any = None) -> Any:
    """x / sqrt(mean(x^2) + epsilon) * scale."""
    axes = tuple(as_sequence(operation.axis))
    mean = ops.mean(ops.square(x), axes, keepdims=True)
    y = x * ops.rsqrt(mean + _epsilon(operation))
    return y if scale is None else y * _spread(scale, axes, len(x.shape))


@expands("Normalize")
def normalize(operation: Any, x: Any) -> Any:
    """x divided by its length along some axes."""
    if operation.order != 2:
        raise Unsupported(f"normalize of order {operation.order} is not supported; use 2")
    length = ops.sqrt(ops.sum(ops.square(x), operation.axis, keepdims=True))
    return x / ops.maximum(length, _epsilon(operation))


def _epsilon(operation: Any) -> float:
    return float(keras.config.epsilon() if operation.epsilon is None else operation.epsilon)


def _spread(scale: Any, axes: tuple[int, ...], rank: int) -> Any:
    """A scale of the normalised axes, ready to broadcast."""
    values = weight_of(scale).read()
    shape = [1] * rank
    for axis, size in zip(sorted(axis % rank for axis in axes), values.shape, strict=True):
        shape[axis] = size
    return values.reshape(shape)
