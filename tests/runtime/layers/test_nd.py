import numpy as np
import pytest

from mobilezoo.errors import UnsupportedOpError
from mobilezoo.runtime.layers import nd as layers

X = np.arange(24.0, dtype=np.float32).reshape(2, 3, 4)


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (lambda: layers.transpose(X, axes=(2, 0, 1)), X.transpose(2, 0, 1)),
        (lambda: layers.concat_nd((X, X[:, :1]), axis=-2), np.concatenate([X, X[:, :1]], 1)),
        (lambda: layers.stack((X, X), axis=1), np.stack([X, X], 1)),
        (lambda: layers.split_nd(X, axis=2, num_splits=2)[1], X[:, :, 2:]),
        (lambda: layers.split_nd(X, axis=-1, split_sizes=(1, 3))[1], X[:, :, 1:]),
        (lambda: layers.expand_dims(X, axes=(0, -1)), X[None, ..., None]),
        (lambda: layers.squeeze(X[:, :1, :1], axes=(-2, -1)), X[:, 0, 0]),
        (lambda: layers.squeeze(X[None, :1], squeeze_all=True), X[0]),
        (lambda: layers.squeeze(X[:1, :1, :1], squeeze_all=True), X[0, 0, :1]),
        (lambda: layers.reshape_static(X, target_shape=(6, -1)), X.reshape(6, 4)),
        (lambda: layers.rank_preserving_reshape(X, target_shape=(0, -1, 2)), X.reshape(2, 6, 2)),
        (lambda: layers.reshape_like(X, np.zeros((8, 3), np.float32)), X.reshape(8, 3)),
        (lambda: layers.flatten_to_2d(X, axis=-1), X.reshape(6, 4)),
        (lambda: layers.flatten_to_2d(X, axis=1), X.reshape(2, 12)),
        (lambda: layers.gather(X, np.array([2.0, -3.0], np.float32), axis=1), X[:, [2, 0]]),
        (lambda: layers.tile(X, reps=(1, 2, 1)), np.tile(X, (1, 2, 1))),
        (lambda: layers.reverse(X, reverse_dim=(True, False, True)), X[::-1, :, ::-1]),
        (lambda: layers.load_constant_nd(X), X),
        (lambda: layers.fill_static(value=2.0, target_shape=(1, 3)), [[2.0, 2.0, 2.0]]),
        (lambda: layers.fill_like(X, value=2.0), np.full((2, 3, 4), 2.0)),
        (
            lambda: layers.broadcast_to_static(X[:, :1], target_shape=(5, 2, 3, 4)),
            np.broadcast_to(X[:, :1], (5, 2, 3, 4)),
        ),
    ],
)
def test_shapes_and_order(made, expected):
    np.testing.assert_array_equal(made(), expected)


def test_slice_static_leaves_bounds_open_and_drops_axes():
    y = layers.slice_static(
        X, begin_ids=(1, 9, -1), end_ids=(9, 9, -4), strides=(1, 2, -2),
        begin_masks=(False, True, False), end_masks=(False, True, False),
        squeeze_masks=(True, False, False),
    )  # fmt: skip

    np.testing.assert_array_equal(y, X[1, ::2, -1:-4:-2])
    np.testing.assert_array_equal(
        layers.slice_static(X, begin_ids=(0, 1, 2), end_ids=(2, 3, 4), strides=(1, 1, 1)),
        X[0:2, 1:3, 2:4],
    )


def test_constant_pad_takes_amounts_or_sizes():
    row = X[0, :1]

    by_amount = layers.constant_pad(row, value=7.0, pad_amounts=(0, 1, 2, 0))
    to_size = layers.constant_pad(row, pad_amounts=(0, 0, 6, 0), pad_to_given_output_size_mode=True)

    np.testing.assert_array_equal(by_amount, [[7, 7, 0, 1, 2, 3], [7, 7, 7, 7, 7, 7]])
    np.testing.assert_array_equal(to_size, [[0, 0, 0, 1, 2, 3]])
    with pytest.raises(ValueError, match="2 amounts for the shape"):
        layers.constant_pad(row, pad_amounts=(0, 1))
    with pytest.raises(UnsupportedOpError, match="both amounts"):
        layers.constant_pad(row, pad_amounts=(0, 0, 6, 6), pad_to_given_output_size_mode=True)


def test_what_does_not_fit_the_shape_is_refused():
    with pytest.raises(ValueError, match="axes are"):
        layers.transpose(X, axes=(0, 1))
    with pytest.raises(ValueError, match="are not all 1"):
        layers.squeeze(X, axes=(1,))


def test_amounts_and_counts_may_be_computed():
    row = np.float32([[1, 2]])

    padded = layers.constant_pad(row, np.float32([0, 1, 2, 0]), value=7.0, pad_amounts=(9,) * 4)
    to_size = layers.constant_pad(row, np.float32([0, 0, 3, 0]), pad_to_given_output_size_mode=True)

    np.testing.assert_array_equal(padded, [[7, 7, 1, 2], [7, 7, 7, 7]])
    np.testing.assert_array_equal(to_size, [[0, 1, 2]])
    np.testing.assert_array_equal(layers.tile(row, np.float32([2, 1]), reps=(9,)), [[1, 2], [1, 2]])
    np.testing.assert_array_equal(layers.tile(row, reps=(2,)), [[1, 2, 1, 2]])  # the last axes
