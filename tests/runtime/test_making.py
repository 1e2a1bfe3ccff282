import numpy as np
import pytest
import tensorflow as tf

from mobilezoo.runtime.ops.making import band_part, fill, fill_like, one_hot, range_1d, shape
from mobilezoo.runtime.ops.shaping import tile

X = np.arange(24.0, dtype=np.float32).reshape(2, 3, 4)


def test_shape_is_a_vector_of_int32():
    np.testing.assert_array_equal(shape(X), [2, 3, 4])
    assert shape(X).numpy().dtype == np.int32


def test_fill_repeats_a_value():
    np.testing.assert_array_equal(fill(np.array([2, 3]), 1.5), [[1.5] * 3] * 2)
    np.testing.assert_array_equal(fill_like(X[0], 7), np.full((3, 4), 7))
    assert fill_like(X, True).dtype == tf.bool


def test_range_1d_counts_up_and_down():
    np.testing.assert_array_equal(range_1d(2, 9, 3), [2, 5, 8])
    np.testing.assert_array_equal(range_1d(1.0, -0.5, -0.5), [1.0, 0.5, 0.0])
    assert range_1d(0, 2, 1).dtype == tf.int32


def test_one_hot_has_a_place_on():
    y = one_hot(np.array([2, 0], np.int32), 3)
    z = one_hot(np.array([1, 5, 0], np.int32), 2, axis=0, on_value=9.0, off_value=-1.0)

    np.testing.assert_array_equal(y, [[0, 0, 1], [1, 0, 0]])
    np.testing.assert_array_equal(z, [[-1, -1, 9], [9, -1, -1]])


def test_band_part_keeps_diagonals():
    y = band_part(X, 1, 0)

    np.testing.assert_array_equal(y[0], [[0, 0, 0, 0], [4, 5, 0, 0], [0, 9, 10, 0]])
    np.testing.assert_array_equal(band_part(X), X)


HUGE = [
    (fill, [1 << 20, 1 << 20]), (lambda n: range_1d(0.0, n, 1e-9), 100.0),
    (lambda n: one_hot(np.zeros(1 << 12, np.int32), n), 1 << 20),
    (lambda n: tile(X, n), [1 << 12, 1 << 12, 1 << 12]),
]  # fmt: skip


@pytest.mark.parametrize(("make", "size"), HUGE)
def test_what_is_too_large_is_refused_before_it_is_made(make, size):
    with pytest.raises(ValueError, match="at most 268435456"):
        make(np.array(size))


@pytest.mark.parametrize(("make", "size"), HUGE)
def test_a_computed_size_that_is_too_large_is_refused_while_running(make, size):
    run = tf.function(make, autograph=False)

    with pytest.raises(tf.errors.InvalidArgumentError, match="at most 268435456"):
        run(tf.constant(size))


def test_band_part_keeps_all_of_more_diagonals_than_there_are():
    x = np.arange(1.0, 7.0, dtype=np.float32).reshape(2, 3)

    np.testing.assert_array_equal(band_part(x, lower=9, upper=20), x)
    np.testing.assert_array_equal(band_part(x, lower=0, upper=20), [[1, 2, 3], [0, 5, 6]])
