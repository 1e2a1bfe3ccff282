"""Codes of a few bits one behind the other, the lowest bit first, as ML programs have them."""

from __future__ import annotations

import numpy as np

from mobilezoo.graph.node import Array

_TOGETHER = 8  # codes that fill `bits` whole bytes
_PART = 1 << 20  # codes that are packed at once; a multiple of 8


def pack_bits(codes: Array, bits: int) -> Array:
    """Whole numbers of any shape, in two's complement -> (ceil(n * bits / 8),) of uint8.

    Args:
        codes: of 8 bits, of which the lowest `bits` count.
        bits: of a code, 1 to 8.
    """
    flat = codes.reshape(-1).view(np.uint8)
    if bits == 8:
        return flat
    packed = np.empty(-(-flat.size * bits // 8), np.uint8)
    for start in range(0, flat.size, _PART):
        part = _packed(flat[start : start + _PART], bits)
        first = start * bits // 8
        packed[first : first + part.size] = part[: packed.size - first]
    return packed


def _packed(codes: Array, bits: int) -> Array:
    """Of one part: 8 codes are a number of 64 bits, of which the lowest bytes are kept."""
    missing = -codes.size % _TOGETHER
    padded = np.pad(codes, (0, missing)) if missing else codes
    rows = padded.reshape(-1, _TOGETHER)
    numbers = np.zeros(len(rows), "<u8")
    mask = np.uint64((1 << bits) - 1)
    for place in range(_TOGETHER):
        numbers |= (rows[:, place].astype("<u8") & mask) << np.uint64(place * bits)
    return np.ascontiguousarray(numbers.view(np.uint8).reshape(-1, _TOGETHER)[:, :bits]).reshape(-1)
