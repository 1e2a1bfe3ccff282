"""Small Core ML packages, made by coremltools when a test asks for them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mobilezoo import _environment

ct = _environment.coremltools()

from coremltools.converters.mil import Builder as mb  # noqa: E402

SavePackage = Callable[..., Path]


@contextmanager
def leave_folders_to_python() -> Iterator[None]:
    """coremltools never closes the temporary folders that its models live in."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Implicitly cleaning up", ResourceWarning)
        yield


@pytest.fixture
def save_package(tmp_path: Path) -> SavePackage:
    """Save a MIL program as a float32 .mlpackage, its ops exactly as built."""

    def save(program: Any, name: str = "model.mlpackage", **options: Any) -> Path:
        with leave_folders_to_python():
            ct.convert(
                program,
                source="milinternal",
                convert_to="mlprogram",
                compute_precision=ct.precision.FLOAT32,
                pass_pipeline=ct.PassPipeline.EMPTY,
                skip_model_load=True,
                **{"minimum_deployment_target": ct.target.iOS15, **options},
            ).save(str(tmp_path / name))
        return tmp_path / name

    return save


def build(shape: tuple[int, ...], body: Callable[[Any], Any], target: Any = None) -> Any:
    """A MIL program with the input `x` of a shape, and `body(x)` as its output."""

    @mb.program(input_specs=[mb.TensorSpec(shape=shape)], opset_version=target or ct.target.iOS15)
    def program(x: Any) -> Any:
        return body(x)

    return program


def convolution(shape: tuple[int, ...] = (1, 3, 5, 4)) -> Any:
    """One convolution with a stored weight (7, 3, 3, 2), then "relu"."""
    weight = np.linspace(-1.0, 1.0, 7 * 3 * 3 * 2, dtype=np.float32).reshape(7, 3, 3, 2)
    return build(shape, lambda x: mb.relu(x=mb.conv(x=x, weight=weight, name="conv_1"), name="y"))
