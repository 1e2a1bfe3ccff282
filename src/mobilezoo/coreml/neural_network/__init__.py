"""Graph -> neural network of classic layers (iOS 11), one emitter per kind of operation."""

from mobilezoo.coreml.neural_network import (
    arithmetic,
    convolution,
    elementwise,
    linear,
    normalization,
    pooling,
    resizing,
    shaping,
)
from mobilezoo.coreml.neural_network.network import Precisions, emit_network, write_network
from mobilezoo.coreml.neural_network.support import check_expressible
from mobilezoo.coreml.neural_network.table import NETWORK_EMITTERS
from mobilezoo.coreml.neural_network.updating import make_updatable

__all__ = [
    "NETWORK_EMITTERS",
    "Precisions",
    "arithmetic",
    "check_expressible",
    "convolution",
    "elementwise",
    "emit_network",
    "linear",
    "make_updatable",
    "normalization",
    "pooling",
    "resizing",
    "shaping",
    "write_network",
]
