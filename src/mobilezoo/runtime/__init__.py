"""Opens Core ML files on any operating system and runs them with TensorFlow.

The room shares no code with the exporter: it may judge what the exporter wrote.
"""

from mobilezoo.runtime.features import Feature, Metadata
from mobilezoo.runtime.program import CoreMLProgram, load_coreml

__all__ = ["CoreMLProgram", "Feature", "Metadata", "load_coreml"]
