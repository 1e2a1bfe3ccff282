import numpy as np
import pytest

from mobilezoo.runtime.ops.detection import non_maximum_suppression

# (x, y, width, height): b overlaps a by 3 of 5 units, c touches neither, d lies on c
BOXES = np.array(
    [[[2, 2, 4, 2], [3, 2, 4, 2], [20, 5, 2, 6], [20, 5, 2, 6], [9, 9, 1, 1]]], np.float32
)
SCORES = np.array([[[0.8, 0.1], [0.7, 0.2], [0.1, 0.5], [0.6, 0.3], [0.05, 0.04]]], np.float32)


def test_boxes_that_overlap_a_better_one_go():
    boxes, scores, places, count = non_maximum_suppression(
        BOXES, SCORES, iou_threshold=0.5, max_boxes=4, score_threshold=0.06
    )

    np.testing.assert_array_equal(places, [[0, 3, -1, -1]])
    np.testing.assert_array_equal(count, [2])
    np.testing.assert_array_equal(boxes, [[BOXES[0, 0], BOXES[0, 3], [0] * 4, [0] * 4]])
    np.testing.assert_array_equal(scores, [[SCORES[0, 0], SCORES[0, 3], [0] * 2, [0] * 2]])


@pytest.mark.parametrize(("threshold", "expected"), [(0.5, [0, 3, 4]), (0.61, [0, 1, 3])])
def test_a_higher_threshold_keeps_more(threshold, expected):
    _, _, places, _ = non_maximum_suppression(BOXES, SCORES, threshold, 3, -1.0)

    np.testing.assert_array_equal(places, [expected])


def test_classes_may_be_apart():
    # c is of the second class, the others of the first
    _, _, places, count = non_maximum_suppression(
        BOXES, SCORES, 0.5, 3, 0.06, per_class_suppression=True
    )

    np.testing.assert_array_equal(places, [[0, 3, 2]])
    np.testing.assert_array_equal(count, [3])


def test_of_no_box_the_best_stays():
    _, _, places, count = non_maximum_suppression(BOXES, SCORES, 0.5, 2, score_threshold=0.9)
    _, _, equal, _ = non_maximum_suppression(BOXES, SCORES, 0.5, 3, score_threshold=0.6)

    np.testing.assert_array_equal(equal, [[0, 3, -1]])  # 0.8, and 0.6 itself
    np.testing.assert_array_equal(places, [[0, -1]])
    np.testing.assert_array_equal(count, [1])


def test_the_boxes_lie_along_the_last_axis_without_a_score_threshold():
    both = np.concatenate([BOXES, BOXES[:, ::-1]]).transpose(0, 2, 1)
    scores = np.concatenate([SCORES, SCORES[:, ::-1]]).transpose(0, 2, 1)

    boxes, kept, places = non_maximum_suppression(both, scores, 0.5, 4)

    np.testing.assert_array_equal(places, [[0, 3, 4, -1], [4, 1, 0, -1]])
    assert boxes.shape == (2, 4, 4)
    np.testing.assert_array_equal(boxes[1, :, 1], BOXES[0, 3])
    np.testing.assert_array_equal(kept[0], np.c_[SCORES[0, [0, 3, 4]].T, [0, 0]])


def test_the_example_of_coremltools():
    boxes = np.arange(4.0, dtype=np.float32).repeat(4).reshape(1, 4, 4)
    scores = np.array([[[-3.5], [9.4], [2.3], [0.7]]], np.float32)

    _, _, places, count = non_maximum_suppression(boxes, scores, 0.2, 2, 0.4, True)

    np.testing.assert_array_equal(places, [[1, 2]])
    np.testing.assert_array_equal(count, [2])
