import numpy as np
import pytest

from mobilezoo.runtime.ops import trigonometry
from mobilezoo.runtime.ops.order import cumsum, reduce_argmax, reduce_argmin, reverse

X = np.array([[3.0, 1.0, 3.0], [0.0, 2.0, -1.0]], np.float32)


def test_cumsum_adds_up_along_an_axis():
    np.testing.assert_array_equal(cumsum(X, 1), [[3, 4, 7], [0, 2, 1]])
    np.testing.assert_array_equal(cumsum(X, 0), [[3, 1, 3], [3, 3, 2]])


def test_cumsum_exclusive_and_from_the_end():
    np.testing.assert_array_equal(cumsum(X, 1, exclusive=True), [[0, 3, 4], [0, 0, 2]])
    np.testing.assert_array_equal(cumsum(X, 1, reverse=True), [[7, 4, 3], [1, 1, -1]])


def test_positions_are_the_first_of_equals():
    np.testing.assert_array_equal(reduce_argmax(X, 1), [[0], [1]])
    np.testing.assert_array_equal(reduce_argmin(X, 0, keep_dims=False), [1, 0, 1])


def test_reverse():
    np.testing.assert_array_equal(reverse(X, [1]), [[3, 1, 3], [-1, 2, 0]])
    np.testing.assert_array_equal(reverse(X), [[-1, 2, 0], [3, 1, 3]])


@pytest.mark.parametrize(
    ("function", "x", "expected"),
    [
        ("acos", 0.5, 1.0471976), ("asin", 0.5, 0.5235988), ("atan", 1.0, 0.7853982),
        ("atanh", 0.5, 0.5493061), ("cosh", 1.0, 1.5430806), ("exp2", 3.0, 8.0),
        ("round", 2.5, 2.0), ("round", -1.6, -2.0), ("sinh", 1.0, 1.1752012),
        ("tan", 1.0, 1.5574077),
    ],
)  # fmt: skip
def test_functions_of_single_values(function, x, expected):
    y = getattr(trigonometry, function)(np.array([x], np.float32))

    np.testing.assert_allclose(y, [expected], rtol=1e-6)
