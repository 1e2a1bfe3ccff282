import numpy as np
import pytest

from mobilezoo.runtime.layers import LAYERS

COLUMN = np.array([[1.0], [-7.0]], np.float32)
ROW = np.array([[2.0, -7.0, 0.5]], np.float32)
YES_NO = np.array([[1.0], [0.0]], np.float32)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("subtractBroadcastable", [[-1.0, 8.0, 0.5], [-9.0, 0.0, -7.5]]),
        ("divideBroadcastable", [[0.5, -1 / 7, 2.0], [-3.5, 1.0, -14.0]]),
        ("floorDivBroadcastable", [[0.0, -1.0, 2.0], [-4.0, 1.0, -14.0]]),
        ("modBroadcastable", [[1.0, -6.0, 0.0], [1.0, 0.0, 0.0]]),
        ("equal", [[0, 0, 0], [0, 1, 0]]),
        ("notEqual", [[1, 1, 1], [1, 0, 1]]),
        ("lessThan", [[1, 0, 0], [1, 0, 1]]),
        ("lessEqual", [[1, 0, 0], [1, 1, 1]]),
        ("greaterThan", [[0, 1, 1], [0, 0, 0]]),
        ("greaterEqual", [[0, 1, 1], [0, 1, 0]]),
    ],
)
def test_two_values_are_broadcast(name, expected):
    y = LAYERS[name](COLUMN, ROW)

    assert y.dtype == "float32"
    np.testing.assert_allclose(y, expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("addBroadcastable", [[3.0, -6.0, 1.5], [-5.0, -14.0, -6.5]]),
        ("multiplyBroadcastable", [[2.0, -7.0, 0.5], [-14.0, 49.0, -3.5]]),
        ("maxBroadcastable", [[2.0, 1.0, 1.0], [2.0, -7.0, 0.5]]),
        ("minBroadcastable", [[1.0, -7.0, 0.5], [-7.0, -7.0, -7.0]]),
    ],
)
def test_any_number_of_values_is_broadcast(name, expected):
    np.testing.assert_array_equal(LAYERS[name]((COLUMN, ROW)), expected)
    np.testing.assert_array_equal(LAYERS[name]((COLUMN,)), COLUMN)


def test_powers():
    y = LAYERS["powBroadcastable"](np.array([[4.0]], np.float32), ROW)

    np.testing.assert_allclose(y, [[16.0, 4.0**-7, 2.0]], rtol=1e-6)


def test_a_missing_second_value_is_a_number():
    np.testing.assert_array_equal(LAYERS["lessThan"](ROW, alpha=1.0), [[0.0, 1.0, 1.0]])
    np.testing.assert_array_equal(LAYERS["equal"](YES_NO), [[0.0], [1.0]])


@pytest.mark.parametrize(
    ("name", "expected"),
    [("logicalAnd", [[1, 0], [0, 0]]), ("logicalOr", [[1, 1], [1, 0]]),
     ("logicalXor", [[0, 1], [1, 0]])],
)  # fmt: skip
def test_logic_of_numbers(name, expected):
    np.testing.assert_array_equal(LAYERS[name](YES_NO, YES_NO.T * 3.0), expected)


def test_not_and_where():
    np.testing.assert_array_equal(LAYERS["logicalNot"](YES_NO), [[0.0], [1.0]])
    np.testing.assert_array_equal(
        LAYERS["whereBroadcastable"](YES_NO, ROW, COLUMN), [[2.0, -7.0, 0.5], [-7.0, -7.0, -7.0]]
    )


@pytest.mark.parametrize(
    ("name", "x", "expected"),
    [
        ("acos", 0.5, 1.0471976), ("acosh", 2.0, 1.316958), ("asin", 0.5, 0.5235988),
        ("asinh", 1.0, 0.8813736), ("atan", 1.0, 0.7853982), ("atanh", 0.5, 0.5493061),
        ("ceil", -1.5, -1.0), ("cos", 1.0, 0.5403023), ("cosh", 1.0, 1.5430806),
        ("erf", 0.5, 0.5204999), ("exp2", 3.0, 8.0), ("floor", -1.5, -2.0), ("round", 2.5, 2.0),
        ("sign", -3.0, -1.0), ("sin", 1.0, 0.841471), ("sinh", 1.0, 1.1752012),
        ("tan", 1.0, 1.5574077), ("tanh", 1.0, 0.7615942),
    ],
)  # fmt: skip
def test_functions_of_one_value(name, x, expected):
    y = LAYERS[name](np.array([x], np.float32))

    np.testing.assert_allclose(y, [expected], rtol=1e-6)
