import numpy as np
import pytest

from mobilezoo.errors import UnsupportedOpError
from mobilezoo.runtime.layers.scattering import scatter, scatter_along_axis, scatter_nd

X = np.arange(1.0, 9.0, dtype=np.float32).reshape(2, 4)


def floats(values):
    return np.array(values, np.float32)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("UPDATE", [[1, 2, 3, 10], [5, 6, 7, 40]]),
        ("ADD", [[1, 2, 3, 14], [5, 6, 7, 48]]),
        ("SUB", [[1, 2, 3, -6], [5, 6, 7, -32]]),
        ("MUL", [[1, 2, 3, 40], [5, 6, 7, 320]]),
        ("DIV", [[1, 2, 3, 0.4], [5, 6, 7, 0.2]]),
        ("MAX", [[1, 2, 3, 10], [5, 6, 7, 40]]),
        ("MIN", [[1, 2, 3, 4], [5, 6, 7, 8]]),
    ],
)
def test_scatter_works_updates_in_along_an_axis(mode, expected):
    y = scatter(X, floats([-1]), floats([[10], [40]]), axis=-1, mode=f"SCATTER_{mode}")

    np.testing.assert_allclose(y, expected)


def test_scatter_takes_a_table_of_places():
    places = floats([[0, 2, 1], [2, 0, 0]])  # *i is (2, 3) in updates (2, 2, 3)
    updates = floats([[[1, 1, 1], [1, 1, 1]], [[10, 20, 30], [40, 50, 60]]])

    y = scatter(np.zeros((2, 4), np.float32), places, updates, axis=1, mode="SCATTER_ADD")

    np.testing.assert_array_equal(y, [[3, 1, 2, 0], [10 + 50 + 60, 30, 20 + 40, 0]])
    rows = scatter(np.zeros((2, 4), np.float32), floats([1]), X[:1])
    np.testing.assert_array_equal(rows, [[0, 0, 0, 0], [1, 2, 3, 4]])


def test_scatter_leaves_the_axes_before_in_order():
    updates = np.arange(6.0, dtype=np.float32).reshape(2, 3, 1, 1)

    y = scatter(np.zeros((2, 3, 2), np.float32), floats([[1]]), updates, axis=2)

    np.testing.assert_array_equal(y[..., 1], [[0, 1, 2], [3, 4, 5]])
    np.testing.assert_array_equal(y[..., 0], np.zeros((2, 3)))


def test_scatter_along_an_axis_has_places_for_each_row():
    y = scatter_along_axis(X, floats([[3, 0], [-3, 2]]), floats([[10, 20], [30, 40]]), axis=1)

    np.testing.assert_array_equal(y, [[20, 2, 3, 10], [5, 30, 40, 8]])


def test_scatter_nd_takes_places_of_elements_or_rows():
    elements = scatter_nd(X, floats([[0, 1], [1, -1], [0, 1]]), floats([1, 2, 3]),
                          mode="SCATTER_ADD")  # fmt: skip
    rows = scatter_nd(X, floats([[1]]), floats([[9, 8, 7, 6]]))

    np.testing.assert_array_equal(elements, [[1, 6, 3, 4], [5, 6, 7, 10]])
    np.testing.assert_array_equal(rows, [[1, 2, 3, 4], [9, 8, 7, 6]])


def test_an_unknown_mode_is_refused():
    with pytest.raises(UnsupportedOpError, match="mode='number 9'"):
        scatter_nd(X, floats([[0, 0]]), floats([1]), mode="number 9")
