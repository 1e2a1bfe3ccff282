"""NonMaximumSuppression."""

import numpy as np
import pytest

from mobilezoo.errors import CoreMLFileError, InvalidArgumentError
from mobilezoo.runtime.simple.suppression import intersection_over_union, suppress

from .conftest import model

# x, y of the center, width, height: 0 and 1 share 8 of 12, 0 and 2 share 4 of 16, 3 is apart
BOXES = np.array(
    [[2.0, 2.5, 2.0, 5.0], [2.0, 1.5, 2.0, 5.0], [3.0, 3.5, 2.0, 5.0], [50.0, 50.0, 1.0, 1.0]]
)
SCORES = np.array([[0.6, 0.1], [0.7, 0.2], [0.1, 0.5], [0.3, 0.2]])


def test_intersection_over_union_by_counting():
    box = np.array([4.5, 2.5, 9.0, 5.0])
    others = np.array(
        [[8.5, 4.0, 8.0, 5.0], [4.5, 2.5, 9.0, 5.0], [20.0, 2.5, 9.0, 5.0], [-1.0, 1.0, 4.0, 6.0]]
    )

    shares = intersection_over_union(box, others)

    # x 4.5 to 9, y 1.5 to 5: 15.75 shared of 45 + 40 - 15.75; x 0 to 1, y 0 to 4: 4 of 65
    np.testing.assert_allclose(shares, [15.75 / 69.25, 1.0, 0.0, 4 / 65])


def test_empty_boxes_share_nothing():
    np.testing.assert_array_equal(intersection_over_union(np.zeros(4), np.zeros((1, 4))), [0.0])


@pytest.mark.parametrize(
    ("iou", "least", "per_class", "kept"),
    [
        (0.5, 0.0, False, [1, 2, 3]),  # 0 overlaps 1 by 2/3
        (0.7, 0.0, False, [1, 0, 2, 3]),  # by falling confidence
        (0.17, 0.0, False, [1, 3]),  # 2 overlaps 1 by 3/17
        (0.1, 0.0, True, [1, 2, 3]),  # 2 has another label
        (0.1, 0.0, False, [1, 3]),
        (1.0, 0.55, False, [1, 0]),
        (1.0, 0.6, False, [1, 0]),  # not below the threshold
        (0.5, 0.71, False, []),
    ],
)
def test_the_best_of_boxes_that_overlap_stays(iou, least, per_class, kept):
    found = suppress(SCORES, BOXES, iou, least, per_class=per_class)

    assert found.tolist() == kept


def test_boxes_that_are_equally_sure_keep_their_order():
    apart = np.array([[10.0 * i, 0.0, 1.0, 1.0] for i in range(60)])
    confidence = np.tile([[0.5, 0.1], [0.6, 0.1]], (30, 1))

    kept = suppress(confidence, apart, 0.5, 0.1, per_class=False)

    assert kept.tolist() == [*range(1, 60, 2), *range(0, 60, 2)]


def test_the_same_box_twice_stays_twice_only_without_suppression():
    boxes = np.array([[5.0, 5.0, 2.0, 3.0]] * 2)

    assert suppress(np.array([[0.4], [0.5]]), boxes, 1.0, 0.0, per_class=True).tolist() == [1, 0]
    assert suppress(np.array([[0.4], [0.5]]), boxes, 0.99, 0.0, per_class=True).tolist() == [1]


def detector(confidence=(4, 2), coordinates=(4, 4), out=((), ()), described=True, **fields):
    """As detectors have it behind a network: thresholds 0.5 and 0.25 unless given."""
    thresholds = {"iouThreshold": "double", "confidenceThreshold": "double"} if described else {}
    made = model(
        "nonMaximumSuppression",
        {"raw_confidence": confidence, "raw_coordinates": coordinates} | thresholds,
        {"confidence": out[0], "coordinates": out[1]},
        **{
            "iouThreshold": 0.5,
            "confidenceThreshold": 0.25,
            "confidenceInputFeatureName": "raw_confidence",
            "coordinatesInputFeatureName": "raw_coordinates",
            "iouThresholdInputFeatureName": "iouThreshold",
            "confidenceThresholdInputFeatureName": "confidenceThreshold",
            "confidenceOutputFeatureName": "confidence",
            "coordinatesOutputFeatureName": "coordinates",
        }
        | fields,
    )
    made.nonMaximumSuppression.pickTop.perClass = False
    made.nonMaximumSuppression.stringClassLabels.vector.extend(["cat", "dog"])
    return made


GIVEN = {"raw_confidence": SCORES, "raw_coordinates": BOXES}


@pytest.mark.parametrize("described", [True, False])
def test_a_detector_has_thresholds_of_its_own_and_takes_others(open_simple, described):
    program = open_simple(detector(described=described))

    own = program.predict(GIVEN)
    stricter = program.predict(GIVEN | {"confidenceThreshold": 0.65})
    looser = program.predict(GIVEN | {"iouThreshold": 0.9, "confidenceThreshold": 0})

    np.testing.assert_array_equal(own["confidence"], SCORES[[1, 2, 3]])
    np.testing.assert_array_equal(own["coordinates"], BOXES[[1, 2, 3]])
    np.testing.assert_array_equal(stricter["coordinates"], BOXES[[1]])
    np.testing.assert_array_equal(looser["coordinates"], BOXES[[1, 0, 2, 3]])
    assert program.labels == ("cat", "dog")
    assert not program.is_classifier
    assert [feature.optional for feature in program.inputs] == [False, False, True, True]


