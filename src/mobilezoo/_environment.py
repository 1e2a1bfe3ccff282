"""Importing the heavy libraries, with their known and harmless noise silenced at one place."""

from __future__ import annotations

import importlib
import logging
import os
import sys
import tempfile
from types import ModuleType

from mobilezoo.errors import MissingExtraError

# Printed by `import coremltools` on every machine that is not a Mac, or that has newer
# libraries than coremltools was tested with. None of it concerns what mobilezoo uses.
_COREMLTOOLS_NOISE = (
    "Failed to load _ML",
    "has not been tested with coremltools",
    "is not supported. Minimum required version",
)


class _DropKnownNoise(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        return not any(noise in message for noise in _COREMLTOOLS_NOISE)


def coremltools() -> ModuleType:
    """Import coremltools without its start-up noise."""
    logger = logging.getLogger("coremltools")
    if not any(isinstance(item, _DropKnownNoise) for item in logger.filters):
        logger.addFilter(_DropKnownNoise())
    return importlib.import_module("coremltools")


def optional(module: str, extra: str, purpose: str) -> ModuleType:
    """Import an optional dependency, or say which pip line brings it.

    Args:
        module: name to import, such as "PIL.Image".
        extra: the extra of mobilezoo that brings it, such as "images".
        purpose: what needs it, for the message.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise MissingExtraError(
            f"{purpose} needs {package}, which is not installed. "
            f'Run: python -m pip install "mobilezoo[{extra}]"'
        ) from error


# Printed by TensorFlow itself, below Python's logging, on machines without a GPU.
_TENSORFLOW_NOISE = (
    "absl::InitializeLog()",
    "cpu_feature_guard",
    "To enable the following instructions",
    "cudart_stub",
    "cuda_platform",
    "cuda_executor",
    "cuInit",
    "oneDNN custom operations",
    "computation_placer",
    "Unable to register cu",
    "TF-TRT Warning",
)


def import_quietly() -> None:
    """Import TensorFlow, Keras and coremltools without their start-up noise on stderr.

    For the command line, where stderr is for errors. Lines that are not known noise are passed
    on. The device list is asked for because that is when TensorFlow looks for GPUs.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    sys.stderr.flush()
    with tempfile.TemporaryFile() as captured:
        saved = os.dup(2)
        os.dup2(captured.fileno(), 2)
        try:
            importlib.import_module("keras")
            tensorflow = importlib.import_module("tensorflow")
            tensorflow.config.list_physical_devices("GPU")
            coremltools()
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            captured.seek(0)
            for line in captured.read().decode(errors="replace").splitlines():
                if line.strip() and not any(noise in line for noise in _TENSORFLOW_NOISE):
                    print(line, file=sys.stderr)  # noqa: T201 - not ours, passed on
