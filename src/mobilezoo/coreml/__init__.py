"""Keras graph -> MIL -> saved file."""

from mobilezoo import _environment

_environment.coremltools()  # its start-up noise is silenced before anything here imports it

from mobilezoo.coreml.compress.budget import Budget  # noqa: E402
from mobilezoo.coreml.compress.comparing import (  # noqa: E402
    PrecisionTable,
    compare_precisions,
)
from mobilezoo.coreml.compress.compressing import compress_coreml  # noqa: E402
from mobilezoo.coreml.compress.frontier import (  # noqa: E402
    Frontier,
    compression_frontier,
)
from mobilezoo.coreml.export import export_coreml  # noqa: E402
from mobilezoo.coreml.flexibility import (  # noqa: E402
    BatchRange,
    BatchSizes,
    ImageSizeRange,
    ImageSizes,
)
from mobilezoo.coreml.precision import W8A8, Linear, Palette, Sparse  # noqa: E402
from mobilezoo.coreml.training import OnDeviceTraining  # noqa: E402

__all__ = [
    "W8A8",
    "BatchRange",
    "BatchSizes",
    "Budget",
    "Frontier",
    "ImageSizeRange",
    "ImageSizes",
    "Linear",
    "OnDeviceTraining",
    "Palette",
    "PrecisionTable",
    "Sparse",
    "compare_precisions",
    "compress_coreml",
    "compression_frontier",
    "export_coreml",
]
