"""Keras graph -> MIL -> saved file."""

from mobilezoo import _environment

_environment.coremltools()  # its start-up noise is silenced before anything here imports it

from mobilezoo.coreml.export import export_coreml  # noqa: E402
from mobilezoo.coreml.flexibility import (  # noqa: E402
    BatchRange,
    BatchSizes,
    ImageSizeRange,
    ImageSizes,
)
from mobilezoo.coreml.training import OnDeviceTraining  # noqa: E402

__all__ = [
    "BatchRange",
    "BatchSizes",
    "ImageSizeRange",
    "ImageSizes",
    "OnDeviceTraining",
    "export_coreml",
]
