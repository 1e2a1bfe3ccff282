"""Graph -> MIL program: one emitter per kind of operation, grouped by what they do."""

from mobilezoo.coreml.emit import convolution, elementwise, linear, normalization, pooling, shaping
from mobilezoo.coreml.emit.program import emit
from mobilezoo.coreml.emit.site import EMITTERS

__all__ = [
    "EMITTERS",
    "convolution",
    "elementwise",
    "emit",
    "linear",
    "normalization",
    "pooling",
    "shaping",
]
