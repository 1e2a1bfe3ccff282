import numpy as np
import pytest

from mobilezoo.errors import UnsupportedOpError
from mobilezoo.runtime.ops import shaping

X = np.arange(24.0, dtype=np.float32).reshape(2, 3, 4)
ROW = np.array([1.0, 2.0, 3.0], np.float32)


def test_identity_changes_nothing():
    np.testing.assert_array_equal(shaping.identity(X), X)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((6, 4), (6, 4)), ((4, -1), (4, 6)), ((2, 3, 2, 2), (2, 3, 2, 2)), ((0, 0, 4), (2, 3, 4))],
)
def test_reshape_keeps_row_major_order(shape, expected):
    y = shaping.reshape(X, np.array(shape))

    assert y.shape == expected
    np.testing.assert_array_equal(np.ravel(y), np.arange(24.0))


def test_reshape_aligns_zeros_at_the_end():
    assert shaping.reshape(X, np.array([6, 0])).shape == (6, 4)


def test_transpose_moves_axis_perm_i_to_place_i():
    y = shaping.transpose(X, (2, 0, -2))

    assert y.shape == (4, 2, 3)
    np.testing.assert_array_equal(y[1], [[1.0, 5.0, 9.0], [13.0, 17.0, 21.0]])


def test_expand_dims_counts_axes_in_the_result():
    assert shaping.expand_dims(X, (0, -2)).shape == (1, 2, 3, 1, 4)


def test_squeeze_drops_axes_of_length_1_and_ignores_others():
    x = X.reshape(1, 2, 1, 3, 4)

    assert shaping.squeeze(x).shape == (2, 3, 4)
    assert shaping.squeeze(x, (-3, 1)).shape == (1, 2, 3, 4)


def test_shape_is_a_vector_of_int32():
    np.testing.assert_array_equal(shaping.shape(X), [2, 3, 4])
    assert shaping.shape(X).numpy().dtype == np.int32


def test_fill_repeats_a_value():
    np.testing.assert_array_equal(shaping.fill(np.array([2, 3]), 1.5), [[1.5] * 3] * 2)


def test_concat_joins_in_the_given_order():
    y = shaping.concat((X[:, :1], X[:, 2:]), axis=-2)

    np.testing.assert_array_equal(y, X[:, [0, 2]])


def test_concat_interleaved_is_refused():
    with pytest.raises(UnsupportedOpError, match="interleave"):
        shaping.concat((X, X), axis=0, interleave=True)


def test_stack_makes_a_new_axis():
    np.testing.assert_array_equal(shaping.stack((ROW, -ROW), axis=1), [[1, -1], [2, -2], [3, -3]])


def test_split_into_equal_parts():
    left, right = shaping.split(X, axis=2, num_splits=2)

    np.testing.assert_array_equal(left, X[:, :, :2])
    np.testing.assert_array_equal(right, X[:, :, 2:])


def test_split_into_given_sizes():
    parts = shaping.split(X, axis=-1, num_splits=3, split_sizes=(1, 2, 1))

    np.testing.assert_array_equal(parts[1], X[:, :, 1:3])
    assert len(parts) == 3


def test_tile_repeats_along_each_axis():
    y = shaping.tile(np.array([[1.0, 2.0]]), np.array([2, 3]))

    np.testing.assert_array_equal(y, [[1, 2, 1, 2, 1, 2]] * 2)


def test_gather_counts_negative_positions_from_the_end():
    y = shaping.gather(X, np.array([[2, -1], [0, -3]], np.int32), axis=1)

    np.testing.assert_array_equal(y, X[:, [[2, 2], [0, 0]]])


def test_gather_takes_rows_of_a_table_by_default():
    np.testing.assert_array_equal(shaping.gather(X, np.array(1, np.int32)), X[1])


def test_slice_by_size_takes_the_rest_at_minus_1():
    y = shaping.slice_by_size(X, np.array([0, -2, 1]), np.array([1, -1, 2]))

    np.testing.assert_array_equal(y, X[:1, 1:, 1:3])


def test_slice_by_index_is_numpys_slice():
    y = shaping.slice_by_index(X, np.array([0, -2, 3]), np.array([1, 3, 0]), (1, 1, -2))

    np.testing.assert_array_equal(y, X[0:1, -2:3, 3:0:-2])


def test_slice_by_index_masks_open_bounds_and_drop_axes():
    y = shaping.slice_by_index(
        X, np.array([1, 1, 1]), np.array([0, 2, 2]), begin_mask=(False, True, False),
        end_mask=(False, False, True), squeeze_mask=(True, False, False),
    )  # fmt: skip

    np.testing.assert_array_equal(y, X[1, :2, 1:])


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("constant", [9.0, 9.0, 1.0, 2.0, 3.0, 9.0]),
        ("reflect", [3.0, 2.0, 1.0, 2.0, 3.0, 2.0]),
        ("replicate", [1.0, 1.0, 1.0, 2.0, 3.0, 3.0]),
    ],
)
def test_pad_extends_the_last_axes(mode, expected):
    y = shaping.pad(np.stack([ROW, -ROW]), np.array([2, 1]), mode, 9.0)

    assert y.shape == (2, 6)
    np.testing.assert_array_equal(y[0], expected)


def test_pad_in_an_unknown_mode_is_refused():
    with pytest.raises(UnsupportedOpError, match="'wrap'"):
        shaping.pad(X, np.array([1, 1]), "wrap")
