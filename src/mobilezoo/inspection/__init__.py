"""Says what a Core ML file holds, of any kind and whoever wrote it; runs nothing."""

from mobilezoo.inspection.inspecting import inspect_coreml
from mobilezoo.inspection.record import (
    FeatureRecord,
    Inspection,
    OperationRecord,
    Weight,
    WeightFileRecord,
)

__all__ = [
    "FeatureRecord",
    "Inspection",
    "OperationRecord",
    "Weight",
    "WeightFileRecord",
    "inspect_coreml",
]