def test_several_pictures_have_different_numbers_of_boxes(open_simple):
    program = open_simple(detector())
    given = {
        "raw_confidence": np.stack([SCORES, SCORES * 0.7]),
        "raw_coordinates": np.stack([BOXES, BOXES]),
    }

    at_once = program.predict(given)["coordinates"]
    two_thresholds = program.predict(given | {"confidenceThreshold": [0.65, 0.0]})["coordinates"]

    assert [each.tolist() for each in at_once] == [
        BOXES[[1, 2, 3]].tolist(),
        BOXES[[1, 2]].tolist(),
    ]
    assert [len(each) for each in two_thresholds] == [1, 3]


def test_no_box_is_an_empty_array(open_simple):
    answer = open_simple(detector()).predict(GIVEN | {"confidenceThreshold": 1})

    assert answer["confidence"].shape == (0, 2)
    assert answer["coordinates"].shape == (0, 4)


def test_a_fixed_number_of_boxes_is_filled_with_zeros_or_cut(open_simple):
    five = open_simple(detector(out=((5, 2), ()))).predict(GIVEN)
    two = open_simple(detector(out=((), (2, 4)))).predict(GIVEN)

    np.testing.assert_array_equal(five["confidence"], [*SCORES[[1, 2, 3]], [0, 0], [0, 0]])
    np.testing.assert_array_equal(five["coordinates"][2:], [BOXES[3], [0] * 4, [0] * 4])
    np.testing.assert_array_equal(two["confidence"], SCORES[[1, 2]])


@pytest.mark.parametrize(("low", "high", "rows"), [(0, -1, 3), (0, 2, 2), (4, 9, 4), (0, 3, 3)])
def test_the_number_of_boxes_may_have_bounds(open_simple, low, high, rows):
    made = detector()
    ranges = made.description.output[0].type.multiArrayType.shapeRange.sizeRanges
    ranges.add(lowerBound=low, upperBound=high)
    ranges.add(lowerBound=2, upperBound=2)

    answer = open_simple(made).predict(GIVEN)

    assert (answer["confidence"].shape, answer["coordinates"].shape) == ((rows, 2), (rows, 4))


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"iouThreshold": 1.5}, r"iouThreshold=1\.5: a number from 0 to 1"),
        ({"confidenceThreshold": -1}, "confidenceThreshold=-1: no number below 0"),
        ({"confidenceThreshold": "high"}, "'confidenceThreshold' is 'high'; a number is required"),
    ],
)
def test_thresholds_that_make_no_sense_are_explained(open_simple, inputs, message):
    program = open_simple(detector())

    with pytest.raises(InvalidArgumentError, match=message):
        program.predict(GIVEN | inputs)


def test_boxes_without_a_confidence_are_a_damaged_file(open_simple):
    program = open_simple(detector(coordinates=(3, 4)))

    with pytest.raises(
        CoreMLFileError, match=r"'raw_confidence' has shape \(4, 2\) and .* \(3, 4\)"
    ):
        program.predict(GIVEN | {"raw_coordinates": BOXES[:3]})


def test_too_many_boxes_are_refused_in_time(open_simple):
    program = open_simple(detector(confidence=(60_000, 1), coordinates=(60_000, 4)))
    given = {"raw_confidence": np.ones((60_000, 1)), "raw_coordinates": np.ones((60_000, 4))}

    with pytest.raises(
        InvalidArgumentError, match=r"60000 boxes reach the confidence threshold 0\.25"
    ):
        program.predict(given)


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (detector(confidenceInputFeatureName=""), "confidenceInputFeatureName is not set"),
        (detector(coordinatesOutputFeatureName=""), "coordinatesOutputFeatureName is not set"),
        (detector(confidenceInputFeatureName="other"), "no array among the inputs is 'other'"),
        (detector(iouThresholdInputFeatureName="raw_confidence"), "'raw_confidence' is no double"),
        (detector(coordinatesOutputFeatureName="other"), "nothing makes the output 'coordinates'"),
        (detector(out=((1 << 30, 2), ())), None),
    ],
)
def test_damaged_detectors_are_refused(open_simple, made, message):
    if message is None:
        program = open_simple(made)
        with pytest.raises(CoreMLFileError, match="an output of at least 1073741824 rows"):
            program.predict(GIVEN)
        return
    with pytest.raises(CoreMLFileError, match=message):
        open_simple(made)


def test_a_detector_without_a_method_is_damaged(open_simple):
    made = detector()
    made.nonMaximumSuppression.ClearField("pickTop")

    with pytest.raises(CoreMLFileError, match="pickTop is not set"):
        open_simple(made)
