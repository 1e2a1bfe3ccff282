import numpy as np
import pytest
import tensorflow as tf

from mobilezoo.errors import UnsupportedOpError
from mobilezoo.runtime.ops.scattering import (
    scatter,
    scatter_along_axis,
    scatter_nd,
    slice_update,
)

DATA = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], np.float32)


def test_scatter_adds_by_default():
    # the example of MIL's documentation
    updates = np.array([[5.0, 6.0, 7.0], [8.0, 9.0, 10.0]], np.float32)

    y = scatter(DATA, np.array([1, 0], np.int32), updates)

    np.testing.assert_array_equal(y, [[9, 11, 13], [9, 11, 13]])


def test_scatter_replaces_along_another_axis():
    y = scatter(DATA, np.array([-1], np.int32), np.float32([[7.0], [8.0]]), 1, "update")

    np.testing.assert_array_equal(y, [[1, 2, 7], [4, 5, 8]])


def test_scatter_keeps_the_order_of_the_axes():
    x = np.zeros((2, 3, 4), np.float32)
    updates = np.arange(1.0, 7.0, dtype=np.float32).reshape(2, 3, 1)

    y = scatter(x, np.array([2], np.int32), updates, axis=-1)

    assert y.shape == (2, 3, 4)
    np.testing.assert_array_equal(y[..., 2], [[1, 2, 3], [4, 5, 6]])


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("add", [31, 2, 4, 7]), ("sub", [-29, 2, 2, 1]), ("mul", [200, 2, 3, 12]),
        ("div", [0.005, 2, 3, 4 / 3]), ("max", [20, 2, 3, 4]), ("min", [1, 2, 1, 3]),
    ],
)  # fmt: skip
def test_scatter_nd_counts_each_that_comes_several_times(mode, expected):
    data = np.array([1.0, 2.0, 3.0, 4.0], np.float32)
    indices = np.array([[0], [2], [0], [-1]], np.int32)

    y = scatter_nd(data, indices, np.float32([10.0, 1.0, 20.0, 3.0]), mode)

    np.testing.assert_allclose(y, expected, rtol=1e-6)


def test_scatter_nd_multiplies_whole_parts():
    data = np.arange(12).reshape(2, 3, 2).astype(np.int32)

    y = scatter_nd(data, np.array([[1, 2], [0, 1]]), np.array([[2, 3], [10, 5]], np.int32), "mul")

    np.testing.assert_array_equal(y[0], [[0, 1], [20, 15], [4, 5]])
    np.testing.assert_array_equal(y[1], [[6, 7], [8, 9], [20, 33]])


def test_scatter_along_axis_chooses_for_each_element():
    indices = np.array([[2, 0], [1, -2]], np.int32)

    y = scatter_along_axis(DATA, indices, np.float32([[10.0, 20.0], [30.0, 40.0]]), axis=1)

    np.testing.assert_array_equal(y, [[21, 2, 13], [4, 75, 6]])


@pytest.mark.parametrize("mode", ["add", "mul"])
def test_places_beyond_are_refused(mode):
    with pytest.raises(tf.errors.InvalidArgumentError):
        scatter_nd(DATA, np.array([[0, 3]], np.int32), np.float32([1.0]), mode)


def test_an_unknown_mode_is_refused():
    with pytest.raises(UnsupportedOpError, match="'xor'"):
        scatter(DATA, np.array([0], np.int32), DATA[:1], mode="xor")


def test_slice_update_puts_a_part_in():
    x = np.arange(24.0, dtype=np.float32).reshape(2, 3, 4)
    update = np.array([[-1.0, -2.0]], np.float32)

    y = slice_update(
        x, update, np.array([1, -1, 0]), np.array([0, 0, 3]), (1, 1, 2),
        end_mask=(False, True, False), squeeze_mask=(True, False, False),
    )  # fmt: skip

    expected = x.copy()
    expected[1, 2:, 0:3:2] = update
    np.testing.assert_array_equal(y, expected)
