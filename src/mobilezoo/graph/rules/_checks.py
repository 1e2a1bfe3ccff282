"""What several rules check or read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from mobilezoo.graph.call import Call, Unsupported
from mobilezoo.graph.node import Weight
from mobilezoo.graph.variables import weight_of


def keep_batch(call: Call, holds: bool) -> None:
    """Refuse operations that mix examples."""
    if not holds:
        raise Unsupported(
            f"{type(call.operation).__name__} to shape {tuple(call.outputs[0].shape)} moves or "
            "mixes the batch axis; a Core ML file computes one example at a time"
        )


def channels_last(operation: Any) -> Any:
    """The layer or operation, if it works channels-last."""
    if operation.data_format not in (None, "channels_last"):
        raise Unsupported("data_format is 'channels_first'; build the model channels-last")
    return operation


def kernel_and_bias(layer: Any, kernel: Any) -> dict[str, Weight]:
    """Weights of a layer with a kernel."""
    weights = {"kernel": weight_of(kernel)}
    if layer.use_bias:
        weights["bias"] = weight_of(layer.bias)
    return weights


def as_sequence(value: Any) -> Sequence[int]:
    """One axis or several, as several."""
    return (value,) if isinstance(value, int) else tuple(value)


def repeat(value: Any, n: int) -> tuple[int, ...]:
    """One number for n axes, or a number for each."""
    return (value,) * n if isinstance(value, int) else tuple(value)


def constant(call: Call, position: int, name: str) -> Weight:
    """An argument that must be known when the file is written: a weight or an array."""
    value = call.argument(position, name)
    if isinstance(value, keras.KerasTensor):
        raise Unsupported(f"its {name} is computed by the model; it must be a weight or a constant")
    return weight_of(value)


def is_float(dtype: str) -> bool:
    """Whether the file computes it in floating point."""
    return dtype.startswith(("float", "bfloat"))
