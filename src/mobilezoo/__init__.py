"""mobilezoo: a model zoo for Apple devices.

Build a vision network in Keras 3, write it as a Core ML file, and know on any machine that the
file computes what the Keras model computes.

    from mobilezoo import mobilenet, export_coreml, load_coreml, verify

Importing the package is fast: TensorFlow and coremltools are imported when a call needs them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from mobilezoo._version import __version__

if TYPE_CHECKING:
    from mobilezoo import benchmark
    from mobilezoo.coreml import export_coreml
    from mobilezoo.data.preprocessing import Preprocessing
    from mobilezoo.models import build, list_models, mnist_cnn, mnist_mlp, mobilenet
    from mobilezoo.randomize import randomize_weights
    from mobilezoo.runtime import load_coreml
    from mobilezoo.verification import Agreement, verify

_HOME = {
    "Agreement": "mobilezoo.verification",
    "Preprocessing": "mobilezoo.data.preprocessing",
    "build": "mobilezoo.models",
    "export_coreml": "mobilezoo.coreml",
    "list_models": "mobilezoo.models",
    "load_coreml": "mobilezoo.runtime",
    "mnist_cnn": "mobilezoo.models",
    "mnist_mlp": "mobilezoo.models",
    "mobilenet": "mobilezoo.models",
    "randomize_weights": "mobilezoo.randomize",
    "verify": "mobilezoo.verification",
}

__all__ = [
    "Agreement",
    "Preprocessing",
    "__version__",
    "benchmark",
    "build",
    "export_coreml",
    "list_models",
    "load_coreml",
    "mnist_cnn",
    "mnist_mlp",
    "mobilenet",
    "randomize_weights",
    "verify",
]


def __getattr__(name: str) -> Any:
    """Import a public name from its room on first use (PEP 562)."""
    if name == "benchmark":
        return importlib.import_module("mobilezoo.benchmark")
    if name not in _HOME:
        raise AttributeError(f"module 'mobilezoo' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
