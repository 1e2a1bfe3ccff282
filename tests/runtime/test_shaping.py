import numpy as np
import pytest
import tensorflow as tf

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


def test_concat_joins_in_the_given_order():
    y = shaping.concat((X[:, :1], X[:, 2:]), axis=-2)

    np.testing.assert_array_equal(y, X[:, [0, 2]])


def test_concat_interleaved_takes_turns():
    x = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], np.float32)

    y = shaping.concat((x, 10 * x), axis=0, interleave=True)
    along = shaping.concat((x, 10 * x), axis=-1, interleave=True)

    np.testing.assert_array_equal(y, [[1, 2, 3], [10, 20, 30], [4, 5, 6], [40, 50, 60]])
    np.testing.assert_array_equal(along, [[1, 10, 2, 20, 3, 30], [4, 40, 5, 50, 6, 60]])


def test_a_size_of_0_beyond_the_rank_is_1():
    assert shaping.reshape(X[0], np.array([0, 0, -1, 0])).shape == (1, 1, 3, 4)


def test_reshape_like_joins_sizes_of_others():
    # the example of MIL's documentation: 2, 3 of the first and 5, 6 of the second
    references = (np.zeros((2, 3, 4)), np.zeros((1, 5, 6)))
    x = np.arange(180.0).reshape(9, 20)

    y = shaping.reshape_like(x, references, (0, 1), (2, 0), (False, True))

    np.testing.assert_array_equal(y, x.reshape(2, 3, 5, 6))


@pytest.mark.parametrize(("axis", "shape"), [(0, (1, 24)), (1, (2, 12)), (-1, (6, 4))])
def test_flatten2d_splits_at_an_axis(axis, shape):
    np.testing.assert_array_equal(shaping.flatten2d(X, axis), X.reshape(shape))


def test_crop_takes_off_the_sides():
    np.testing.assert_array_equal(shaping.crop(X, (1, 0), (0, 2)), X[:, 1:, :2])
    with pytest.raises(ValueError, match="off 3 x 4 pixels"):
        shaping.crop(X, (1, 2), (0, 0))


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


def test_pad_takes_computed_amounts():
    y = shaping.pad(ROW, tf.constant([1, 2]), constant_val=9.0)

    np.testing.assert_array_equal(y, [9, 1, 2, 3, 9, 9])
