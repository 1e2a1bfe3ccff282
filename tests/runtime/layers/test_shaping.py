import numpy as np
import pytest

from mobilezoo.errors import UnsupportedOpError
from mobilezoo.runtime.layers import shaping as layers

X = np.arange(24.0, dtype=np.float32).reshape(1, 2, 3, 4)  # n, c, h, w


def test_concat_joins_channels_or_sequences():
    channels = layers.concat((X, X[:, :1] + 100.0))
    sequence = layers.concat((X[None], X[None] + 100.0, X[None]), sequence_concat=True)

    assert channels.shape == (1, 3, 3, 4)
    np.testing.assert_array_equal(channels[0, 2], X[0, 0] + 100.0)
    assert sequence.shape == (3, 1, 2, 3, 4)
    np.testing.assert_array_equal(sequence[1], X + 100.0)


def test_concat_of_sequences_needs_their_axis():
    with pytest.raises(ValueError, match="rank 5 or more is required"):
        layers.concat((X, X), sequence_concat=True)


def test_split_cuts_channels():
    first, second = layers.split(X, n_outputs=2)

    np.testing.assert_array_equal(first, X[:, :1])
    np.testing.assert_array_equal(second, X[:, 1:])


def test_flatten_goes_channel_first_or_last():
    first = layers.flatten(X)
    last = layers.flatten(X, mode="CHANNEL_LAST")

    assert first.shape == last.shape == (1, 24, 1, 1)
    np.testing.assert_array_equal(np.ravel(first), np.arange(24))
    np.testing.assert_array_equal(np.ravel(last)[:6], [0, 12, 1, 13, 2, 14])


@pytest.mark.parametrize("x", [X, X[None]])
def test_reshape_keeps_the_order_of_channel_first(x):
    y = layers.reshape(x, target_shape=(4, 1, 6))

    assert y.shape == (*x.shape[:-3], 4, 1, 6)
    np.testing.assert_array_equal(np.ravel(y), np.arange(24))


@pytest.mark.parametrize("x", [X, X[None]])
def test_reshape_reads_and_writes_channel_last(x):
    y = layers.reshape(x, target_shape=(4, 1, 6), mode="CHANNEL_LAST")

    assert y.shape == (*x.shape[:-3], 4, 1, 6)
    # h, w, c: 0 12 1 13 | 2 14 3 15 | ...
    np.testing.assert_array_equal(np.ravel(y)[:6], [0, 2, 4, 6, 8, 10])
    np.testing.assert_array_equal(np.reshape(y, (4, 6))[:, 0], [0, 12, 1, 13])


def test_reshape_may_change_the_sequence():
    y = layers.reshape(X[None], target_shape=(3, 4, 2, 1))

    assert y.shape == (3, 1, 4, 2, 1)
    np.testing.assert_array_equal(np.ravel(y), np.arange(24))


def test_reshape_refuses_what_does_not_fit():
    with pytest.raises(ValueError, match="does not fill"):
        layers.reshape(X, target_shape=(4, 1, 5))
    with pytest.raises(ValueError, match="3 or 4 sizes"):
        layers.reshape(X, target_shape=(24,))


def test_permute_names_the_axes_of_sequence_channels_height_width():
    turned = layers.permute(X, axis=(0, 2, 3, 1))
    of_sequence = layers.permute(X[None], axis=(3, 1, 0, 2))

    np.testing.assert_array_equal(turned, X.transpose(0, 2, 3, 1))
    np.testing.assert_array_equal(of_sequence, X[None].transpose(4, 1, 2, 0, 3))
    with pytest.raises(ValueError, match="rank 5 is required"):
        layers.permute(X, axis=(3, 1, 0, 2))


def test_space_to_depth_and_back():
    x = np.arange(8.0, dtype=np.float32).reshape(1, 2, 2, 2)

    deep = layers.reorganize_data(x, block_size=2)

    # by place in the block, then by channel
    np.testing.assert_array_equal(np.ravel(deep), [0, 4, 1, 5, 2, 6, 3, 7])
    np.testing.assert_array_equal(
        layers.reorganize_data(deep, mode="DEPTH_TO_SPACE", block_size=2), x
    )


def test_pixel_shuffle_goes_by_channel_then_by_place():
    x = np.arange(8.0, dtype=np.float32).reshape(1, 8, 1, 1)

    y = layers.reorganize_data(x, mode="PIXEL_SHUFFLE", block_size=2)

    np.testing.assert_array_equal(y[0], [[[0, 1], [2, 3]], [[4, 5], [6, 7]]])


def test_data_is_reorganized_in_no_other_way():
    with pytest.raises(UnsupportedOpError, match="mode number 5"):
        layers.reorganize_data(X, mode="number 5", block_size=2)
    with pytest.raises(ValueError, match="block size is 1"):
        layers.reorganize_data(X, block_size=1)


def test_sequences_repeat():
    x = np.arange(6.0, dtype=np.float32).reshape(2, 1, 3, 1, 1)

    y = layers.sequence_repeat(x, n_repetitions=2)

    np.testing.assert_array_equal(np.ravel(y), [0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5])
    assert layers.sequence_repeat(X) is not None


def test_a_constant_has_rank_5_or_4():
    assert layers.load_constant(X[0]).shape == (1, 1, 2, 3, 4)
    assert layers.load_constant(X[0], rank=4).shape == (1, 2, 3, 4)
    assert layers.copy(X) is X
