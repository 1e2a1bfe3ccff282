import numpy as np
import pytest

from mobilezoo.runtime.ops import trigonometry
from mobilezoo.runtime.ops.order import (
    argsort,
    cumsum,
    reduce_argmax,
    reduce_argmin,
    reverse,
    reverse_sequence,
    topk,
)

X = np.array([[3.0, 1.0, 3.0], [0.0, 2.0, -1.0]], np.float32)


def test_cumsum_adds_up_along_an_axis():
    np.testing.assert_array_equal(cumsum(X, 1), [[3, 4, 7], [0, 2, 1]])
    np.testing.assert_array_equal(cumsum(X, 0), [[3, 1, 3], [3, 3, 2]])


def test_cumsum_exclusive_and_from_the_end():
    np.testing.assert_array_equal(cumsum(X, 1, exclusive=True), [[0, 3, 4], [0, 0, 2]])
    np.testing.assert_array_equal(cumsum(X, 1, reverse=True), [[7, 4, 3], [1, 1, -1]])


def test_positions_are_the_first_of_equals():
    np.testing.assert_array_equal(reduce_argmax(X, 1, keep_dims=True), [[0], [1]])
    np.testing.assert_array_equal(reduce_argmin(X, 0), [1, 0, 1])
    assert reduce_argmax(X, output_dtype="uint16").dtype == "uint16"


def test_argsort_keeps_the_order_of_equals():
    np.testing.assert_array_equal(argsort(X), [[0, 2, 1], [1, 0, 2]])
    np.testing.assert_array_equal(argsort(X, ascending=True), [[1, 0, 2], [2, 0, 1]])
    np.testing.assert_array_equal(argsort(X, axis=0), [[0, 1, 0], [1, 0, 1]])


def test_topk_gives_the_largest_and_their_places():
    values, places = topk(X, k=2)

    np.testing.assert_array_equal(values, [[3, 3], [2, 0]])
    np.testing.assert_array_equal(places, [[0, 2], [1, 0]])


def test_topk_gives_the_smallest_along_another_axis():
    values, places = topk(X, k=1, axis=0, ascending=True, output_indices_dtype="uint16")

    np.testing.assert_array_equal(values, [[0, 1, -1]])
    np.testing.assert_array_equal(places, [[1, 0, 1]])
    assert places.dtype == "uint16"


def test_topk_may_take_all_and_leave_the_places_out():
    (values,) = topk(np.array([[3, 7, 5]], np.uint8), k=-1, ascending=True, return_indices=False)

    np.testing.assert_array_equal(values, [[3, 5, 7]])
    with pytest.raises(ValueError, match="the largest 4 of 3"):
        topk(X, k=4)


def test_reverse_sequence_reverses_the_beginnings():
    x = np.arange(12.0, dtype=np.float32).reshape(2, 3, 2)

    y = reverse_sequence(x, np.array([3, 2], np.int32), seq_axis=1, batch_axis=-1)

    np.testing.assert_array_equal(y[..., 0], [[4, 2, 0], [10, 8, 6]])
    np.testing.assert_array_equal(y[..., 1], [[3, 1, 5], [9, 7, 11]])


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
