"""Kernels of 1 to 8 bits in a neural network (specification 3, iOS 12)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mobilezoo.coreml.compress.codes import encode
from mobilezoo.coreml.compress.palette import palette
from mobilezoo.coreml.neural_network.weights import store
from mobilezoo.coreml.precision import Precision, Scheme
from mobilezoo.graph.node import Array

SMALLEST_KERNEL = 2048  # elements; below, a kernel stays in float16
_WORTHWHILE = 0.75  # of the bytes in float16: a kernel that would take more stays, too
_NUMBER = 4  # bytes of a scale, an offset or an entry of a table
_PART = 1 << 20  # weights that are computed at once; a multiple of 8


def store_kernel(message: Any, kernel: Array, precision: Precision, axis: int = 0) -> None:
    """A kernel into a `WeightParams`, in few bits where the precision has them and it pays.

    Args:
        message: of the weights.
        kernel: float16 or float32, in the file's order.
        precision: of the file.
        axis: of the output channels.
    """
    if not is_compressed(kernel.shape, precision, axis):
        store(message, kernel)
    elif precision.scheme is Scheme.PALETTE:
        store_palette(message, *_table(kernel, precision, axis), precision.bits)
    else:
        by_channel = np.moveaxis(kernel, axis, 0)
        codes, scale, offset = linear_codes(
            by_channel.reshape(kernel.shape[axis], -1), precision.bits
        )
        in_order = np.moveaxis(codes.reshape(by_channel.shape), 0, axis)
        store_linear(message, in_order, scale, offset, precision.bits)


def _table(kernel: Array, precision: Precision, axis: int) -> tuple[Array, Array]:
    """Codes and a table of float32."""
    if kernel.dtype == np.float16:
        return palette(kernel, precision.bits)
    coded = encode(kernel, axis, precision)
    assert coded.tables is not None
    return coded.numbers, coded.tables.reshape(-1)


def is_compressed(shape: tuple[int, ...], precision: Precision, axis: int = 0) -> bool:
    """Whether a kernel of that shape is stored in few bits: it is large, and that saves a quarter.

    A scale and an offset for each 9 weights of a 3x3 depthwise filter, say, would save nothing.
    """
    size = math.prod(shape)
    if precision.scheme is None or size < SMALLEST_KERNEL:
        return False
    palettes = precision.scheme is Scheme.PALETTE
    numbers = 2**precision.bits if palettes else 2 * shape[axis]
    stored = size * precision.bits / 8 + numbers * _NUMBER
    return stored <= _WORTHWHILE * size * np.dtype(precision.dtype).itemsize


def linear_codes(kernel: Array, bits: int) -> tuple[Array, Array, Array]:
    """(channels, weights) -> codes of that shape, a scale and an offset per channel."""
    low, high = (edge.astype(np.float32) for edge in (kernel.min(axis=1), kernel.max(axis=1)))
    scale = (high - low) / (2**bits - 1)
    divisor = np.where(scale > 0, scale, 1.0)  # a channel of equal weights is its offset
    codes = np.empty(kernel.shape, np.uint8)
    step = max(1, _PART // kernel.shape[1])
    for start in range(0, len(kernel), step):
        rows = slice(start, start + step)
        codes[rows] = np.rint((kernel[rows] - low[rows, None]) / divisor[rows, None])
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
    if bits == 8:
        return flat.tobytes()
    parts = (flat[start : start + _PART] for start in range(0, len(flat), _PART))
    return b"".join(
        np.packbits(np.unpackbits(part, axis=1)[:, 8 - bits :]).tobytes() for part in parts
    )
