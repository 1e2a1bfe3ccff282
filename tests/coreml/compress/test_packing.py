"""Codes lie one behind the other, the lowest bit first."""

import numpy as np
import pytest

from mobilezoo.coreml.compress import packing
from mobilezoo.coreml.compress.packing import pack_bits


def test_literal_bytes():
    np.testing.assert_array_equal(pack_bits(np.uint8([1, 2, 3]), 4), [0x21, 0x03])
    np.testing.assert_array_equal(pack_bits(np.int8([-1, -8, 7]), 4), [0x8F, 0x07])
    np.testing.assert_array_equal(pack_bits(np.uint8([[1, 0], [1, 1]]), 1), [0b1101])
    np.testing.assert_array_equal(pack_bits(np.uint8([5, 6, 7]), 3), [0b11110101, 0b1])
    np.testing.assert_array_equal(pack_bits(np.int8([-1, 7]), 8), [255, 7])


@pytest.mark.parametrize("bits", [1, 2, 3, 4, 6, 8])
@pytest.mark.parametrize("count", [1, 7, 8, 9, 31, 32, 33])
def test_each_bit_is_where_it_belongs(monkeypatch, bits, count):
    monkeypatch.setattr(packing, "_PART", 16)  # several parts
    codes = np.random.default_rng(count).integers(0, 2**bits, count, np.uint8)

    packed = pack_bits(codes, bits)

    found = np.unpackbits(packed, bitorder="little")
    expected = [code >> bit & 1 for code in codes.tolist() for bit in range(bits)]
    assert packed.size == -(-count * bits // 8)
    np.testing.assert_array_equal(found[: count * bits], expected)
    assert not found[count * bits :].any()
