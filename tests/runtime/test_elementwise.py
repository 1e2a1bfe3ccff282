import numpy as np
import pytest

from mobilezoo.errors import UnsupportedOpError
from mobilezoo.runtime import ops
from mobilezoo.runtime.ops.elementwise import cast, clip, inverse, log, rsqrt, select, threshold

X = np.array([[-2.5, -0.5, 0.0], [0.5, 2.0, 3.0]], np.float32)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("abs", [[2.5, 0.5, 0.0], [0.5, 2.0, 3.0]]),
        ("ceil", [[-2.0, 0.0, 0.0], [1.0, 2.0, 3.0]]),
        ("cos", [[-0.80114362, 0.87758256, 1.0], [0.87758256, -0.41614684, -0.9899925]]),
        ("erf", [[-0.99959305, -0.52049988, 0.0], [0.52049988, 0.99532227, 0.99997791]]),
        ("exp", [[0.082085, 0.60653066, 1.0], [1.64872127, 7.3890561, 20.08553692]]),
        ("floor", [[-3.0, -1.0, 0.0], [0.0, 2.0, 3.0]]),
        ("sign", [[-1.0, -1.0, 0.0], [1.0, 1.0, 1.0]]),
        ("sin", [[-0.59847214, -0.47942554, 0.0], [0.47942554, 0.90929743, 0.14112001]]),
        ("square", [[6.25, 0.25, 0.0], [0.25, 4.0, 9.0]]),
    ],
)
def test_unary(name, expected):
    y = ops.OPS[name](X)

    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-7)  # float32 kernels


def test_sqrt_of_squares():
    np.testing.assert_allclose(ops.OPS["sqrt"](np.array([0.0, 4.0, 9.0])), [0.0, 2.0, 3.0])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("add", [5.0, -5.0, 9.5]),
        ("sub", [9.0, -9.0, 5.5]),
        ("mul", [-14.0, -14.0, 15.0]),
        ("real_div", [-3.5, -3.5, 3.75]),
        ("floor_div", [-4.0, -4.0, 3.0]),
        ("mod", [-1.0, 1.0, 1.5]),
        ("maximum", [7.0, 2.0, 7.5]),
        ("minimum", [-2.0, -7.0, 2.0]),
    ],
)
def test_binary(name, expected):
    y = ops.OPS[name](np.array([7.0, -7.0, 7.5]), np.array([-2.0, 2.0, 2.0]))

    np.testing.assert_array_equal(y, expected)


def test_pow_raises_the_first_to_the_second():
    np.testing.assert_allclose(ops.OPS["pow"](np.array([2.0, 3.0]), np.array([3.0, 2.0])), [8, 9])


def test_binary_broadcasts_both_ways():
    y = ops.OPS["add"](np.array([[1.0], [2.0]]), np.array([10.0, 20.0, 30.0]))

    np.testing.assert_array_equal(y, [[11.0, 21.0, 31.0], [12.0, 22.0, 32.0]])


def test_a_number_takes_the_type_of_the_other_operand():
    y = ops.OPS["mul"](np.array([3, 4], np.int32), 2)

    assert y.numpy().dtype == np.int32
    np.testing.assert_array_equal(y, [6, 8])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("equal", [False, True, False]),
        ("not_equal", [True, False, True]),
        ("greater", [False, False, True]),
        ("greater_equal", [False, True, True]),
        ("less", [True, False, False]),
        ("less_equal", [True, True, False]),
    ],
)
def test_comparison(name, expected):
    y = ops.OPS[name](np.array([1.0, 2.0, 3.0]), np.array([2.0, 2.0, 2.0]))

    np.testing.assert_array_equal(y, expected)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("logical_and", [False, False, False, True]),
        ("logical_or", [False, True, True, True]),
        ("logical_xor", [False, True, True, False]),
    ],
)
def test_logic(name, expected):
    y = ops.OPS[name](np.array([False, False, True, True]), np.array([False, True, False, True]))

    np.testing.assert_array_equal(y, expected)


def test_logical_not_inverts():
    np.testing.assert_array_equal(ops.OPS["logical_not"](np.array([True, False])), [False, True])


def test_select_takes_a_where_the_condition_holds():
    y = select(np.array([True, False, True]), np.array([1.0, 2.0, 3.0]), np.array([[10.0], [20.0]]))

    np.testing.assert_array_equal(y, [[1.0, 10.0, 3.0], [1.0, 20.0, 3.0]])


def test_clip_bounds_from_both_sides():
    np.testing.assert_array_equal(clip(X, -1.0, 2.5), [[-1.0, -0.5, 0.0], [0.5, 2.0, 2.5]])


def test_threshold_bounds_from_below():
    np.testing.assert_array_equal(threshold(X, 0.25), [[0.25, 0.25, 0.25], [0.5, 2.0, 3.0]])


def test_epsilon_is_added_before_the_function():
    x = np.array([1.0, 3.0])

    np.testing.assert_allclose(inverse(x, 1.0), [0.5, 0.25])
    np.testing.assert_allclose(rsqrt(x, 1.0), [0.70710678, 0.5], rtol=1e-6)
    np.testing.assert_allclose(log(x, 1.0), [0.69314718, 1.38629436], rtol=1e-6)


def test_default_epsilons_are_those_of_mil():
    zero = np.zeros(1)

    np.testing.assert_allclose(inverse(zero), [1e4], rtol=1e-5)
    np.testing.assert_allclose(rsqrt(zero), [1e6], rtol=1e-5)


def test_cast_to_integer_cuts_the_fraction_off():
    y = cast(np.array([-1.75, -0.5, 1.75]), "int32")

    assert y.numpy().dtype == np.int32
    np.testing.assert_array_equal(y, [-1, 0, 1])


def test_cast_between_floating_types_keeps_float32():
    y = cast(np.array([1.0 + 2**-20]), "fp16")

    assert y.numpy().dtype == np.float32
    np.testing.assert_array_equal(y, [1.0 + 2**-20])


def test_cast_to_an_unknown_type_is_refused():
    with pytest.raises(UnsupportedOpError, match="complex64"):
        cast(X, "complex64")


def test_log_of_nothing_is_that_of_the_default_epsilon():
    x = np.float32([0.0, 1.0, 2.0, -1.0])

    y = log(x)

    # the logarithm of 1e-45 in float32, 1.4e-45
    np.testing.assert_allclose(y, [-103.27893, 0.0, 0.6931472, np.nan], rtol=1e-6)
    np.testing.assert_array_equal(x[:2] * np.asarray(y)[:2], [0.0, 0.0])


def test_whole_numbers_are_divided_towards_zero():
    y = ops.OPS["real_div"](np.int32([7, -7]), np.int32([2, 2]))

    assert np.asarray(y).tolist() == [3, -3]
