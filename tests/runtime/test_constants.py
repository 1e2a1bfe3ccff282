import numpy as np
import pytest

from mobilezoo.runtime.ops.constants import (
    constexpr_affine_dequantize,
    constexpr_blockwise_shift_scale,
    constexpr_cast,
    constexpr_lut_to_dense,
    constexpr_lut_to_sparse,
    constexpr_sparse_blockwise_shift_scale,
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


def test_blockwise_shift_scale_scales_each_block():
    data = np.array([[0, 1, 2, 3, 4, 5], [6, 7, 8, 9, 10, 11]], np.int8)

    y = constexpr_blockwise_shift_scale(data, np.float32([[1.0, 10.0, 100.0]]))
    shifted = constexpr_blockwise_shift_scale(
        data, np.float32([[2.0], [3.0]]), np.array([[1], [6]], np.int8)
    )

    np.testing.assert_array_equal(y, [[0, 1, 20, 30, 400, 500], [6, 7, 80, 90, 1000, 1100]])
    np.testing.assert_array_equal(shifted, [[-2, 0, 2, 4, 6, 8], [0, 3, 6, 9, 12, 15]])


def test_blocks_must_divide_the_shape():
    with pytest.raises(ValueError, match="not divided"):
        constexpr_blockwise_shift_scale(np.zeros((2, 6), np.int8), np.ones((1, 4), np.float32))


def test_lut_to_dense_has_a_table_for_each_group():
    # the first example of MIL's documentation
    indices = np.array([2, 3, 3, 0, 1, 0, 3, 0, 2, 1, 0, 3], np.uint8).reshape(6, 2)
    lut = np.float32([1, 5, 9, 13, 2, 10, 18, 26]).reshape(2, 1, 4, 1)

    y = constexpr_lut_to_dense(indices, lut)

    np.testing.assert_array_equal(y, [[9, 13], [13, 1], [5, 1], [26, 2], [18, 10], [2, 26]])


@pytest.mark.parametrize(
    ("vector_axis", "expected"),
    [
        (1, [[[1, 1], [2, 2], [3, 3], [4, 1], [5, 2], [6, 3]],
             [[4, 4], [5, 5], [6, 6], [1, 1], [2, 2], [3, 3]]]),
        (-1, [[[1, 2, 3, 1, 2, 3], [4, 5, 6, 1, 2, 3]], [[4, 5, 6, 4, 5, 6], [1, 2, 3, 1, 2, 3]]]),
    ],
)  # fmt: skip
def test_lut_to_dense_puts_vectors_along_an_axis(vector_axis, expected):
    # the second example of MIL's documentation, a = 1 2 3, b = 4 5 6
    indices = np.array([[[0, 0], [1, 0]], [[1, 1], [0, 0]]], np.uint8)
    lut = np.array([1, 2, 3, 4, 5, 6], np.int8).reshape(1, 1, 1, 2, 3)

    y = constexpr_lut_to_dense(indices, lut, vector_axis=vector_axis)

    np.testing.assert_array_equal(y, expected)


def test_lut_to_dense_refuses_an_index_beyond_the_table():
    lut = np.float32([1, 2, 3, 4]).reshape(2, 1, 2, 1)

    with pytest.raises(ValueError, match="index 2 into a table of 2"):
        constexpr_lut_to_dense(np.array([[2, 0], [0, 1]], np.uint8), lut)


def test_lut_to_dense_refuses_a_table_of_one_value():
    with pytest.raises(ValueError, match="a table of 1 values"):
        constexpr_lut_to_dense(np.zeros(0, np.uint8), np.ones(1), np.array([1 << 40], np.uint64))


def test_lut_to_sparse_looks_up_what_is_not_zero():
    # the second example of MIL's documentation, shortened to two rows
    mask = np.array([[1, 1, 0], [0, 0, 1]], np.uint8)
    lut = np.float32([[2, 3], [4, 5]]).reshape(1, 1, 2, 2)

    wide, elements = constexpr_lut_to_sparse(mask, np.array([0, 1, 1], np.uint8), lut, 0)

    np.testing.assert_array_equal(wide, [[1, 1, 0], [1, 1, 0], [0, 0, 1], [0, 0, 1]])
    np.testing.assert_array_equal(elements, [2, 4, 3, 5, 4, 5])


def test_sparse_blockwise_shift_scale_scales_what_is_not_zero():
    # the example of MIL's documentation, in tens
    mask = np.array([[1, 1, 0, 0], [1, 1, 1, 0], [0, 0, 1, 1]], np.uint8)
    elements = np.array([10, 11, 3, 4, 5, 6, 7], np.int8)

    same, y = constexpr_sparse_blockwise_shift_scale(
        mask, elements, np.float32([[1, 2, 3, 4]]), np.array([[1, 2, 3, 4]], np.int8)
    )

    np.testing.assert_array_equal(same, mask)
    np.testing.assert_array_equal(y, [9, 18, 2, 4, 6, 9, 12])


def test_sparse_to_dense_takes_a_mask_with_a_shape():
    mask = np.array([[0, 1, 0], [1, 0, 1]], np.uint8)

    y = constexpr_sparse_to_dense(np.float32([7, 8, 9]), mask)

    np.testing.assert_array_equal(y, [[0, 7, 0], [8, 0, 9]])
