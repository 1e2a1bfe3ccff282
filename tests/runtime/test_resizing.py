import numpy as np
import pytest

from mobilezoo.errors import UnsupportedOpError
from mobilezoo.runtime.ops.resizing import (
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


def test_resize_nearest_neighbor_to_no_multiple_is_refused():
    with pytest.raises(UnsupportedOpError, match="whole multiples"):
        resize_nearest_neighbor(PAIR, 1, 3)


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


def test_resize_bilinear_in_an_unknown_mode_is_refused():
    with pytest.raises(UnsupportedOpError, match="OFFSET_CORNERS"):
        resize_bilinear(PAIR, 1, 5, "OFFSET_CORNERS")
