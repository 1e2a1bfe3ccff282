"""Published weights: where they are, getting them, loading them."""

from mobilezoo.weights.catalogue import WeightFile, find, weight_files
from mobilezoo.weights.checkpoint import Dialect, Source, load_checkpoint
from mobilezoo.weights.convention import is_checkpoint, published_convention
from mobilezoo.weights.keras_file import load_keras_file
from mobilezoo.weights.store import fetch

__all__ = [
    "Dialect",
    "Source",
    "WeightFile",
    "fetch",
    "find",
    "is_checkpoint",
    "load_checkpoint",
    "load_keras_file",
    "published_convention",
    "weight_files",
]
