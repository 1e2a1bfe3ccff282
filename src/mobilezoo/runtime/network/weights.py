"""Weights of layers: float32, float16, or quantized to 1 to 8 bits."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from mobilezoo.errors import CoreMLFileError
from mobilezoo.runtime import limits
from mobilezoo.runtime.arithmetic import Array

_FIELDS = ("floatValue", "float16Value", "rawValue", "int8RawValue")


@dataclass(frozen=True, eq=False)
class StoredWeights:
    """A `WeightParams`: its size is checked, its numbers are not read yet."""

    message: Any
    shape: tuple[int, ...]
    axis: int  # of the output channels, each of which may have a scale of its own

    @property
    def bits(self) -> int | None:
        """Of the codes as which they are stored; None where they are stored as numbers."""
        if self.message.int8RawValue:
            return 8
        return int(self.message.quantization.numberOfBits) if self.message.rawValue else None

    @property
    def scale_axis(self) -> int | None:
        """Along which each index has a scale of its own; None where all share one, or a table."""
        return self.axis if len(self.message.quantization.linearQuantization.scale) > 1 else None

    def read(self) -> Array:
        """The weights, in float32, or in float16 where the file keeps that."""
        message = self.message
        if len(message.floatValue):
            return np.array(message.floatValue, np.float32).reshape(self.shape)
        if message.float16Value:
            return np.frombuffer(message.float16Value, "<f2").reshape(self.shape)
        quantization = message.quantization
        if message.int8RawValue:
            whole = np.frombuffer(message.int8RawValue, np.int8)
        else:
            data = np.frombuffer(message.rawValue, np.uint8)
            whole = unpack_bits(data, quantization.numberOfBits, math.prod(self.shape))
        whole = whole.reshape(self.shape)
        if quantization.WhichOneof("QuantizationType") == "lookupTableQuantization":
            table = np.array(quantization.lookupTableQuantization.floatValue, np.float32)
            return table[whole]
        linear = quantization.linearQuantization
        scaled = whole * self._per_channel(linear.scale)
        return scaled + self._per_channel(linear.bias) if len(linear.bias) else scaled

    def _per_channel(self, numbers: Any) -> Array:
        """(1,) or (channels,), made to broadcast."""
        spread = [1] * len(self.shape)
        spread[self.axis] = -1
        return np.array(numbers, np.float32).reshape(spread)


def locate_weights(
    message: Any, shape: tuple[int, ...], name: str, *, axis: int = 0
) -> StoredWeights:
    """Check that a `WeightParams` holds what `shape` needs.

    Args:
        message: the protobuf message.
        shape: that the layer declares.
        name: of the weights, for messages.
        axis: of the output channels.

    Raises:
        CoreMLFileError: there are none, too few, too many, or they are stored in no known way.
    """
    if len(shape) > limits.MOST_AXES:
        raise CoreMLFileError(
            f"{name}: a shape of {len(shape)} axes; at most {limits.MOST_AXES} are supported."
        )
    needed = math.prod(shape)
    given = [field for field in _FIELDS if len(getattr(message, field))]
    if len(given) != 1:
        raise CoreMLFileError(
            f"{name}: {' and '.join(given) or 'no'} weights are stored; {needed} are required."
        )
    if given[0] in ("rawValue", "int8RawValue"):
        _check_quantization(message, shape, name, axis)
    units = {
        "floatValue": (len(message.floatValue), needed, "numbers"),
        "float16Value": (len(message.float16Value), 2 * needed, "bytes"),
        "rawValue": (
            len(message.rawValue), -(-needed * message.quantization.numberOfBits // 8), "bytes",
        ),
        "int8RawValue": (len(message.int8RawValue), needed, "bytes"),
    }  # fmt: skip
    count, required, unit = units[given[0]]
    if count != required:
        raise CoreMLFileError(
            f"{name}: {given[0]} has {count} {unit}, the shape {shape} needs {required}."
        )
    return StoredWeights(message, shape, axis)


def stored_vector(message: Any, name: str) -> StoredWeights:
    """A vector whose length the layer does not declare.

    Raises:
        CoreMLFileError: there is none, or it is quantized.
    """
    count = len(message.floatValue) or len(message.float16Value) // 2
    return locate_weights(message, (max(count, 1),), name)


def unpack_bits(data: Array, bits: int, count: int) -> Array:
    """Integers of `bits` bits each, the highest first: (m,) of uint8 -> (count,) of uint8."""
    if bits == 8:
        return np.asarray(data[:count])
    flat = np.unpackbits(data, count=count * bits, bitorder="big").reshape(count, bits)
    return np.packbits(flat, axis=1, bitorder="big")[:, 0] >> (8 - bits)


def _check_quantization(message: Any, shape: tuple[int, ...], name: str, axis: int) -> None:
    quantization = message.quantization
    bits, kind = quantization.numberOfBits, quantization.WhichOneof("QuantizationType")
    if kind is None or not 1 <= bits <= 8 or (len(message.int8RawValue) and bits != 8):
        raise CoreMLFileError(
            f"{name}: {bits} bits and {kind or 'no quantization'} are given for quantized "
            "weights; 1 to 8 bits, linear or with a look-up table, are required."
        )
    if kind == "lookupTableQuantization":
        entries = len(quantization.lookupTableQuantization.floatValue)
        if entries != 1 << bits:
            raise CoreMLFileError(
                f"{name}: the look-up table has {entries} entries; {1 << bits} are required for "
                f"{bits} bits."
            )
        return
    linear = quantization.linearQuantization
    known = {1, shape[axis]}
    without_bias = len(message.int8RawValue) and not len(linear.bias)
    if len(linear.scale) not in known or not (len(linear.bias) in known or without_bias):
        raise CoreMLFileError(
            f"{name}: {len(linear.scale)} scales and {len(linear.bias)} biases; 1 or "
            f"{shape[axis]} of each are required."
        )
