import numpy as np
import pytest
import tensorflow as tf

from mobilezoo.errors import UnsupportedOpError
from mobilezoo.runtime.ops.resizing import (
    resize,
    resize_bilinear,
    resize_nearest_neighbor,
    upsample_bilinear,
    upsample_nearest_neighbor,
)

# the documentation of MIL works this example: two pixels, 0 and 1
PAIR = np.array([0.0, 1.0], np.float32).reshape(1, 1, 1, 2)


def test_upsample_nearest_neighbor_repeats_each_pixel():
    x = np.arange(6.0, dtype=np.float32).reshape(1, 1, 2, 3)

    y = upsample_nearest_neighbor(x, 2, 3)

    row, last = [0, 0, 0, 1, 1, 1, 2, 2, 2], [3, 3, 3, 4, 4, 4, 5, 5, 5]
    np.testing.assert_array_equal(y, [[[row, row, last, last]]])


def test_nearest_pixels_where_sizes_are_no_multiples():
    x = np.arange(5.0, dtype=np.float32).reshape(1, 1, 1, 5)

    scaled = upsample_nearest_neighbor(x, 2, 0.6)  # floor(i 5 / 3)
    resized = resize_nearest_neighbor(x, 1, 3)  # floor((i + 1/2) 5 / 3)

    np.testing.assert_array_equal(scaled, [[[[0, 1, 3], [0, 1, 3]]]])
    np.testing.assert_array_equal(resized, [[[[0, 2, 4]]]])


def test_upsample_nearest_neighbor_by_a_scale_that_gives_no_whole_side():
    x = np.arange(1.0, 9.0, dtype=np.float32).reshape(1, 1, 8, 1)

    y = upsample_nearest_neighbor(x, 1.7, 1)

    # floor(i / 1.7), as PyTorch has it; floor(i 8 / 13) would be 1 1 2 2 3 4 4 5 5 6 7 7 8
    assert np.ravel(y).tolist() == [1, 1, 2, 2, 3, 3, 4, 5, 5, 6, 6, 7, 8]


def test_upsample_nearest_neighbor_to_a_size_that_coremltools_writes_as_a_scale():
    x = np.arange(1.0, 6.0, dtype=np.float32).reshape(1, 1, 5, 1)

    y = upsample_nearest_neighbor(x, np.float32((7 + 1e-4) / 5), 1)

    assert np.ravel(y).tolist() == [1, 1, 2, 3, 3, 4, 5]  # floor(i 5 / 7)


def test_sides_are_floored_in_float32_as_files_declare_them():
    x = np.zeros((1, 1, 20, 10), np.float32)
    scale = float(np.float32(1.3))  # times 20 it is 25.9999990

    assert upsample_nearest_neighbor(x, scale, 1).shape == (1, 1, 26, 10)
    assert upsample_bilinear(x, scale, 1).shape == (1, 1, 26, 10)


@pytest.mark.parametrize(
    ("align_corners", "expected"),
    [(False, [0.0, 0.0, 1 / 3, 2 / 3, 1.0, 1.0]), (True, [0.0, 0.2, 0.4, 0.6, 0.8, 1.0])],
)
def test_upsample_bilinear(align_corners, expected):
    y = upsample_bilinear(PAIR, 1, 3, align_corners=align_corners)

    np.testing.assert_allclose(np.ravel(y), expected, atol=1e-6)


def test_upsample_bilinear_without_half_pixels_starts_at_the_corner():
    y = upsample_bilinear(PAIR, 1, 2, align_corners=False, half_pixel_centers=False)

    np.testing.assert_allclose(np.ravel(y), [0.0, 0.5, 1.0, 1.0])


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("DEFAULT", [0.0, 0.4, 0.8, 1.0, 1.0]),
        ("STRICT_ALIGN_CORNERS", [0.0, 0.25, 0.5, 0.75, 1.0]),
        ("UNALIGN_CORNERS", [0.0, 0.1, 0.5, 0.9, 1.0]),
    ],
)
def test_resize_bilinear(mode, expected):
    y = resize_bilinear(PAIR, 1, 5, mode)

    np.testing.assert_allclose(np.ravel(y), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("mode", "wanted", "expected"),
    [
        ("OFFSET_CORNERS", 5, [0.1, 0.3, 0.5, 0.7, 0.9]),
        ("ALIGN_CORNERS", 5, [0.0, 0.25, 0.5, 0.75, 1.0]),
        ("ALIGN_CORNERS", 1, [0.5]),
        ("STRICT_ALIGN_CORNERS", 1, [0.0]),
    ],
)
def test_resize_bilinear_in_the_other_modes(mode, wanted, expected):
    y = resize_bilinear(PAIR, 1, wanted, mode)

    np.testing.assert_allclose(np.ravel(y), expected, atol=1e-6)


def test_resizing_takes_any_rank_from_3():
    x = np.arange(12.0, dtype=np.float32).reshape(1, 2, 1, 2, 3)

    assert upsample_bilinear(x, 2, 2).shape == (1, 2, 1, 4, 6)
    np.testing.assert_array_equal(resize_nearest_neighbor(x[0, 0], 2, 1), [[[1], [4]]])


def test_resize_bilinear_in_an_unknown_mode_is_refused():
    with pytest.raises(UnsupportedOpError, match="'ROUND'; known are DEFAULT"):
        resize_bilinear(PAIR, 1, 5, "ROUND")


@pytest.mark.parametrize(
    ("mode", "sampling", "expected"),
    [
        ("LINEAR", "DEFAULT", [0.0, 0.4, 0.8, 1.0, 1.0]),
        ("LINEAR", "UNALIGN_CORNERS", [0.0, 0.1, 0.5, 0.9, 1.0]),
        ("NEAREST_NEIGHBOR", "DEFAULT", [0.0, 0.0, 0.0, 1.0, 1.0]),
        ("NEAREST_NEIGHBOR", "UNALIGN_CORNERS", [0.0, 0.0, 1.0, 1.0, 1.0]),
    ],
)
def test_resize_takes_the_last_sizes(mode, sampling, expected):
    x = PAIR.reshape(1, 2, 1) * np.float32([1.0, 10.0, 100.0])

    y = resize(x, np.array([9, 5, 0]), 2, mode, sampling)

    assert y.shape == (1, 5, 3)
    np.testing.assert_allclose(y[0], np.outer(expected, [1, 10, 100]), rtol=1e-5)


def test_resize_takes_a_computed_shape():
    y = resize(PAIR, tf.constant([2, 3]), np.uint32(2), "NEAREST_NEIGHBOR")

    np.testing.assert_array_equal(y, [[[[0, 0, 1], [0, 0, 1]]]])
