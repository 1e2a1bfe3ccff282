import numpy as np
import pytest

from mobilezoo.errors import UnsupportedOpError
from mobilezoo.runtime.ops.quantization import conv_quantized, dequantize, quantize


def test_quantize_rounds_shifts_and_clips():
    x = np.array([[-1.0, 0.25, 0.75], [1.25, 100.0, -100.0]], np.float32)

    y = quantize(x, 0.5, "int8", zero_point=np.int8(3))

    # -2, 0.5, 1.5, 2.5, 200, -200: halves to the even number
    np.testing.assert_array_equal(y, [[1, 3, 5], [5, 127, -128]])
    assert y.dtype == "int8"


def test_quantize_takes_a_scale_per_channel():
    x = np.array([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]], np.float32)

    y = quantize(x, np.float32([1.0, 0.01]), "uint8", np.array([10, 0], np.uint8), axis=0)

    np.testing.assert_array_equal(y, [[11, 12, 13], [100, 200, 255]])


def test_dequantize_scales_back():
    x = np.array([[10, 20, 30], [-10, 0, 10]], np.int8)

    y = dequantize(x, np.float32([1.0, 2.0, 0.5]), np.array([10, 0, -10], np.int8), axis=-1)

    np.testing.assert_array_equal(y, [[0, 40, 20], [-20, 0, 10]])
    np.testing.assert_array_equal(dequantize(x, 0.5)[0], [5, 10, 15])


def test_scales_need_an_axis():
    with pytest.raises(ValueError, match="2 scales without an axis"):
        dequantize(np.zeros((2, 3), np.int8), np.float32([1.0, 2.0]))


def test_conv_quantized_dequantizes_its_weight():
    x = np.array([[[1.0, 2.0, 3.0, 4.0]]], np.float32)
    weight = np.array([[[0, 1, 2]], [[3, 0, 0]]], np.uint8)

    y = conv_quantized(x, weight, "linear", np.float32([1.0, 10.0]), np.float32([0.0, 0.5]))

    # weights 0 1 2 and 30.5 0.5 0.5
    np.testing.assert_array_equal(y, [[[8.0, 11.0], [33.0, 64.5]]])
    with pytest.raises(UnsupportedOpError, match="'lut'"):
        conv_quantized(x, weight, "lut", 1.0, 0.0)
