"""Keras graph -> MIL -> saved file."""

from mobilezoo import _environment

_environment.coremltools()  # its start-up noise is silenced before anything here imports it

from mobilezoo.coreml.compress.compressing import compress_coreml  # noqa: E402
from mobilezoo.coreml.export import export_coreml  # noqa: E402
from mobilezoo.coreml.flexibility import (  # noqa: E402
    BatchRange,
    BatchSizes,
    ImageSizeRange,
    ImageSizes,
)
from mobilezoo.coreml.precision import Linear, Palette, Sparse  # noqa: E402
from mobilezoo.coreml.training import OnDeviceTraining  # noqa: E402

__all__ = [
    "BatchRange",
    "BatchSizes",
    "ImageSizeRange",
    "ImageSizes",
    "Linear",
    "OnDeviceTraining",
    "Palette",
    "Sparse",
    "compress_coreml",
    "export_coreml",
]
