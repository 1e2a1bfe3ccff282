"""Weights of 1 to 8 bits in a neural network (specification 3, iOS 12)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mobilezoo.errors import InvalidArgumentError
from mobilezoo.graph.node import Array

if TYPE_CHECKING:
    from coremltools.proto import Model_pb2

QUANTIZED_VERSION = 3  # of the specification
_NARROWEST, _WIDEST = 1, 8


def quantize_linearly(model: Model_pb2.Model, bits: int) -> int:
    """Kernels of convolutions and dense layers as whole numbers, in place.

    Each output channel has a scale and an offset of its own: weight = scale * code + offset.
    Biases, transposed convolutions and other weights stay as they are.

    Returns:
        How many kernels were quantized.

    Raises:
        InvalidArgumentError: `bits` is not 1 to 8.
    """
    if not _NARROWEST <= bits <= _WIDEST:
        raise InvalidArgumentError(f"bits={bits} must be {_NARROWEST} to {_WIDEST}.")
    count = 0
    for layer in getattr(model, model.WhichOneof("Type")).layers:
        parameters = getattr(layer, layer.WhichOneof("layer"))
        if _has_kernel(layer):
            kernel = _read(parameters.weights).reshape(int(parameters.outputChannels), -1)
            store_linear(parameters.weights, *linear_codes(kernel, bits), bits)
            count += 1
    if count:
        model.specificationVersion = max(model.specificationVersion, QUANTIZED_VERSION)
    return count


def linear_codes(kernel: Array, bits: int) -> tuple[Array, Array, Array]:
    """(channels, weights) -> codes of that shape, a scale and an offset per channel."""
    low, high = kernel.min(axis=1), kernel.max(axis=1)
    scale = (high - low) / (2**bits - 1)
    divisor = np.where(scale > 0, scale, 1.0)  # a channel of equal weights is its offset
    codes = np.rint((kernel - low[:, None]) / divisor[:, None]).astype(np.uint8)
    return codes, scale, low


def store_linear(message: Any, codes: Array, scale: Array, offset: Array, bits: int) -> None:
    """Codes into a `WeightParams` in place of its numbers: weight = scale * code + offset."""
    _store_codes(message, codes, bits)
    message.quantization.linearQuantization.scale.extend(scale.tolist())
    message.quantization.linearQuantization.bias.extend(offset.tolist())


def store_palette(message: Any, codes: Array, table: Array, bits: int) -> None:
    """Codes into a `WeightParams` in place of its numbers: weight = table[code].

    Args:
        message: of the weights.
        codes: in the weights' order.
        table: 2 ** bits numbers.
        bits: of a code, 1 to 8.
    """
    _store_codes(message, codes, bits)
    message.quantization.lookupTableQuantization.floatValue.extend(table.tolist())


def _store_codes(message: Any, codes: Array, bits: int) -> None:
    message.Clear()
    message.rawValue = packed(codes, bits)
    message.quantization.numberOfBits = bits


def packed(codes: Array, bits: int) -> bytes:
    """Codes one behind the other, the highest bit first."""
    flat = codes.astype(np.uint8, copy=False).reshape(-1, 1)
    return np.packbits(np.unpackbits(flat, axis=1)[:, 8 - bits :]).tobytes()


def _has_kernel(layer: Any) -> bool:
    kind = layer.WhichOneof("layer")
    return kind == "innerProduct" or (
        kind == "convolution" and not layer.convolution.isDeconvolution
    )


def _read(message: Any) -> Array:
    """The numbers of a `WeightParams`, which holds float32 or float16."""
    if message.float16Value:
        return np.frombuffer(message.float16Value, np.float16).astype(np.float32)
    return np.fromiter(message.floatValue, np.float32, len(message.floatValue))
