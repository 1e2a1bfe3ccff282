import numpy as np
import pytest

from mobilezoo.errors import UnsupportedOpError
from mobilezoo.runtime.ops.pooling import avg_pool, l2_pool, max_pool

ROW = np.array([1.0, 2.0, 4.0, 8.0, 16.0], np.float32).reshape(1, 1, 1, 5)


def test_max_pool_takes_the_largest_of_each_window():
    x = np.arange(24.0, dtype=np.float32).reshape(1, 2, 3, 4)

    y = max_pool(x, kernel_sizes=(2, 3), pad_type="valid", strides=(1, 1))

    np.testing.assert_array_equal(y, [[[[6, 7], [10, 11]], [[18, 19], [22, 23]]]])


def test_max_pool_padding_never_wins():
    y = max_pool(-ROW, kernel_sizes=(1, 2), pad_type="custom", strides=(1, 2), pad=(0, 0, 1, 0))

    np.testing.assert_array_equal(np.ravel(y), [-1.0, -2.0, -8.0])


def test_max_pool_same_pads_the_odd_pixel_after():
    y = max_pool(ROW, kernel_sizes=(1, 2), pad_type="same", strides=(1, 2))

    np.testing.assert_array_equal(np.ravel(y), [2.0, 8.0, 16.0])


def test_max_pool_same_lower_pads_the_odd_pixel_before():
    y = max_pool(ROW, kernel_sizes=(1, 2), pad_type="same_lower", strides=(1, 2))

    np.testing.assert_array_equal(np.ravel(y), [1.0, 4.0, 16.0])


def test_pool_ceil_mode_keeps_the_last_partial_window():
    floor = max_pool(ROW, kernel_sizes=(1, 2), pad_type="valid", strides=(1, 2))
    ceil = max_pool(ROW, kernel_sizes=(1, 2), pad_type="valid", strides=(1, 2), ceil_mode=True)

    np.testing.assert_array_equal(np.ravel(floor), [2.0, 8.0])
    np.testing.assert_array_equal(np.ravel(ceil), [2.0, 8.0, 16.0])


def test_pool_ceil_mode_drops_a_window_that_starts_in_the_padding():
    y = max_pool(
        ROW, kernel_sizes=(1, 2), pad_type="custom", strides=(1, 3), pad=(0, 0, 1, 1),
        ceil_mode=True,
    )  # fmt: skip

    # windows start at -1, 2, 5; the third would see padding alone
    np.testing.assert_array_equal(np.ravel(y), [1.0, 8.0])


def test_avg_pool_counts_padding_as_zeros():
    y = avg_pool(ROW, kernel_sizes=(1, 2), pad_type="custom", strides=(1, 2), pad=(0, 0, 1, 0))

    np.testing.assert_array_equal(np.ravel(y), [0.5, 3.0, 12.0])


def test_avg_pool_can_leave_padding_out():
    y = avg_pool(
        ROW, kernel_sizes=(1, 2), pad_type="custom", strides=(1, 2), pad=(0, 0, 1, 0),
        exclude_padding_from_average=True,
    )  # fmt: skip

    np.testing.assert_array_equal(np.ravel(y), [1.0, 3.0, 12.0])


def test_avg_pool_same_with_padding_left_out_divides_by_what_is_inside():
    x = np.arange(1.0, 13.0, dtype=np.float32).reshape(1, 1, 3, 4)

    y = avg_pool(
        x, kernel_sizes=(2, 3), pad_type="same", strides=(2, 2), exclude_padding_from_average=True
    )

    # rows (1 2) and (3); columns (1 2 3) and (3 4)
    np.testing.assert_allclose(y, [[[[4.0, 5.5], [10.0, 11.5]]]], rtol=1e-6)


def test_avg_pool_ceil_mode_does_not_count_beyond_the_padding():
    x = np.array([1.0, 2.0, 3.0, 4.0], np.float32).reshape(1, 1, 1, 4)

    y = avg_pool(
        x, kernel_sizes=(1, 3), pad_type="custom", strides=(1, 2), pad=(0, 0, 1, 1), ceil_mode=True
    )

    # 0 1 2 | 2 3 4 | 4 0 and one position beyond the padding
    np.testing.assert_allclose(np.ravel(y), [1.0, 3.0, 2.0], rtol=1e-6)


def test_l2_pool_takes_the_root_of_the_sum_of_squares():
    x = np.array([3.0, 4.0, 0.0, 12.0, 5.0], np.float32).reshape(1, 1, 1, 5)

    y = l2_pool(x, kernel_sizes=(1, 2), pad_type="custom", strides=(1, 2), pad=(0, 0, 1, 0))

    np.testing.assert_allclose(np.ravel(y), [3.0, 4.0, 13.0], rtol=1e-6)


def test_pool_1d_slides_along_the_only_axis():
    x = ROW.reshape(1, 1, 5)

    y = avg_pool(x, kernel_sizes=(2,), pad_type="valid", strides=(3,))

    np.testing.assert_array_equal(y, [[[1.5, 12.0]]])


VOLUME = np.arange(1.0, 19.0, dtype=np.float32).reshape(1, 1, 2, 3, 3)


def test_max_pool_3d_slides_over_three_axes():
    y = max_pool(VOLUME, kernel_sizes=(2, 2, 2), pad_type="valid")
    bordered = max_pool(-VOLUME, (2, 3, 2), "custom", (1, 3, 2), (1, 0, 0, 0, 0, 1))

    np.testing.assert_array_equal(y, [[[[[14, 15], [17, 18]]]]])
    np.testing.assert_array_equal(bordered, [[[[[-1, -3]], [[-1, -3]]]]])  # padding never wins


@pytest.mark.parametrize(
    ("excluded", "expected"),
    [
        (True, [[[1.5, 3], [6, 7.5]], [[10.5, 12], [15, 16.5]]]),
        (False, [[[0.375, 0.375], [3, 1.875]], [[2.625, 1.5], [7.5, 4.125]]]),
    ],
)
def test_avg_pool_3d_counts_padding_or_not(excluded, expected):
    y = avg_pool(VOLUME, (2, 2, 2), "custom", (2, 2, 2), (1, 1, 1, 0, 0, 1), excluded)

    # planes 0 and 1, rows -1 0 and 1 2, columns 0 1 and 2 3
    np.testing.assert_allclose(y[0, 0], expected)


def test_pool_4d_is_refused():
    with pytest.raises(UnsupportedOpError, match="4 spatial axes; 1, 2 and 3 are known"):
        max_pool(np.zeros((1, 1, 2, 3, 4, 1)), kernel_sizes=(1, 1, 1, 1), pad_type="valid")
