import numpy as np
import pytest

from mobilezoo.errors import UnsupportedOpError
from mobilezoo.runtime.layers.pooling import pooling

ROW = np.array([1.0, 2.0, 4.0, 8.0, 16.0], np.float32).reshape(1, 1, 1, 5)
X = np.arange(24.0, dtype=np.float32).reshape(1, 2, 3, 4)


def test_max_takes_the_largest_of_each_window():
    y = pooling(X, kernel_size=(2, 3))

    np.testing.assert_array_equal(y, [[[[6, 7], [10, 11]], [[18, 19], [22, 23]]]])


def test_average_takes_the_mean():
    y = pooling(X, type="AVERAGE", kernel_size=(3, 2), stride=(1, 2))

    np.testing.assert_array_equal(y, [[[[4.5, 6.5]], [[16.5, 18.5]]]])


def test_l2_takes_the_root_of_the_sum_of_squares():
    x = np.array([[3.0, 4.0, 0.0], [0.0, 12.0, 5.0]], np.float32).reshape(1, 1, 2, 3)

    y = pooling(x, type="L2", kernel_size=(2, 2))

    np.testing.assert_allclose(np.ravel(y), [13.0, np.sqrt(16 + 144 + 25)], rtol=1e-6)


@pytest.mark.parametrize(
    ("pad_type", "expected"), [("same", [2.0, 8.0, 16.0]), ("same_lower", [1.0, 4.0, 16.0])]
)
def test_same_puts_the_odd_pixel_on_either_side(pad_type, expected):
    y = pooling(ROW, kernel_size=(1, 2), stride=(1, 2), pad_type=pad_type)

    np.testing.assert_array_equal(np.ravel(y), expected)


@pytest.mark.parametrize(("excluded", "first"), [(False, 0.5), (True, 1.0)])
def test_average_counts_padding_unless_told_otherwise(excluded, first):
    y = pooling(
        ROW, type="AVERAGE", kernel_size=(1, 2), stride=(1, 2), pad_type="custom",
        pad=(0, 0, 1, 0), avg_pool_exclude_padding=excluded,
    )  # fmt: skip

    np.testing.assert_array_equal(np.ravel(y), [first, 3.0, 12.0])


def test_the_last_pixel_can_be_included():
    options = {"kernel_size": (1, 2), "stride": (1, 2)}

    np.testing.assert_array_equal(np.ravel(pooling(ROW, **options)), [2.0, 8.0])
    np.testing.assert_array_equal(
        np.ravel(pooling(ROW, **options, include_last_pixel=True)), [2.0, 8.0, 16.0]
    )


def test_a_last_window_in_the_padding_alone_is_left_out():
    y = pooling(
        ROW, kernel_size=(1, 2), stride=(1, 3), pad_type="custom", pad=(0, 0, 1, 1),
        include_last_pixel=True,
    )  # fmt: skip

    np.testing.assert_array_equal(np.ravel(y), [1.0, 8.0])  # windows start at -1 and 2, not at 5


@pytest.mark.parametrize(
    ("type", "expected"),
    [("MAX", [11.0, 23.0]), ("AVERAGE", [5.5, 17.5]), ("L2", [506**0.5, 3818**0.5])],
)
def test_global_pooling_takes_the_whole_picture(type, expected):
    y = pooling(X, type=type, global_pooling=True)

    assert y.shape == (1, 2, 1, 1)
    np.testing.assert_allclose(np.ravel(y), expected, rtol=1e-6)


def test_all_axes_before_the_last_three_are_batch():
    y = pooling(X.reshape(1, 2, 1, 3, 4), kernel_size=(2, 3))

    np.testing.assert_array_equal(y, [[[[[6, 7], [10, 11]]], [[[18, 19], [22, 23]]]]])


def test_an_unknown_type_is_refused():
    with pytest.raises(UnsupportedOpError, match="number 7"):
        pooling(X, type="number 7")
