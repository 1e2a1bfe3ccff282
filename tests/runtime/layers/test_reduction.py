import numpy as np
import pytest

from mobilezoo.errors import UnsupportedOpError
from mobilezoo.runtime.layers import reduction as layers

X = np.array([[1.0, -2.0, 4.0], [3.0, 5.0, -6.0]], np.float32)  # h, w


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("SUM", 5.0), ("AVG", 5 / 6), ("PROD", 720.0), ("SUMSQUARE", 91.0), ("L1", 21.0),
        ("L2", 91**0.5), ("MAX", 5.0), ("MIN", -6.0),
    ],
)  # fmt: skip
def test_reduce_over_a_whole_picture(mode, expected):
    y = layers.reduce(X.reshape(1, 1, 2, 3), mode=mode)

    assert y.shape == (1, 1, 1, 1)
    np.testing.assert_allclose(np.ravel(y), [expected], rtol=1e-6)


@pytest.mark.parametrize(
    ("axis", "shape", "expected"),
    [
        ("C", (1, 1, 1, 3), [4.0, 3.0, -2.0]),
        ("H", (1, 2, 1, 3), [1.0, -2.0, 4.0, 3.0, 5.0, -6.0]),
        ("W", (1, 2, 1, 1), [3.0, 2.0]),
        ("HW", (1, 2, 1, 1), [3.0, 2.0]),
    ],
)
def test_reduce_over_some_axes(axis, shape, expected):
    y = layers.reduce(X.reshape(1, 2, 1, 3), axis=axis)

    assert y.shape == shape
    np.testing.assert_array_equal(np.ravel(y), expected)


def test_logsum_adds_logarithms():
    y = layers.reduce(np.array([[[1.0, 3.0]]], np.float32), mode="LOGSUM", epsilon=1.0)

    np.testing.assert_allclose(np.ravel(y), [np.log(2) + np.log(4)], rtol=1e-6)


def test_argmax_gives_the_place_as_a_number():
    y = layers.reduce(X.reshape(1, 2, 1, 3), mode="ARGMAX", axis="W")

    np.testing.assert_array_equal(y, [[[[2.0]], [[1.0]]]])
    with pytest.raises(UnsupportedOpError, match="ARGMAX over HW"):
        layers.reduce(X, mode="ARGMAX", axis="HW")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("reduce_sum", [3.0, 2.0]), ("reduce_mean", [1.0, 2 / 3]), ("reduce_prod", [-8.0, -90.0]),
        ("reduce_max", [4.0, 5.0]), ("reduce_min", [-2.0, -6.0]), ("reduce_l1", [7.0, 14.0]),
        ("reduce_l2", [21**0.5, 70**0.5]), ("reduce_sum_square", [21.0, 70.0]),
        ("reduce_log_sum", [np.log(3.0), np.log(2.0)]),
        ("reduce_log_sum_exp", [4.0509777, 5.126944]),
    ],
)  # fmt: skip
def test_reductions_along_any_axis(name, expected):
    reduce = getattr(layers, name)

    np.testing.assert_allclose(reduce(X, axes=(-1,)), expected, rtol=1e-5)
    assert reduce(X, axes=(1,), keep_dims=True).shape == (2, 1)
    assert np.size(reduce(np.abs(X), reduce_all=True)) == 1


def test_places_of_the_extremes():
    np.testing.assert_array_equal(layers.arg_max(X, axis=1), [[2.0], [1.0]])
    np.testing.assert_array_equal(layers.arg_min(X, axis=0, remove_dim=True), [0.0, 0.0, 1.0])
