"""Small models that are one formula, written when a test asks for them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from coremltools.proto import Model_pb2

from mobilezoo.runtime import CoreMLProgram, load_coreml


def model(kind: str, inputs: dict[str, Any], outputs: dict[str, Any], **fields: Any) -> Any:
    """A model with features of name -> a shape, of an array of float64, or a kind.

    `fields`: of the message; a list for what is repeated.
    """
    made = Model_pb2.Model(specificationVersion=5)
    message = getattr(made, kind)
    message.SetInParent()
    for field, value in fields.items():
        if isinstance(value, list):
            getattr(message, field).extend(value)
        else:
            setattr(message, field, value)
    for side, features in ((made.description.input, inputs), (made.description.output, outputs)):
        for name, declared in features.items():
            _declare(side.add(name=name).type, declared)
    return made


def _declare(kind: Any, declared: Any) -> None:
    if isinstance(declared, str):
        getattr(kind, declared + "Type").SetInParent()
    else:
        kind.multiArrayType.dataType = kind.multiArrayType.DOUBLE
        kind.multiArrayType.shape.extend(declared)


@pytest.fixture
def open_simple(tmp_path: Path) -> Callable[[Any], CoreMLProgram]:
    """Save a model and open it."""

    def opened(made: Any) -> CoreMLProgram:
        path = tmp_path / "model.mlmodel"
        path.write_bytes(made.SerializeToString())
        return load_coreml(path)

    return opened
