import numpy as np
import pytest

from mobilezoo.runtime.layers.convolution import convolution

ROW = np.arange(1.0, 7.0, dtype=np.float32).reshape(1, 1, 1, 6)
DIGITS = np.array([1.0, 10.0, 100.0], np.float32).reshape(1, 1, 1, 3)


def test_valid_slides_inside():
    x = np.arange(24.0, dtype=np.float32).reshape(1, 2, 3, 4)
    weights = np.zeros((3, 2, 2, 1), np.float32)
    weights[0, 0, 0, 0], weights[1, 1, 1, 0], weights[2, :, :, 0] = 1.0, 1.0, 1.0

    y = convolution(x, weights, np.array([0.0, 100.0, 0.0], np.float32))

    assert y.shape == (1, 3, 2, 4)
    np.testing.assert_array_equal(y[0, 0], [[0, 1, 2, 3], [4, 5, 6, 7]])
    np.testing.assert_array_equal(y[0, 1], [[116, 117, 118, 119], [120, 121, 122, 123]])
    np.testing.assert_array_equal(y[0, 2, 0], [0 + 4 + 12 + 16, 1 + 5 + 13 + 17, 40, 44])


@pytest.mark.parametrize(
    ("pad_type", "expected"),
    [
        ("same", [321.0, 543.0, 65.0]),  # 1 2 3 | 3 4 5 | 5 6 0
        ("same_lower", [210.0, 432.0, 654.0]),  # 0 1 2 | 2 3 4 | 4 5 6
    ],
)
def test_same_puts_the_odd_pixel_on_either_side(pad_type, expected):
    y = convolution(ROW, DIGITS, stride=(1, 2), pad_type=pad_type)

    np.testing.assert_array_equal(np.ravel(y), expected)


def test_border_amounts_are_top_bottom_left_right():
    y = convolution(ROW, DIGITS, pad_type="custom", pad=(1, 0, 2, 1), stride=(1, 3))

    # rows 0 and 1; columns 0 0 1 | 2 3 4 | 5 6 0
    np.testing.assert_array_equal(y[0, 0], [[0.0, 0.0, 0.0], [100.0, 432.0, 65.0]])


def test_dilation_spreads_the_kernel():
    y = convolution(ROW, DIGITS, dilation_factor=(1, 2))

    np.testing.assert_array_equal(np.ravel(y), [531.0, 642.0])


def test_groups_keep_channels_apart():
    x = np.array([1.0, 10.0, 100.0, 1000.0], np.float32).reshape(1, 4, 1, 1)
    weights = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32).reshape(2, 2, 1, 1)

    y = convolution(x, weights, n_groups=2)

    np.testing.assert_array_equal(np.ravel(y), [21.0, 4300.0])


def test_all_axes_before_the_last_three_are_batch():
    x = np.arange(5 * 2 * 1 * 1 * 3, dtype=np.float32).reshape(5, 2, 1, 1, 3)

    y = convolution(x, DIGITS)

    assert y.shape == (5, 2, 1, 1, 1)
    np.testing.assert_array_equal(np.ravel(y)[:3], [210.0, 543.0, 876.0])


def test_deconvolution_adds_the_kernel_up():
    x = np.array([1.0, 2.0], np.float32).reshape(1, 1, 1, 2)

    y = convolution(x, DIGITS, stride=(1, 2), is_deconvolution=True)

    # 1 10 100 and, two further, 2 20 200
    np.testing.assert_array_equal(np.ravel(y), [1.0, 10.0, 102.0, 20.0, 200.0])


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"pad_type": "custom", "pad": (0, 0, 1, 2)}, [10.0, 102.0]),
        ({"pad_type": "same"}, [1.0, 10.0, 102.0, 20.0]),
        ({"pad_type": "same_lower"}, [10.0, 102.0, 20.0, 200.0]),
        ({"output_shape": (1, 3)}, [10.0, 102.0, 20.0]),
    ],
)
def test_deconvolution_cuts_the_ends_off(options, expected):
    x = np.array([1.0, 2.0], np.float32).reshape(1, 1, 1, 2)

    y = convolution(x, DIGITS, stride=(1, 2), is_deconvolution=True, **options)

    np.testing.assert_array_equal(np.ravel(y), expected)


def test_deconvolution_in_groups_reads_its_weights_by_input_channel():
    x = np.array([1.0, 10.0], np.float32).reshape(1, 2, 1, 1)
    weights = np.arange(1.0, 7.0, dtype=np.float32).reshape(2, 3, 1, 1)  # c_in, c_out / groups

    y = convolution(x, weights, np.full(6, 0.5, np.float32), n_groups=2, is_deconvolution=True)

    np.testing.assert_array_equal(np.ravel(y), [1.5, 2.5, 3.5, 40.5, 50.5, 60.5])


def test_a_dilated_deconvolution_leaves_room_between_the_elements_of_its_kernel():
    x = np.array([1.0, 10.0], np.float32).reshape(1, 1, 1, 2)
    weights = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32).reshape(1, 1, 2, 2)

    y = convolution(x, weights, dilation_factor=(2, 3), is_deconvolution=True)

    # 1 . . 2, and ten times that one pixel on
    expected = [[1, 10, 0, 2, 20], [0, 0, 0, 0, 0], [3, 30, 0, 4, 40]]
    np.testing.assert_array_equal(y, [[expected]])
