import numpy as np
import pytest

from mobilezoo.errors import UnsupportedOpError
from mobilezoo.runtime.layers import elementwise as layers

A = np.array([1.0, 2.0, 6.0], np.float32).reshape(1, 3, 1, 1)
B = np.array([[10.0, 20.0]], np.float32).reshape(1, 1, 1, 2)
C = np.array([4.0], np.float32).reshape(1, 1, 1, 1)


def test_several_values_are_combined_by_broadcasting():
    np.testing.assert_array_equal(layers.add((A, B, C))[0, :, 0], [[15, 25], [16, 26], [20, 30]])
    np.testing.assert_array_equal(
        layers.multiply((A, B, C))[0, :, 0], [[40, 80], [80, 160], [240, 480]]
    )
    np.testing.assert_allclose(
        layers.average((A, B, C))[0, :, 0] * 3, [[15, 25], [16, 26], [20, 30]], rtol=1e-6
    )
    np.testing.assert_array_equal(np.ravel(layers.max((A, C))), [4.0, 4.0, 6.0])
    np.testing.assert_array_equal(np.ravel(layers.min((A, C))), [1.0, 2.0, 4.0])


def test_one_value_is_combined_with_a_number():
    np.testing.assert_array_equal(np.ravel(layers.add((A,), alpha=0.5)), [1.5, 2.5, 6.5])
    np.testing.assert_array_equal(np.ravel(layers.multiply((A,), alpha=0.5)), [0.5, 1.0, 3.0])


@pytest.mark.parametrize("shape", [(3, 1, 1), (1, 1, 2), (3, 1, 2)])
def test_scale_and_bias_are_spread_over_pictures(shape):
    x = np.ones((1, 3, 1, 2), np.float32)
    numbers = np.arange(1.0, 1.0 + np.prod(shape), dtype=np.float32).reshape(shape)

    scaled = layers.scale(x, numbers, np.array([[[100.0]]], np.float32))
    moved = layers.bias(x, numbers)

    np.testing.assert_array_equal(scaled[0], np.broadcast_to(numbers, (3, 1, 2)) + 100.0)
    np.testing.assert_array_equal(moved[0], np.broadcast_to(numbers, (3, 1, 2)) + 1.0)
    np.testing.assert_array_equal(layers.scale(x, numbers)[0], moved[0] - 1.0)


def test_clip_bounds_both_sides():
    np.testing.assert_array_equal(np.ravel(layers.clip(A, min_val=1.5, max_val=5.0)), [1.5, 2, 5])


@pytest.mark.parametrize(
    ("type", "parameters", "expected"),
    [
        ("SQRT", {}, [0.5, 2.0]),
        ("RSQRT", {"epsilon": 0.75}, [1.0, 0.4588315]),
        ("INVERSE", {"epsilon": 0.25}, [2.0, 0.23529412]),
        ("POWER", {"alpha": 2.0}, [0.0625, 16.0]),
        ("EXP", {}, [1.2840254, 54.59815]),
        ("LOG", {}, [-1.3862944, 1.3862944]),
        ("ABS", {"scale": -1.0}, [0.25, 4.0]),
        ("THRESHOLD", {"alpha": 1.0}, [1.0, 4.0]),
        ("POWER", {"alpha": 2.0, "scale": 2.0, "shift": -0.5}, [0.0, 56.25]),
    ],
)
def test_unary_functions(type, parameters, expected):
    y = layers.unary(np.array([0.25, 4.0], np.float32), type=type, **parameters)

    np.testing.assert_allclose(y, expected, rtol=1e-6)


def test_unary_divisions_add_a_millionth():
    zero = np.zeros(1, np.float32)

    np.testing.assert_allclose(layers.unary(zero, type="RSQRT"), [1e3], rtol=1e-6)
    np.testing.assert_allclose(layers.unary(zero, type="INVERSE"), [1e6], rtol=1e-6)


def test_an_unknown_function_is_refused():
    with pytest.raises(UnsupportedOpError, match="unary of type number 9"):
        layers.unary(A, type="number 9")
