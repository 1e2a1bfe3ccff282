import numpy as np
import pytest

from mobilezoo.errors import UnsupportedOpError
from mobilezoo.runtime.ops.resizing import resize_bilinear
from mobilezoo.runtime.ops.sampling import affine, crop_resize, resample

# the examples of coremltools' tests
SQUARE = np.array([11.0, 22.0, 33.0, 44.0], np.float32).reshape(1, 1, 2, 2)
PICTURE = np.arange(1.0, 17.0, dtype=np.float32).reshape(1, 1, 4, 4)


@pytest.mark.parametrize(
    ("sampling", "padding", "coordinates", "align", "expected"),
    [
        ("bilinear", "constant", "normalized_minus_one_to_one", True, [8.585, 6.17, 27.5, 6.17]),
        ("nearest", "border", "unnormalized", False, [11.0, 11.0, 11.0, 44.0]),
        ("bilinear", "reflection", "normalized_zero_to_one", True, [22.0, 36.3, 11.0, 34.1]),
        ("nearest", "symmetric", "normalized_zero_to_one", False, [22.0, 33.0, 11.0, 33.0]),
    ],
)
def test_resample_reads_between_pixels(sampling, padding, coordinates, align, expected):
    where = np.array([-1.0, -2.0, -3.7, -1.0, 0.0, 0.0, 3.5, 1.2], np.float32)

    y = resample(SQUARE, where.reshape(1, 2, 2, 2), sampling, padding, 6.17, coordinates, align)

    np.testing.assert_allclose(np.ravel(y), expected, rtol=1e-5)


def test_resample_takes_columns_before_rows():
    x = np.arange(6.0, dtype=np.float32).reshape(1, 1, 2, 3)
    where = np.array([[2, 0], [0, 1], [1, 1]], np.int32).reshape(1, 1, 3, 2)

    y = resample(x, where, "bilinear", "constant", 0.0, "unnormalized", True)

    np.testing.assert_array_equal(y, [[[[2, 3, 4]]]])


@pytest.mark.parametrize(
    ("height", "width", "expected"),
    [
        (3, 3, [10.752501, 2.5025, 0.0, 1.9799997, 0.0, 0.0, 0.0, 0.0, 0.0]),
        (2, 5, [10.752501, 5.94, 2.5025, 0.44000006, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]),
    ],
)
def test_affine_reads_at_transformed_places(height, width, expected):
    matrix = np.array([[-1.0, -2.0, -3.7, -1.0, 3.5, 1.2]], np.float32)

    y = affine(
        SQUARE, matrix, height, width, "bilinear", "constant", 0.0,
        "normalized_minus_one_to_one", True,
    )  # fmt: skip

    assert y.shape == (1, 1, height, width)
    np.testing.assert_allclose(np.ravel(y), expected, atol=1e-4)


@pytest.mark.parametrize(
    ("box", "target", "expected"),
    [
        ([1, 1, 2, 2], (2, 2), [6, 7, 10, 11]),
        ([1, 1, 2, 2], (2, 4), [6, 6.333333, 6.666667, 7, 10, 10.333333, 10.666667, 11]),
        ([1, 1, 2, 2], (1, 1), [8.5]),
        ([2, 2, 1, 1], (2, 2), [11, 10, 7, 6]),
    ],
)
def test_crop_resize_interpolates_in_the_box(box, target, expected):
    roi = np.array(box, np.float32).reshape(1, 1, 4, 1, 1)

    y = crop_resize(
        PICTURE, roi=roi, target_height=target[0], target_width=target[1],
        sampling_mode="ALIGN_CORNERS",
    )  # fmt: skip

    assert y.shape == (1, 1, 1, *target)
    np.testing.assert_allclose(np.ravel(y), expected, rtol=1e-6)


