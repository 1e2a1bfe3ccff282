import numpy as np
import pytest

from mobilezoo.errors import UnsupportedOpError
from mobilezoo.runtime import ops
from mobilezoo.runtime.ops.activation import gelu, prelu, softmax, softplus_parametric

X = np.array([-2.0, -0.5, 0.0, 1.0, 8.0], np.float32)


@pytest.mark.parametrize(
    ("name", "parameters", "expected"),
    [
        ("relu", {}, [0.0, 0.0, 0.0, 1.0, 8.0]),
        ("relu6", {}, [0.0, 0.0, 0.0, 1.0, 6.0]),
        ("leaky_relu", {"alpha": 0.25}, [-0.5, -0.125, 0.0, 1.0, 8.0]),
        ("clamped_relu", {"alpha": 0.25, "beta": 6.0}, [-0.5, -0.125, 0.0, 1.0, 6.0]),
        ("clamped_relu", {"alpha": 2.0, "beta": -2.0}, [-4.0, -2.0, -2.0, -2.0, -2.0]),
        ("thresholded_relu", {"alpha": 1.0}, [0.0, 0.0, 0.0, 1.0, 8.0]),
        ("elu", {"alpha": 1.0}, [-0.86466472, -0.39346934, 0.0, 1.0, 8.0]),
        ("elu", {"alpha": 2.0}, [-1.72932943, -0.78693868, 0.0, 1.0, 8.0]),
        ("sigmoid", {}, [0.11920292, 0.37754067, 0.5, 0.73105858, 0.99966465]),
        ("sigmoid_hard", {"alpha": 0.25, "beta": 0.5}, [0.0, 0.375, 0.5, 0.75, 1.0]),
        ("silu", {}, [-0.23840584, -0.18877033, 0.0, 0.73105858, 7.9973172]),
        ("tanh", {}, [-0.96402758, -0.46211716, 0.0, 0.76159416, 0.99999977]),
        ("scaled_tanh", {"alpha": 2.0, "beta": 0.5}, [-1.52318831, -0.48983732, 0.0, 0.92423431, 1.9986586]),  # noqa: E501
        ("linear_activation", {"alpha": 2.0, "beta": 0.5}, [-3.5, -0.5, 0.5, 2.5, 16.5]),
        ("softplus", {}, [0.12692801, 0.47407698, 0.69314718, 1.31326169, 8.00033541]),
        ("softsign", {}, [-0.66666667, -0.33333333, 0.0, 0.5, 0.88888889]),
    ],
)  # fmt: skip
def test_activation(name, parameters, expected):
    y = ops.OPS[name](X, **parameters)

    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-7)  # float32 kernels


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("EXACT", [-0.04550026, -0.15426877, 0.0, 0.84134475, 8.0]),
        ("TANH_APPROXIMATION", [-0.04540231, -0.15428599, 0.0, 0.84119199, 8.0]),
        ("SIGMOID_APPROXIMATION", [-0.06434137, -0.14961156, 0.0, 0.84579577, 7.99999022]),
    ],
)
def test_gelu(mode, expected):
    np.testing.assert_allclose(gelu(X, mode), expected, rtol=1e-5, atol=1e-6)


def test_gelu_is_exact_by_default_and_refuses_other_modes():
    np.testing.assert_array_equal(gelu(X), gelu(X, "EXACT"))
    with pytest.raises(UnsupportedOpError, match="'FAST'"):
        gelu(X, "FAST")


def test_prelu_has_a_slope_per_channel():
    x = np.array([-1.0, 2.0, -3.0, 4.0, -5.0, -6.0], np.float32).reshape(1, 3, 1, 2)

    y = prelu(x, np.array([0.5, 0.0, 2.0], np.float32))

    np.testing.assert_array_equal(y, [[[[-0.5, 2.0]], [[0.0, 4.0]], [[-10.0, -12.0]]]])


def test_softmax_sums_to_one_along_its_axis():
    x = np.log(np.array([[1.0, 2.0, 1.0], [3.0, 2.0, 0.5]], np.float32))

    np.testing.assert_allclose(softmax(x, 0), [[0.25, 0.5, 2 / 3], [0.75, 0.5, 1 / 3]], rtol=1e-5)
    np.testing.assert_allclose(softmax(x)[0], [0.25, 0.5, 0.25], rtol=1e-5)


def test_softplus_parametric_has_a_scale_and_a_slope_per_channel():
    x = np.array([[[0.0, 1.0, -1.0], [0.0, 1.0, -1.0]]], np.float32)

    y = softplus_parametric(x, np.float32([1.0, 10.0]), np.float32([1.0, 2.0]))

    # alpha log(1 + e^(beta x))
    expected = [[0.6931472, 1.3132617, 0.3132617], [6.931472, 21.26928, 1.26928]]
    np.testing.assert_allclose(y, [expected], rtol=1e-5)
