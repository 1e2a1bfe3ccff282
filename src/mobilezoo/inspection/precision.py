"""What the ways of storing weights are called."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

_LINEAR = {
    "affine_dequantize": "quantized_data",
    "blockwise_shift_scale": "data",
    "sparse_blockwise_shift_scale": "nonzero_data",
}
_PALETTE = {"lut_to_dense": "indices", "lut_to_sparse": "indices_nonzero_data"}


def bits_of(dtype: str) -> int:
    """Bits of one element of a type of MIL: 16 of "FLOAT16", 8 of "BOOL", 0 of "STRING"."""
    digits = re.search(r"\d+", dtype)
    return int(digits[0]) if digits else 8 * (dtype == "BOOL")


def precision_of(
    decompression: str,
    precisions: Mapping[str, str],
    shapes: Mapping[str, tuple[int | None, ...]],
) -> str:
    """The precision of what an operation decompresses.

    Args:
        decompression: MIL's name of the operation without "constexpr_".
        precisions: of its arguments, by name; an argument may be decompressed itself.
        shapes: of its arguments.
    """
    if decompression in _LINEAR:
        return f"{precisions.get(_LINEAR[decompression], 'unknown')} linear"
    if decompression in _PALETTE:
        return _palette(precisions.get(_PALETTE[decompression], ""), shapes.get("lut", ()))
    if decompression == "sparse_to_dense":
        return f"sparse {precisions.get('nonzero_data', 'unknown')}"
    if decompression == "cast":
        return precisions.get("source_val", "unknown")
    return decompression.replace("_", " ")


def _palette(indices: str, table: tuple[int | None, ...]) -> str:
    """One axis: a table for the whole tensor, whose indices are packed in bytes (iOS 16)."""
    if len(table) == 1 and table[0]:
        return f"palette{math.ceil(math.log2(table[0]))}"
    return f"palette{bits_of(indices)}"
