"""Normalization."""

from __future__ import annotations

from keras import layers

from mobilezoo._layers import LocalResponseNormalization
from mobilezoo.graph.call import Call, Unsupported
from mobilezoo.graph.rules.table import layer_rule
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
