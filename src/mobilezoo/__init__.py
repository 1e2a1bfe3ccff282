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
    from mobilezoo.coreml import (
        W8A8,
        BatchRange,
        BatchSizes,
        Budget,
        ImageSizeRange,
        ImageSizes,
        Linear,
        OnDeviceTraining,
        Palette,
        Sparse,
        compare_precisions,
        compress_coreml,
        compression_frontier,
        export_coreml,
    )
    from mobilezoo.data.preprocessing import Preprocessing
    from mobilezoo.evaluation import Evaluation, evaluate
    from mobilezoo.finding import describe, pick
    from mobilezoo.graph import register_emitter
    from mobilezoo.inspection import inspect_coreml
    from mobilezoo.models import (
        build,
        googlenet,
        inception_v1,
        inception_v3,
        list_models,
        mnist_cnn,
        mnist_mlp,
        mobilenet,
        mobilenet_v2,
        mobilenet_v3_large,
        mobilenet_v3_small,
        resnet18,
        resnet18_v2,
        resnet34,
        resnet34_v2,
        resnet50,
        resnet50_v2,
        resnet101,
        resnet101_v2,
        resnet152,
        resnet152_v2,
        resnet200,
        resnet200_v2,
        resnet_cifar,
        vgg11,
        vgg13,
        vgg16,
        vgg19,
    )
    from mobilezoo.randomize import randomize_weights
    from mobilezoo.runtime import load_coreml
    from mobilezoo.verification import Agreement, verify

_HOME = {
    "Agreement": "mobilezoo.verification",
    "BatchRange": "mobilezoo.coreml",
    "BatchSizes": "mobilezoo.coreml",
    "Budget": "mobilezoo.coreml",
    "Evaluation": "mobilezoo.evaluation",
    "ImageSizeRange": "mobilezoo.coreml",
    "ImageSizes": "mobilezoo.coreml",
    "Linear": "mobilezoo.coreml",
    "OnDeviceTraining": "mobilezoo.coreml",
    "Palette": "mobilezoo.coreml",
    "Preprocessing": "mobilezoo.data.preprocessing",
    "Sparse": "mobilezoo.coreml",
    "W8A8": "mobilezoo.coreml",
    "build": "mobilezoo.models",
    "compare_precisions": "mobilezoo.coreml",
    "compress_coreml": "mobilezoo.coreml",
    "compression_frontier": "mobilezoo.coreml",
    "describe": "mobilezoo.finding",
    "evaluate": "mobilezoo.evaluation",
    "export_coreml": "mobilezoo.coreml",
    "googlenet": "mobilezoo.models",
    "inception_v1": "mobilezoo.models",
    "inception_v3": "mobilezoo.models",
    "inspect_coreml": "mobilezoo.inspection",
    "list_models": "mobilezoo.models",
    "load_coreml": "mobilezoo.runtime",
    "mnist_cnn": "mobilezoo.models",
    "mnist_mlp": "mobilezoo.models",
    "mobilenet": "mobilezoo.models",
    "mobilenet_v2": "mobilezoo.models",
    "mobilenet_v3_large": "mobilezoo.models",
    "mobilenet_v3_small": "mobilezoo.models",
    "pick": "mobilezoo.finding",
    "randomize_weights": "mobilezoo.randomize",
    "register_emitter": "mobilezoo.graph",
    "resnet101": "mobilezoo.models",
    "resnet101_v2": "mobilezoo.models",
    "resnet152": "mobilezoo.models",
    "resnet152_v2": "mobilezoo.models",
    "resnet18": "mobilezoo.models",
    "resnet18_v2": "mobilezoo.models",
    "resnet200": "mobilezoo.models",
    "resnet200_v2": "mobilezoo.models",
    "resnet34": "mobilezoo.models",
    "resnet34_v2": "mobilezoo.models",
    "resnet50": "mobilezoo.models",
    "resnet50_v2": "mobilezoo.models",
    "resnet_cifar": "mobilezoo.models",
    "verify": "mobilezoo.verification",
    "vgg11": "mobilezoo.models",
    "vgg13": "mobilezoo.models",
    "vgg16": "mobilezoo.models",
    "vgg19": "mobilezoo.models",
}

__all__ = [
    "W8A8",
    "Agreement",
    "BatchRange",
    "BatchSizes",
    "Budget",
    "Evaluation",
    "ImageSizeRange",
    "ImageSizes",
    "Linear",
    "OnDeviceTraining",
    "Palette",
    "Preprocessing",
    "Sparse",
    "__version__",
    "benchmark",
    "build",
    "compare_precisions",
    "compress_coreml",
    "compression_frontier",
    "describe",
    "evaluate",
    "export_coreml",
    "googlenet",
    "inception_v1",
    "inception_v3",
    "inspect_coreml",
    "list_models",
    "load_coreml",
    "mnist_cnn",
    "mnist_mlp",
    "mobilenet",
    "mobilenet_v2",
    "mobilenet_v3_large",
    "mobilenet_v3_small",
    "pick",
    "randomize_weights",
    "register_emitter",
    "resnet18",
    "resnet18_v2",
    "resnet34",
    "resnet34_v2",
    "resnet50",
    "resnet50_v2",
    "resnet101",
    "resnet101_v2",
    "resnet152",
    "resnet152_v2",
    "resnet200",
    "resnet200_v2",
    "resnet_cifar",
    "verify",
    "vgg11",
    "vgg13",
    "vgg16",
    "vgg19",
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
