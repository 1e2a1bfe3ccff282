import numpy as np
import pytest

from mobilezoo.errors import UnsupportedOpError
from mobilezoo.runtime.layers.resizing import resize_bilinear, upsample

ROW = np.array([0.0, 6.0, 12.0], np.float32).reshape(1, 1, 1, 3)


def test_upsample_repeats_pixels():
    x = np.arange(6.0, dtype=np.float32).reshape(1, 1, 2, 3)

    y = upsample(x, scaling_factor=(2, 1))

    np.testing.assert_array_equal(y[0, 0], [[0, 1, 2], [0, 1, 2], [3, 4, 5], [3, 4, 5]])


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("DEFAULT", [0.0, 3.0, 6.0, 9.0, 12.0, 12.0]),
        ("ALIGN_CORNERS_TRUE", [0.0, 2.4, 4.8, 7.2, 9.6, 12.0]),
        ("ALIGN_CORNERS_FALSE", [0.0, 1.5, 4.5, 7.5, 10.5, 12.0]),
    ],
)
def test_upsample_interpolates(mode, expected):
    y = upsample(ROW, scaling_factor=(1, 2), mode="BILINEAR", linear_upsample_mode=mode)

    np.testing.assert_allclose(np.ravel(y), expected, rtol=1e-6, atol=1e-6)


def test_upsample_takes_fractions():
    y = upsample(
        ROW, scaling_factor=(1.0, 4 / 3 + 1e-6), mode="BILINEAR",
        linear_upsample_mode="ALIGN_CORNERS_TRUE",
    )  # fmt: skip

    np.testing.assert_allclose(np.ravel(y), [0.0, 4.0, 8.0, 12.0], rtol=1e-6)


@pytest.mark.parametrize(
    ("mode", "size", "expected"),
    [
        ("STRICT_ALIGN_ENDPOINTS_MODE", 5, [0.0, 3.0, 6.0, 9.0, 12.0]),
        ("STRICT_ALIGN_ENDPOINTS_MODE", 1, [0.0]),
        ("ALIGN_ENDPOINTS_MODE", 2, [0.0, 12.0]),
        ("ALIGN_ENDPOINTS_MODE", 1, [6.0]),
        ("UPSAMPLE_MODE", 4, [0.0, 4.5, 9.0, 12.0]),
        ("ROI_ALIGN_MODE", 4, [1.5, 4.5, 7.5, 10.5]),
    ],
)
def test_resize_bilinear_samples_a_grid(mode, size, expected):
    wide = resize_bilinear(ROW, target_size=(1, size), mode=mode)
    high = resize_bilinear(ROW.reshape(1, 1, 3, 1), target_size=(size, 1), mode=mode)

    np.testing.assert_allclose(np.ravel(wide), expected, rtol=1e-6)
    np.testing.assert_allclose(np.ravel(high), expected, rtol=1e-6)


def test_unknown_modes_are_refused():
    with pytest.raises(UnsupportedOpError, match="sampling mode number 9"):
        resize_bilinear(ROW, mode="number 9")
    with pytest.raises(UnsupportedOpError, match="upsample with mode number 3"):
        upsample(ROW, mode="number 3")
