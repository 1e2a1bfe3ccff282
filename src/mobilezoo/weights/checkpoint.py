"""Checkpoints of PyTorch (torchvision, timm) into a network's layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Source:
    """Where a layer's weights are in a checkpoint.

    Attributes:
        name: prefix of its entries, such as "features.0".
        flattened: (height, width, channels) of the feature map that a Dense layer reads
            flattened: PyTorch flattens channels first.
    """

    name: str
    flattened: tuple[int, int, int] | None = None


Dialect = Mapping[str, str | Source]  # the network's layer -> its name in the checkpoint


def load_checkpoint(
    network: str,
    layers: Sequence[keras.Layer],
    path: Path,
    dialects: Sequence[Dialect],
    *,
    fresh: str | None = None,
) -> None:
    """Load a `.safetensors` or `.pth` checkpoint into a network's layers."""
    raise NotImplementedError
