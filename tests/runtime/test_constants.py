import numpy as np

from mobilezoo.runtime.ops.constants import (
    constexpr_affine_dequantize,
    constexpr_cast,
    constexpr_lut_to_dense,
    constexpr_sparse_to_dense,
)


def test_affine_dequantize_scales_along_its_axis():
    quantized = np.array([[0, 10, -128], [1, 127, -1]], np.int8)

    y = constexpr_affine_dequantize(
        quantized, np.array([0, 1, 0], np.int8), np.array([1.0, 0.5, 2.0], np.float32), axis=-1
    )

    np.testing.assert_array_equal(y, [[0.0, 4.5, -256.0], [1.0, 63.0, -2.0]])


def test_affine_dequantize_takes_one_scale_for_all():
    y = constexpr_affine_dequantize(np.array([[200], [3]], np.uint8), 3, 0.25, axis=0)

    np.testing.assert_array_equal(y, [[49.25], [0.0]])


def test_lut_to_dense_reads_the_lowest_bits_first():
    table = np.array([0.5, 1.5, 2.5, 3.5], np.float32)
    # the example of MIL's documentation: i3 i2 i1 i0 = 01 10 11 00, then i4 = 11
    indices = np.array([0b01101100, 0b00000011], np.uint8)

    y = constexpr_lut_to_dense(indices, table, np.array([5], np.uint32))

    np.testing.assert_array_equal(y, [0.5, 3.5, 2.5, 1.5, 3.5])


def test_lut_to_dense_reads_an_index_across_two_bytes():
    table = np.arange(64.0, dtype=np.float32)
    # 6 bits each: 63, 1, 32
    packed = 63 | 1 << 6 | 32 << 12
    indices = np.array([packed & 255, packed >> 8 & 255, packed >> 16], np.uint8)

    y = constexpr_lut_to_dense(indices, table, np.array([1, 3], np.uint32))

    np.testing.assert_array_equal(y, [[63.0, 1.0, 32.0]])


def test_sparse_to_dense_fills_where_a_bit_is_set():
    # the example of MIL's documentation: i2 and i3 are set
    y = constexpr_sparse_to_dense(
        np.array([7.0, 9.0], np.float32), np.array([0b01100], np.uint8), np.array([5], np.uint32)
    )

    np.testing.assert_array_equal(y, [0.0, 0.0, 7.0, 9.0, 0.0])


def test_cast_widens():
    y = constexpr_cast(np.array([1.5], np.float16), "fp32")

    assert y.dtype == np.float32
    np.testing.assert_array_equal(y, [1.5])
