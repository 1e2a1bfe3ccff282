import numpy as np
import pytest

from mobilezoo.runtime.ops.blocks import (
    batch_to_space,
    depth_to_space,
    pixel_shuffle,
    pixel_unshuffle,
    sliding_windows,
    space_to_batch,
    space_to_depth,
)

# two channels of 2 x 4 pixels
PICTURE = np.arange(16.0, dtype=np.float32).reshape(1, 2, 2, 4)


def test_space_to_depth_puts_the_pixels_of_a_block_outside():
    y = space_to_depth(PICTURE, 2)

    expected = [[0, 2], [8, 10], [1, 3], [9, 11], [4, 6], [12, 14], [5, 7], [13, 15]]
    np.testing.assert_array_equal(np.reshape(y, (8, 2)), expected)
    np.testing.assert_array_equal(depth_to_space(y, 2), PICTURE)


def test_pixel_unshuffle_puts_the_channels_outside():
    y = pixel_unshuffle(PICTURE, np.uint32(2))

    expected = [[0, 2], [1, 3], [4, 6], [5, 7], [8, 10], [9, 11], [12, 14], [13, 15]]
    np.testing.assert_array_equal(np.reshape(y, (8, 2)), expected)
    np.testing.assert_array_equal(pixel_shuffle(y, 2), PICTURE)


def test_space_to_batch_and_back():
    # the example of coremltools' tests
    x = np.arange(1.0, 17.0, dtype=np.float32).reshape(2, 1, 2, 4)

    y = space_to_batch(x, np.array([2, 2]), np.array([[0, 0], [2, 0]]))

    rows = [[0, 1, 3], [0, 9, 11], [0, 2, 4], [0, 10, 12],
            [0, 5, 7], [0, 13, 15], [0, 6, 8], [0, 14, 16]]  # fmt: skip
    np.testing.assert_array_equal(y, np.reshape(rows, (8, 1, 1, 3)))
    back = batch_to_space(y, np.array([2, 2]), np.array([[0, 0], [2, 0]]))
    np.testing.assert_array_equal(back, x)


def test_sliding_windows_overlap():
    x = np.arange(10.0, dtype=np.float32).reshape(2, 5)

    y = sliding_windows(x, axis=-1, size=3, stride=2)
    z = sliding_windows(x, axis=0, size=2)

    np.testing.assert_array_equal(y, [[[0, 1, 2], [2, 3, 4]], [[5, 6, 7], [7, 8, 9]]])
    np.testing.assert_array_equal(z, [x])


@pytest.mark.parametrize(("size", "stride"), [(6, 1), (0, 1), (2, 0)])
def test_windows_that_do_not_fit_are_refused(size, stride):
    with pytest.raises(ValueError, match="windows of"):
        sliding_windows(np.zeros((2, 5)), axis=1, size=size, stride=stride)
