"""Rules: one function per kind of Keras layer or operation, grouped by what they do."""

from mobilezoo.graph.rules import (
    activation,
    convolution,
    elementwise,
    indexing,
    linear,
    logic,
    normalization,
    pictures,
    pooling,
    preprocessing,
    reduction,
    shaping,
)
from mobilezoo.graph.rules.table import (
    ANY_DTYPE,
    LAYERS,
    OPERATIONS,
    acts_in_training,
    is_keras_own,
    rule_for_layer,
    rule_for_operation,
    vanishes,
)

__all__ = [
    "ANY_DTYPE",
    "LAYERS",
    "OPERATIONS",
    "activation",
    "acts_in_training",
    "convolution",
    "elementwise",
    "indexing",
    "is_keras_own",
    "linear",
    "logic",
    "normalization",
    "pictures",
    "pooling",
    "preprocessing",
    "reduction",
    "rule_for_layer",
    "rule_for_operation",
    "shaping",
    "vanishes",
]
