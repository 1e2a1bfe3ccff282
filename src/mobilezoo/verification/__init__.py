"""Does a Core ML file compute what the Keras model computes? Layer by layer, on any machine."""

from mobilezoo.verification.agreement import Agreement
from mobilezoo.verification.comparison import verify

__all__ = ["Agreement", "verify"]
