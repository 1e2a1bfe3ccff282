"""Whose numerical details a network was trained with: Keras's or PyTorch's.

They differ in padding and in the epsilon of batch norms; a network computes what its weights were
trained for only in theirs.
"""

from __future__ import annotations

import os
from typing import Any

from mobilezoo.weights.catalogue import weight_files


def published_convention(architecture: str, **options: Any) -> str:
    """Of the published weights of a builder with these options; "keras" where there are none.

    Args:
        architecture: name of the builder.
        options: of the builder; those that no record has do not matter.

    Returns:
        "torch" where only a checkpoint of PyTorch is published, else "keras".
    """
    conventions = {
        record.convention
        for record in weight_files(architecture)
        if all(record.options.get(name, value) == value for name, value in options.items())
    }
    return "torch" if conventions == {"torch"} else "keras"


def is_checkpoint(path: str | os.PathLike[str]) -> bool:
    """Whether a file is one of PyTorch's, by its ending."""
    return str(path).lower().endswith((".safetensors", ".pth", ".pt", ".bin"))
