"""The layers of a neural network, each with its weights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mobilezoo.inspection.record import OperationRecord, Weight


def read_layers(network: Any, prefix: str) -> Iterator[OperationRecord]:
    """Read the layers of a network in their order, branches and loops behind their layer."""
    for layer in network.layers:
        kind = layer.WhichOneof("layer")
        parameters = getattr(layer, kind) if kind else None
        tensors = layer.outputTensor
        yield OperationRecord(
            name=prefix + layer.name,
            type=kind or "unknown",
            shape=_shape(tensors[0]) if tensors else None,
            weights=tuple(_weights(parameters)) if kind else (),
        )
        for inner in _networks(parameters) if kind else ():
            yield from read_layers(inner, f"{prefix}{layer.name}/")


def _shape(tensor: Any) -> tuple[int | None, ...]:
    return tuple(size if size > 0 else None for size in tensor.dimValue)


def _weights(message: Any, name: str = "") -> Iterator[Weight]:
    """All `WeightParams` in a layer's message, wherever they are."""
    for field, value in message.ListFields():
        if field.message_type is None or field.message_type.name == "NeuralNetwork":
            continue
        for item in value if field.is_repeated else (value,):
            if field.message_type.name == "WeightParams":
                weight = _weight(field.name, item)
                if weight is not None:
                    yield weight
            else:
                yield from _weights(item, field.name)


def _networks(message: Any) -> Iterator[Any]:
    for field, value in message.ListFields():
        if field.message_type is not None and field.message_type.name == "NeuralNetwork":
            yield value


def _weight(name: str, message: Any) -> Weight | None:
    """None for a message without numbers, as of a layer that lacks a bias."""
    if len(message.floatValue):
        count = len(message.floatValue)
        return Weight(name, "float32", count, 4 * count)
    if message.float16Value:
        return Weight(name, "float16", len(message.float16Value) // 2, len(message.float16Value))
    stored = message.rawValue or message.int8RawValue
    if not stored:
        return None
    quantization = message.quantization
    bits = quantization.numberOfBits or 8
    table = quantization.lookupTableQuantization.floatValue
    linear = quantization.linearQuantization
    numbers = len(table) + len(linear.scale) + len(linear.bias)  # of float32
    sign = "int" if message.int8RawValue else "uint"
    precision = f"palette{bits}" if len(table) else f"{sign}{bits} linear"
    return Weight(name, precision, 8 * len(stored) // bits, len(stored) + 4 * numbers)
