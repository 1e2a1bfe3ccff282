import numpy as np
import pytest
import tensorflow as tf

from mobilezoo.errors import UnsupportedOpError
from mobilezoo.runtime.layers.detection import crop_resize, non_maximum_suppression

PICTURE = np.arange(1.0, 13.0, dtype=np.float32).reshape(1, 1, 1, 3, 4)  # 3 rows of 4
CORNERS = [[2, 4], [10, 12]]  # rows 0 and 2, columns 1 and 3


def boxes_of(*rows):
    return np.float32(rows).reshape(len(rows), 1, -1, 1, 1)


@pytest.mark.parametrize(
    ("box", "options"),
    [
        ((0, 1, 2, 3), {}),
        ((1, 0, 3, 2), {"box_indices_mode": "CORNERS_WIDTH_FIRST"}),
        ((1, 2, 2, 2), {"box_indices_mode": "CENTER_SIZE_HEIGHT_FIRST"}),
        ((2, 1, 2, 2), {"box_indices_mode": "CENTER_SIZE_WIDTH_FIRST"}),
        ((0, 1 / 3, 1, 1), {"normalized_coordinates": True}),
        ((0, 2, 4, 6), {"spatial_scale": 0.5}),
    ],
)
def test_a_box_is_cut_out_from_corner_to_corner(box, options):
    y = crop_resize(PICTURE, boxes_of(box), target_size=(2, 2), **options)

    assert y.shape == (1, 1, 1, 2, 2)
    np.testing.assert_allclose(y[0, 0, 0], CORNERS, rtol=1e-6)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("STRICT_ALIGN_ENDPOINTS_MODE", [2, 3, 4]),
        ("ALIGN_ENDPOINTS_MODE", [6, 7, 8]),  # a single row lies in the middle
        ("UPSAMPLE_MODE", [2, 3, 4]),
        ("ROI_ALIGN_MODE", [2 + 4 + 1 / 3, 7, 8 - 1 / 3]),  # half a step of 2 down, of 2 / 3 in
    ],
)
def test_places_in_the_box_are_sampled(mode, expected):
    y = crop_resize(PICTURE, boxes_of((0, 1, 2, 3)), target_size=(1, 3), mode=mode)

    np.testing.assert_allclose(y[0, 0, 0, 0], expected, rtol=1e-6)


def test_boxes_are_of_every_picture_or_of_one():
    two = np.concatenate([PICTURE, 10 * PICTURE], 1)

    every = crop_resize(two, boxes_of((0, 0, 2, 3), (1, 1, 1, 1), (2, 3, 2, 3)))
    one = crop_resize(two, boxes_of((1, 0, 0, 2, 3), (0, 1, 1, 1, 1), (1, 2, 3, 9, 9)))

    assert every.shape == (3, 2, 1, 1, 1)
    np.testing.assert_array_equal(every[..., 0, 0, 0], [[1, 10], [6, 60], [12, 120]])
    assert one.shape == (3, 1, 1, 1, 1)
    np.testing.assert_array_equal(np.ravel(one), [10, 6, 120])


def test_shapes_and_modes_that_are_not_known_are_refused():
    with pytest.raises(ValueError, match=r"the pictures have shape \(1, 1, 3, 4\)"):
        crop_resize(PICTURE[0], boxes_of((0, 0, 1, 1)))
    with pytest.raises(ValueError, match=r"the boxes have shape \(1, 1, 3, 1, 1\)"):
        crop_resize(PICTURE, boxes_of((0, 0, 1)))
    with pytest.raises(UnsupportedOpError, match="sampling mode number 7"):
        crop_resize(PICTURE, boxes_of((0, 0, 1, 1)), mode="number 7")


# (x, y, width, height): the second overlaps the first by 3 of 5 units, the third touches neither
BOXES = np.float32([[[2, 2, 4, 2], [3, 2, 4, 2], [20, 5, 2, 6]]])
SCORES = np.float32([[[0.5, 0.1], [0.2, 0.75], [0.25, 0.1]]])


def chosen(*computed, **options):
    return non_maximum_suppression(BOXES, SCORES, *computed, **options)


def test_boxes_that_overlap_a_better_one_go():
    boxes, scores, places, count = chosen(iou_threshold=0.5, max_boxes=4)

    np.testing.assert_array_equal(places, [[1, 2, -1, -1]])
    np.testing.assert_array_equal(boxes, [[BOXES[0, 1], BOXES[0, 2], [0] * 4, [0] * 4]])
    np.testing.assert_array_equal(scores, [[SCORES[0, 1], SCORES[0, 2], [0] * 2, [0] * 2]])
    np.testing.assert_array_equal(count, [2])
    assert all(part.dtype == tf.float32 for part in (boxes, scores, places, count))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"iou_threshold": 0.65}, [1, 0, 2]),
        ({"per_class_suppression": True}, [1, 0, 2]),  # the second is of another class
        ({"score_threshold": 0.3}, [1, -1, -1]),
        ({"score_threshold": 0.25}, [1, 2, -1]),  # a score that is equal to it stays
        ({"score_threshold": 0.9}, [1, -1, -1]),  # of no box the best one stays
    ],
)
def test_thresholds_and_classes_decide(options, expected):
    _, _, places, _ = chosen(**{"iou_threshold": 0.5, "max_boxes": 3, **options})

    np.testing.assert_array_equal(places, [expected])


def test_computed_numbers_take_the_place_of_parameters():
    numbers = (np.float32([0.65]), np.float32([0.3]), np.float32([2]))

    _, _, places, count = chosen(*numbers, iou_threshold=0.1, max_boxes=9)

    np.testing.assert_array_equal(places, [[1, 0]])
    np.testing.assert_array_equal(count, [2])
    with pytest.raises(UnsupportedOpError, match="threshold or number that depends on the inputs"):
        tf.function(lambda iou: chosen(iou, max_boxes=1), autograph=False)(tf.constant(0.5))
