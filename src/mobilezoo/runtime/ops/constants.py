"""Compressed constants: evaluated once, with NumPy, before the graph is built.

The forms of iOS 16 pack bits into bytes and have a `shape`; those of iOS 18 have arrays of small
whole numbers, which say their shape themselves. Blocks are equal parts of an axis: n entries along
an axis of d elements are for d / n of them each.
"""

from __future__ import annotations

import math

import numpy as np

from mobilezoo.runtime.arithmetic import Array, widen
from mobilezoo.runtime.blob import unpack_bits
from mobilezoo.runtime.ops._sizes import bounded

__all__ = [
    "constexpr_affine_dequantize", "constexpr_blockwise_shift_scale", "constexpr_cast",
    "constexpr_lut_to_dense", "constexpr_lut_to_sparse", "constexpr_sparse_blockwise_shift_scale",
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
    for values in (zero_point, scale):
        if np.size(values) not in (1, quantized_data.shape[axis]):
            raise ValueError(
                f"{np.size(values)} scales or zero points along axis {axis} of the shape "
                f"{quantized_data.shape}"
            )
    offset = np.reshape(np.asarray(zero_point, np.float32), spread)
    factor = np.reshape(np.asarray(scale, np.float32), spread)
    return (quantized_data.astype(np.float32) - offset) * factor


def constexpr_blockwise_shift_scale(
    data: Array, scale: Array, offset: Array | None = None
) -> Array:
    """Return scale * (data - offset), block by block.

    data of any shape; scale and offset of its rank, each size a divisor of that of data.
    """
    blocks = _block_sizes(data.shape, np.shape(scale))
    pairs = zip(np.shape(scale), blocks, strict=True)
    apart = data.astype(np.float32).reshape([size for pair in pairs for size in pair])
    shifted = apart if offset is None else apart - _spread(offset, np.shape(scale))
    dense: Array = (shifted * _spread(scale, np.shape(scale))).reshape(data.shape)
    return dense


def constexpr_lut_to_dense(
    indices: Array, lut: Array, shape: Array | None = None, vector_axis: int | None = None
) -> Array:
    """Look numbers, or vectors, up in a table, or in one table per block.

    iOS 16: indices (m,) of bytes that hold log2(len(lut)) bits per element, the lowest bits
    first, lut (1 << bits,) -> `shape`. iOS 18: indices (*d), lut (*blocks, 1 << bits, size of a
    vector) -> (*d), a vector along `vector_axis` in place of each index.
    """
    if shape is None:
        return _looked_up(indices, np.asarray(lut), vector_axis)
    bits = (len(lut) - 1).bit_length()
    if not 1 <= bits <= 8:
        raise ValueError(f"a table of {len(lut)} values; 2 to 256 are required")
    return np.asarray(lut)[unpack_bits(indices, bits, _count(shape))].reshape(shape)


def constexpr_lut_to_sparse(
    indices_mask: Array,
    indices_nonzero_data: Array,
    lut: Array,
    vector_axis: int | None = None,
) -> tuple[Array, Array]:
    """Look up the elements that are not zero; the mask, and they, in rows.

    indices_mask (*d) of 0 and 1, indices_nonzero_data (number of ones,), lut (*blocks, 1 << bits,
    size of a vector) -> mask (*d), vectors along `vector_axis`, and (ones in it,).
    """
    indices = constexpr_sparse_to_dense(indices_nonzero_data, indices_mask)
    dense = _looked_up(indices, np.asarray(lut), vector_axis)
    mask = indices_mask
    if vector_axis is not None:
        mask = np.repeat(mask, np.shape(lut)[-1], vector_axis)
    return mask, dense[mask != 0]


def constexpr_sparse_blockwise_shift_scale(
    data_mask: Array, nonzero_data: Array, scale: Array, offset: Array | None = None
) -> tuple[Array, Array]:
    """Return the mask, and scale * (element - offset) of the elements that are not zero, in rows.

    data_mask (*d) of 0 and 1, nonzero_data (number of ones,), scale and offset as in
    `constexpr_blockwise_shift_scale` -> (*d), (number of ones,).
    """
    data = constexpr_sparse_to_dense(nonzero_data, data_mask)
    return data_mask, constexpr_blockwise_shift_scale(data, scale, offset)[data_mask != 0]


def constexpr_sparse_to_dense(
    nonzero_data: Array, mask: Array, shape: Array | None = None
) -> Array:
    """Put `nonzero_data` where `mask` has a 1, row by row, and 0 elsewhere.

    iOS 16: nonzero_data (d,), mask (m,) of bytes, one bit per element, the lowest first ->
    `shape`. iOS 18: mask of 0 and 1 -> the shape of the mask.
    """
    if shape is not None:
        mask = unpack_bits(mask, 1, _count(shape)).reshape(shape)
    dense = np.zeros(mask.shape, nonzero_data.dtype)
    dense[mask != 0] = nonzero_data
    return dense


def constexpr_cast(source_val: Array, output_dtype: str) -> Array:
    """Return `source_val` in the precision of the computation; same shape."""
    widened: Array = widen(source_val)
    return widened


def _looked_up(indices: Array, lut: Array, vector_axis: int | None) -> Array:
    """The tables' entries, as iOS 18 means them."""
    *groups, palette, size = lut.shape
    if indices.size and int(indices.max()) >= palette:
        raise ValueError(f"index {indices.max()} into a table of {palette} entries")
    bounded((*indices.shape, size))
    table: Array | int = 0  # the number of each index's table
    for axis, block in enumerate(_block_sizes(indices.shape, groups)):
        if groups[axis] > 1:
            along = np.arange(indices.shape[axis]) // block
            table = table * groups[axis] + along.reshape((-1, *(1,) * (indices.ndim - 1 - axis)))
    places = indices if isinstance(table, int) else table * palette + indices
    entries = lut.reshape(-1, size)[places]
    if size == 1:
        return entries[..., 0]
    if vector_axis is None:
        raise ValueError(f"vectors of {size} numbers without a vector_axis")
    axis = range(indices.ndim)[vector_axis]
    shape = list(indices.shape)
    shape[axis] *= size
    return np.moveaxis(entries, -1, axis + 1).reshape(shape)


def _block_sizes(whole: tuple[int, ...], parts: tuple[int, ...] | list[int]) -> list[int]:
    """How many elements each entry is for, axis by axis."""
    if len(whole) != len(parts) or any(
        part < 1 or size % part for size, part in zip(whole, parts, strict=True)
    ):
        raise ValueError(f"shape {tuple(whole)} is not divided by {tuple(parts)} blocks")
    return [size // part for size, part in zip(whole, parts, strict=True)]


def _spread(values: Array, blocks: tuple[int, ...]) -> Array:
    """(*blocks) -> (b0, 1, b1, 1, ...), as float32."""
    return np.asarray(values, np.float32).reshape([n for block in blocks for n in (block, 1)])


def _count(shape: Array) -> int:
    return math.prod(int(size) for size in shape)
