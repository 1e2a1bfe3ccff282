"""What is done with each file: all that a user can do with one."""

from __future__ import annotations

import contextlib
import math
from pathlib import Path
from typing import Any

import numpy as np

from mobilezoo import load_coreml
from mobilezoo.errors import MobilezooError
from mobilezoo.inspection import inspect_coreml

_MOST_INPUT = 1 << 20  # numbers of an example that is tried


def try_file(path: Path) -> str:
    """How it ended: "ran", or the name of an error of ours and where.

    Any other error is raised, and so is one of ours that calls itself a bug.
    """
    endings = []
    try:
        repr(inspect_coreml(path))
        endings.append("inspected")
    except MobilezooError as error:
        endings.append(f"inspect: {_name(error)}")
    try:
        program = load_coreml(path)
    except MobilezooError as error:
        return f"load: {_name(error)}"
    _look(program)
    example = _example(program)
    if example is None:
        return "opened, too large an input"
    for name, act in (
        ("predict", lambda: program.predict(example)),
        ("layers", lambda: [value.shape for _, value in program.layers(example)]),
        ("list", lambda: program.predict([example, example])),
    ):
        try:
            act()
        except MobilezooError as error:
            return f"{name}: {_name(error)}"
    return "ran"


def _name(error: MobilezooError) -> str:
    if type(error) is MobilezooError:  # it says that mobilezoo is at fault
        raise RuntimeError("an internal error") from error
    str(error).encode("utf-8", "surrogateescape")
    return type(error).__name__


def _look(program: Any) -> None:
    repr((program, program.metadata, program.inputs, program.outputs, program.labels))
    program.op_types()
    for weights in program.weights().values():
        with contextlib.suppress(MobilezooError):
            weights.read()


def _example(program: Any) -> dict[str, Any] | None:
    rng = np.random.default_rng(0)
    example: dict[str, Any] = {}
    total = 0
    for feature in program.inputs:
        if feature.kind == "image":
            height, width = feature.default or (feature.height, feature.width)
            shape = (height, width, feature.shape[1])
        else:
            shape = feature.default or tuple(1 if size is None else size for size in feature.shape)
        total += math.prod(shape)
        if total > _MOST_INPUT:
            return None
        if feature.kind == "image":
            example[feature.name] = rng.integers(0, 256, shape, dtype=np.uint8)
        elif feature.dtype == "int32":
            example[feature.name] = rng.integers(0, 3, shape, dtype=np.int32)
        else:
            example[feature.name] = rng.normal(size=shape).astype(np.float32)
    return example
