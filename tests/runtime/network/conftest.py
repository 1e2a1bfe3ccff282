"""Small neural networks, made by coremltools' builder when a test asks for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from coremltools.models import datatypes
from coremltools.models.neural_network import NeuralNetworkBuilder

from mobilezoo.runtime import CoreMLProgram, load_coreml

SaveNetwork = Callable[..., Path]
Shapes = Mapping[str, tuple[int, ...]]


def builder(inputs: Shapes, outputs: Shapes, **options: Any) -> NeuralNetworkBuilder:
    """A builder for named arrays; the mapping to rank 5 unless `disable_rank5_shape_mapping`."""
    return NeuralNetworkBuilder(
        [(name, datatypes.Array(*shape)) for name, shape in inputs.items()],
        [(name, datatypes.Array(*shape) if shape else None) for name, shape in outputs.items()],
        **options,
    )


@pytest.fixture
def save_network(tmp_path: Path) -> SaveNetwork:
    """Save what a builder built as it is; `change` may edit the protobuf first."""

    def save(made: NeuralNetworkBuilder, change: Callable[[Any], None] | None = None) -> Path:
        if change is not None:
            change(made.spec)
        path = tmp_path / "model.mlmodel"
        path.write_bytes(made.spec.SerializeToString())
        return path

    return save


@pytest.fixture
def open_network(save_network: SaveNetwork) -> Callable[..., CoreMLProgram]:
    """Save and open."""
    return lambda *args: load_coreml(save_network(*args))