@pytest.mark.parametrize("mode", ["DEFAULT", "UNALIGN_CORNERS"])
def test_crop_resize_of_a_whole_picture_is_resize_bilinear(mode):
    x = np.arange(1.0, 21.0, dtype=np.float32).reshape(1, 1, 4, 5)
    whole = np.float32([[0, 0, 3, 4]])

    y = crop_resize(x, whole, target_height=6, target_width=7, sampling_mode=mode, pad_value=-99.0)

    expected = resize_bilinear(x, 6, 7, sampling_mode=mode)
    np.testing.assert_allclose(y, expected, rtol=1e-5)
    assert np.max(y) == 20.0


def test_crop_resize_reads_nothing_outside_the_box():
    x = np.zeros((1, 1, 4, 5), np.float32)
    x[0, 0, 1:3, 1:4] = [[1, 2, 3], [4, 5, 6]]

    y = crop_resize(
        x, np.float32([[1, 1, 2, 3]]), target_height=3, target_width=2,
        sampling_mode="UNALIGN_CORNERS",
    )  # fmt: skip

    # rows at -1/6, 1/2, 7/6 of 0..1, columns at 1/4, 7/4 of 0..2
    np.testing.assert_allclose(np.squeeze(y), [[1.25, 2.75], [2.75, 4.25], [4.25, 5.75]], rtol=1e-5)


def test_crop_resize_pads_beyond_the_picture():
    boxes = np.array([[0.1, 0.3, 1.3, 1.0], [0.5, 1.8, 1.0, 0.3], [0.0, 0.4, 0.6, 0.7]], np.float32)

    y = crop_resize(
        PICTURE, boxes, np.zeros(3, np.int32), target_height=2, target_width=2,
        normalized_coordinates=True, sampling_mode="ALIGN_CORNERS", pad_value=-5.0,
    )  # fmt: skip

    expected = [3.1, 5.2, -5, -5, -5, 7.899, -5, 13.9, 2.2, 3.1, 9.4, 10.3]
    np.testing.assert_allclose(np.ravel(y), expected, rtol=1e-3)


@pytest.mark.parametrize(
    ("mode", "box"),
    [
        ("CORNERS_HEIGHT_FIRST", [0, 1, 1, 4]), ("CORNERS_WIDTH_FIRST", [1, 0, 4, 1]),
        ("CENTER_SIZE_HEIGHT_FIRST", [0.5, 2.5, 1, 3]),
        ("CENTER_SIZE_WIDTH_FIRST", [2.5, 0.5, 3, 1]),
    ],
)  # fmt: skip
def test_crop_resize_knows_four_ways_to_write_a_box(mode, box):
    x = np.arange(20.0, dtype=np.float32).reshape(2, 1, 2, 5)

    y = crop_resize(
        x, np.array([box], np.float32), np.array([1], np.uint16), target_height=2,
        target_width=4, box_coordinate_mode=mode, sampling_mode="STRICT_ALIGN_CORNERS",
    )  # fmt: skip

    np.testing.assert_allclose(y, [[[[11, 12, 13, 14], [16, 17, 18, 19]]]], rtol=1e-6)


def test_crop_resize_takes_numbered_pictures_or_all():
    x = np.arange(12.0, dtype=np.float32).reshape(2, 1, 2, 3)
    one = np.array([1, 0, 0, 1, 2], np.float32).reshape(1, 1, 5, 1, 1)

    numbered = crop_resize(x, roi=one, target_height=2, target_width=3, sampling_mode="DEFAULT")
    every = crop_resize(x, roi=one[:, :, 1:], target_height=2, target_width=3)

    assert numbered.shape == (1, 1, 1, 2, 3)
    np.testing.assert_array_equal(numbered[0], x[1:])
    assert every.shape == (1, 2, 1, 2, 3)
    np.testing.assert_array_equal(every[0], x)


def test_unknown_modes_are_refused():
    boxes = np.zeros((1, 4), np.float32)

    with pytest.raises(UnsupportedOpError, match="'CORNERS'; known are CORNERS_HEIGHT_FIRST"):
        crop_resize(PICTURE, boxes, box_coordinate_mode="CORNERS")
    with pytest.raises(UnsupportedOpError, match="'circular'"):
        resample(PICTURE, boxes, "nearest", "circular", 0.0, "unnormalized", True)
