import numpy as np
import pytest

from mobilezoo.errors import UnsupportedOpError
from mobilezoo.runtime.layers.activation import (
    activation,
    clamped_relu,
    gelu,
    softmax,
    softmax_nd,
)

X = np.array([-2.0, -0.5, 0.0, 3.0], np.float32)


@pytest.mark.parametrize(
    ("function", "parameters", "expected"),
    [
        ("linear", {"alpha": 2.0, "beta": 1.0}, [-3.0, 0.0, 1.0, 7.0]),
        ("ReLU", {}, [0.0, 0.0, 0.0, 3.0]),
        ("leakyReLU", {"alpha": 0.5}, [-1.0, -0.25, 0.0, 3.0]),
        ("thresholdedReLU", {"alpha": 3.0}, [0.0, 0.0, 0.0, 3.0]),
        ("tanh", {}, [-0.9640276, -0.46211717, 0.0, 0.9950548]),
        ("scaledTanh", {"alpha": 2.0, "beta": 0.5}, [-1.5231884, -0.4898373, 0.0, 1.8102966]),
        ("sigmoid", {}, [0.11920292, 0.37754068, 0.5, 0.95257413]),
        ("sigmoidHard", {"alpha": 0.25, "beta": 0.5}, [0.0, 0.375, 0.5, 1.0]),
        ("ELU", {"alpha": 2.0}, [-1.7293295, -0.7869387, 0.0, 3.0]),
        ("softsign", {}, [-2 / 3, -1 / 3, 0.0, 0.75]),
        ("softplus", {}, [0.12692805, 0.474077, 0.6931472, 3.0485873]),
    ],
)
def test_activations(function, parameters, expected):
    y = activation(X, function=function, **parameters)

    np.testing.assert_allclose(y, expected, rtol=1e-6, atol=1e-7)


def test_prelu_has_a_slope_per_channel():
    x = np.array([[-1.0, -2.0, 4.0], [-1.0, 5.0, -3.0]], np.float32).reshape(1, 2, 1, 3)

    y = activation(x, function="PReLU", alpha=np.array([0.5, 10.0], np.float32))

    np.testing.assert_array_equal(y, [[[[-0.5, -1.0, 4.0]], [[-10.0, 5.0, -30.0]]]])


def test_prelu_may_share_one_slope():
    y = activation(X.reshape(1, 4, 1, 1), function="PReLU", alpha=np.array([0.5], np.float32))

    np.testing.assert_array_equal(np.ravel(y), [-1.0, -0.25, 0.0, 3.0])


def test_parametric_softplus_has_two_parameters_per_channel():
    x = np.array([0.0, 1.0, 2.0], np.float32).reshape(1, 3, 1, 1)
    alpha, beta = np.array([1.0, 2.0, 3.0], np.float32), np.array([1.0, 0.0, 1.0], np.float32)

    y = activation(x, function="parametricSoftplus", alpha=alpha, beta=beta)

    # log 2 | 2 log 2 | 3 log(1 + e^2)
    np.testing.assert_allclose(np.ravel(y), [0.6931472, 1.3862944, 6.380784], rtol=1e-6)


def test_an_unknown_activation_is_refused():
    with pytest.raises(UnsupportedOpError, match="activation swish"):
        activation(X, function="swish")


def test_clamped_relu_bends_at_zero_and_is_cut_off():
    np.testing.assert_array_equal(clamped_relu(X, alpha=0.5, beta=2.0), [-1.0, -0.25, 0.0, 2.0])


def test_gelu_has_three_modes():
    one = np.array([1.0], np.float32)

    np.testing.assert_allclose(gelu(one), [0.8413447], rtol=1e-6)
    np.testing.assert_allclose(gelu(one, mode="TANH_APPROXIMATION"), [0.841192], rtol=1e-6)
    np.testing.assert_allclose(gelu(one, mode="SIGMOID_APPROXIMATION"), [0.8457958], rtol=1e-6)


def test_softmax_goes_over_the_channels():
    x = np.log(np.array([[1.0, 2.0, 5.0], [3.0, 6.0, 5.0]], np.float32)).reshape(1, 2, 1, 3)

    np.testing.assert_allclose(softmax(x), [[[[0.25, 0.25, 0.5]], [[0.75, 0.75, 0.5]]]], rtol=1e-6)


def test_softmax_nd_goes_over_any_axis():
    x = np.log(np.array([[1.0, 3.0], [5.0, 5.0]], np.float32))

    np.testing.assert_allclose(softmax_nd(x, axis=-1), [[0.25, 0.75], [0.5, 0.5]], rtol=1e-6)
    np.testing.assert_allclose(softmax_nd(x), [[1 / 6, 3 / 8], [5 / 6, 5 / 8]], rtol=1e-6)
