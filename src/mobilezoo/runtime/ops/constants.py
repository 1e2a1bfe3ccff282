"""Compressed constants: evaluated once, with NumPy, before the graph is built."""

from __future__ import annotations

import math

import numpy as np

from mobilezoo.runtime.arithmetic import Array, widen
from mobilezoo.runtime.blob import unpack_bits

__all__ = [
    "constexpr_affine_dequantize", "constexpr_cast", "constexpr_lut_to_dense",
    "constexpr_sparse_to_dense",
]  # fmt: skip


def constexpr_affine_dequantize(
    quantized_data: Array, zero_point: Array | float, scale: Array | float, axis: int
) -> Array:
    """Return scale * (quantized_data - zero_point).

    quantized_data of any shape; scale and zero_point () or (quantized_data.shape[axis],).
    """
    spread = [1] * quantized_data.ndim
    spread[axis] = -1
    offset = np.reshape(np.asarray(zero_point, np.float32), spread)
    factor = np.reshape(np.asarray(scale, np.float32), spread)
    return (quantized_data.astype(np.float32) - offset) * factor


def constexpr_lut_to_dense(indices: Array, lut: Array, shape: Array) -> Array:
    """Return lut[index], row by row.

    indices (m,) of bytes that hold log2(len(lut)) bits per element, the lowest bits first;
    lut (1 << bits,) -> `shape`.
    """
    count = math.prod(int(size) for size in shape)
    bits = (len(lut) - 1).bit_length()
    return np.asarray(lut)[unpack_bits(indices, bits, count)].reshape(shape)


def constexpr_sparse_to_dense(nonzero_data: Array, mask: Array, shape: Array) -> Array:
    """Put `nonzero_data` where `mask` has a bit set, row by row, and 0 elsewhere.

    nonzero_data (d,), mask (m,) of bytes, one bit per element, the lowest first -> `shape`.
    """
    count = math.prod(int(size) for size in shape)
    dense = np.zeros(count, nonzero_data.dtype)
    dense[unpack_bits(mask, 1, count).astype(bool)] = nonzero_data
    return dense.reshape(shape)


def constexpr_cast(source_val: Array, output_dtype: str) -> Array:
    """Return `source_val` in the precision of the computation; same shape."""
    widened: Array = widen(source_val)
    return widened
