"""Rules: one function per kind of Keras layer or operation, grouped by what they do."""

from mobilezoo.graph.rules import (
    activation,
    convolution,
    elementwise,
    linear,
    normalization,
    pooling,
    preprocessing,
    shaping,
)
from mobilezoo.graph.rules.table import (
    LAYERS,
    OPERATIONS,
    VANISHING,
    acts_in_training,
    is_keras_own,
    rule_for_layer,
    rule_for_operation,
    vanishes,
)

__all__ = [
    "LAYERS",
    "OPERATIONS",
    "VANISHING",
    "activation",
    "acts_in_training",
    "convolution",
    "elementwise",
    "is_keras_own",
    "linear",
    "normalization",
    "pooling",
    "preprocessing",
    "rule_for_layer",
    "rule_for_operation",
    "shaping",
    "vanishes",
]
