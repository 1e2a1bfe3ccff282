import numpy as np
import pytest

from mobilezoo.errors import UnsupportedOpError
from mobilezoo.runtime.layers.cutting import crop, padding, slice

X = np.arange(1.0, 13.0, dtype=np.float32).reshape(1, 3, 4)  # c, h, w


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("constant", [[7, 7, 7, 7, 7, 7], [7, 7, 7, 7, 7, 7], [7, 7, 1, 2, 3, 4]]),
        ("reflection", [[11, 10, 9, 10, 11, 12], [7, 6, 5, 6, 7, 8], [3, 2, 1, 2, 3, 4]]),
        ("replication", [[1, 1, 1, 2, 3, 4], [1, 1, 1, 2, 3, 4], [1, 1, 1, 2, 3, 4]]),
    ],
)
def test_padding_at_the_top_and_left(mode, expected):
    y = padding(X, mode=mode, value=7.0, amounts=(2, 0, 2, 0))

    assert y.shape == (1, 5, 6)
    np.testing.assert_array_equal(y[0, :3], expected)
    np.testing.assert_array_equal(y[0, 2:, 2:], X[0])


def test_padding_at_the_bottom_and_right():
    y = padding(X, amounts=(0, 1, 0, 2))

    np.testing.assert_array_equal(y[0, 2:], [[9, 10, 11, 12, 0, 0], [0, 0, 0, 0, 0, 0]])
    with pytest.raises(UnsupportedOpError, match="padding of kind circular"):
        padding(X, mode="circular")


def test_padding_takes_a_matrix():
    np.testing.assert_array_equal(
        padding(X[0, :1], value=7.0, amounts=(0, 1, 1, 0)), [[7, 1, 2, 3, 4], [7] * 5]
    )


def test_crop_takes_amounts_off():
    np.testing.assert_array_equal(crop(X, amounts=(1, 0, 0, 2)), [[[5, 6], [9, 10]]])


def test_crop_takes_the_size_of_a_reference():
    y = crop(X, np.zeros((5, 2, 1), np.float32), offset=(1, 3))

    np.testing.assert_array_equal(y, [[[8], [12]]])


@pytest.mark.parametrize("options", [{"amounts": (2, 1, 0, 0)}, {"amounts": (0, 0, 5, 0)}])
def test_crop_leaves_something(options):
    with pytest.raises(ValueError, match="cut out of 3 x 4 pixels"):
        crop(X, **options)


def test_slice_goes_along_one_axis():
    x = np.arange(24.0, dtype=np.float32).reshape(1, 4, 3, 2)

    np.testing.assert_array_equal(slice(x, start_index=1, end_index=-1, stride=2), x[:, 1:-1:2])
    np.testing.assert_array_equal(
        slice(x, start_index=-2, end_index=3, axis="HEIGHT_AXIS"), x[:, :, -2:3]
    )
    np.testing.assert_array_equal(slice(x, end_index=1, axis="WIDTH_AXIS"), x[..., :1])
