"""Weights in few bits: which codes and which numbers stand for them."""

from mobilezoo.coreml.compress.palette import best_cuts, palette

__all__ = ["best_cuts", "palette"]
