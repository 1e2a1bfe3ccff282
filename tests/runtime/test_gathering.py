import numpy as np
import pytest
import tensorflow as tf

from mobilezoo.runtime.ops.gathering import gather, gather_along_axis, gather_nd, non_zero

X = np.arange(24.0, dtype=np.float32).reshape(2, 3, 4)


def test_gather_counts_negative_positions_from_the_end():
    y = gather(X, np.array([[2, -1], [0, -3]], np.int32), axis=1)

    np.testing.assert_array_equal(y, X[:, [[2, 2], [0, 0]]])


def test_gather_takes_rows_of_a_table_by_default():
    np.testing.assert_array_equal(gather(X, np.array(1, np.int32)), X[1])


def test_gather_chooses_for_each_example():
    y = gather(X, np.array([[2, 0], [1, 1]], np.uint16), axis=1, batch_dims=1)

    np.testing.assert_array_equal(y, [X[0, [2, 0]], X[1, [1, 1]]])


def test_gather_along_axis_chooses_for_each_element():
    indices = np.array([[[2, 0, -1, 1]], [[0, 0, 1, -3]]], np.int32)

    y = gather_along_axis(X, indices, axis=-2)

    np.testing.assert_array_equal(y, [[[8, 1, 10, 7]], [[12, 13, 18, 15]]])


def test_gather_nd_takes_parts_at_places():
    y = gather_nd(X, np.array([[1, 2], [0, -1], [-2, 0]], np.int32))
    each = gather_nd(X, np.array([[[2, 3]], [[-3, 1]]], np.int16), batch_dims=1)

    np.testing.assert_array_equal(y, [X[1, 2], X[0, 2], X[0, 0]])
    np.testing.assert_array_equal(each, [[11], [13]])


@pytest.mark.parametrize(
    "call",
    [
        lambda: gather(X, np.array([3], np.int32), axis=1),
        lambda: gather_along_axis(X, np.full((2, 3, 1), 4, np.int32), axis=2),
        lambda: gather_nd(X, np.array([[0, 3]], np.int32)),
    ],
)
def test_places_beyond_are_refused(call):
    with pytest.raises(tf.errors.InvalidArgumentError):
        call()


def test_non_zero_lists_places_row_by_row():
    x = np.array([[0.0, 5.0, 0.0], [-1.0, 0.0, 2.0]], np.float32)

    np.testing.assert_array_equal(non_zero(x), [[0, 1], [1, 0], [1, 2]])
    np.testing.assert_array_equal(non_zero(np.array([False, True, True])), [[1], [2]])
