import numpy as np
import pytest
import tensorflow as tf

from mobilezoo.errors import UnsupportedOpError
from mobilezoo.runtime.layers import order as layers

X = np.array([[3.0, 1.0, 2.0, 3.0], [0.0, 9.0, 4.0, 5.0]], np.float32)


def test_the_largest_come_with_their_places():
    values, places = layers.top_k(X, k=2, axis=1)
    lowest, at = layers.top_k(X, k=1, axis=0, use_bottom_k=True)

    np.testing.assert_array_equal(values, [[3.0, 3.0], [9.0, 5.0]])
    np.testing.assert_array_equal(places, [[0.0, 3.0], [1.0, 3.0]])
    np.testing.assert_array_equal(lowest, [[0.0, 1.0, 2.0, 3.0]])
    np.testing.assert_array_equal(at, [[1.0, 0.0, 0.0, 0.0]])


def test_the_largest_are_as_many_as_there_can_be():
    with pytest.raises(ValueError, match="largest 5 of 4"):
        layers.top_k(X, k=5, axis=1)


def test_arg_sort_gives_places_in_order():
    np.testing.assert_array_equal(layers.arg_sort(X, axis=1), [[1, 2, 0, 3], [0, 2, 3, 1]])
    np.testing.assert_array_equal(
        layers.arg_sort(X, axis=1, descending=True), [[0, 3, 2, 1], [1, 3, 2, 0]]
    )


def test_cum_sum_adds_up():
    np.testing.assert_array_equal(layers.cum_sum(X, axis=-1), [[3, 4, 6, 9], [0, 9, 13, 18]])
    np.testing.assert_array_equal(
        layers.cum_sum(X, axis=1, exclude_final_sum=True, reverse=True),
        [[6, 5, 3, 0], [18, 9, 5, 0]],
    )


def test_one_hot_marks_places():
    places = np.array([2.0, 0.0], np.float32)

    last = layers.one_hot(places, one_hot_vector_size=3, axis=-1, on_value=1.0, off_value=-1.0)
    first = layers.one_hot(places, one_hot_vector_size=3, axis=0, on_value=1.0)

    np.testing.assert_array_equal(last, [[-1, -1, 1], [1, -1, -1]])
    np.testing.assert_array_equal(first, [[0, 1], [0, 0], [1, 0]])


def test_elements_are_gathered_by_place():
    along = layers.gather_along_axis(X, np.array([[2.0, -1.0], [0.0, 1.0]], np.float32), axis=1)
    rows = layers.gather_along_axis(X, np.array([[1.0, 0.0, 1.0, 0.0]], np.float32), axis=0)

    np.testing.assert_array_equal(along, [[2.0, 3.0], [0.0, 9.0]])
    np.testing.assert_array_equal(rows, [[0.0, 1.0, 4.0, 3.0]])
    np.testing.assert_array_equal(
        layers.gather_nd(X, np.array([[1.0, 2.0], [0.0, 1.0]], np.float32)), [4.0, 1.0]
    )


def test_triangles_and_bands():
    ones = np.ones((1, 3, 4), np.float32)

    np.testing.assert_array_equal(
        layers.lower_triangular(ones, k=-1)[0], [[0, 0, 0, 0], [1, 0, 0, 0], [1, 1, 0, 0]]
    )
    np.testing.assert_array_equal(
        layers.upper_triangular(ones, k=2)[0], [[0, 0, 1, 1], [0, 0, 0, 1], [0, 0, 0, 0]]
    )
    np.testing.assert_array_equal(
        layers.matrix_band_part(ones, num_lower=0, num_upper=1)[0],
        [[1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1]],
    )


def test_ranges_and_broadcasts():
    y = layers.range_static(start_value=1.0, end_value=2.0, step_size_value=0.5)

    np.testing.assert_array_equal(y, [1.0, 1.5])
    np.testing.assert_array_equal(layers.broadcast_to_like(y, np.zeros((3, 2))), [[1.0, 1.5]] * 3)
    with pytest.raises(ValueError, match="steps of 0"):
        layers.range_static(end_value=1.0)


def test_computed_numbers_take_the_place_of_parameters():
    values, places = layers.top_k(X, np.array([2.0]), k=1, axis=1)

    np.testing.assert_array_equal(values, [[3.0, 3.0], [9.0, 5.0]])
    np.testing.assert_array_equal(places, [[0, 3], [1, 3]])
    np.testing.assert_array_equal(layers.cum_sum(X, np.array(0.0), axis=1), X + [[0], [1]] * X[0])
    marked = layers.one_hot(np.float32([1.0]), np.float32([2.0]), one_hot_vector_size=9, axis=1,
                            on_value=1.0)  # fmt: skip
    np.testing.assert_array_equal(marked, [[0.0, 1.0]])


def test_a_number_of_results_does_not_depend_on_the_values_of_inputs():
    function = tf.function(lambda count: layers.top_k(X, count), autograph=False)

    with pytest.raises(UnsupportedOpError, match="topK with a number that depends on the inputs"):
        function(tf.constant([1.0]))


def test_sequences_are_reversed_up_to_their_lengths():
    x = np.arange(12.0, dtype=np.float32).reshape(2, 3, 2)

    y = layers.reverse_seq(x, np.float32([2, 3]), batch_axis=0, sequence_axis=1)

    np.testing.assert_array_equal(
        y, [[[2, 3], [0, 1], [4, 5]], [[10, 11], [8, 9], [6, 7]]]
    )  # fmt: skip


def test_windows_slide_along_an_axis():
    y = layers.sliding_windows(np.float32([[1, 2, 3, 4, 5]]), axis=-1, window_size=3, step=2)

    np.testing.assert_array_equal(y, [[[1, 2, 3], [3, 4, 5]]])


def test_elements_that_are_not_zero_are_found():
    x = np.float32([[1, 0, 2], [0, 3, 0]])

    np.testing.assert_array_equal(layers.where_non_zero(x), [[0, 0], [0, 2], [1, 1]])
