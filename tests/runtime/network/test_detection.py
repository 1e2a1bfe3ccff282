"""Boxes in files that coremltools' builder writes."""

import numpy as np

from .conftest import builder

X = np.arange(1.0, 13.0, dtype=np.float32).reshape(1, 3, 4)  # c, h, w


def test_a_region_of_a_picture_is_cut_out(open_network):
    made = builder({"x": (1, 3, 4), "box": (4,)}, {"y": (1, 2, 2)})
    made.add_crop_resize(
        "y", ["x", "box"], "y", 2, 2, "ALIGN_ENDPOINTS_MODE", True, "CORNERS_WIDTH_FIRST", 0.5
    )
    program = open_network(made)

    y = program.predict({"x": X, "box": np.float32([2 / 3, 0, 2, 2])})["y"]

    np.testing.assert_allclose(y, [[[2, 4], [10, 12]]], rtol=1e-6)


def test_boxes_are_suppressed_and_counted(open_network):
    shapes = {"boxes": (1, 3, 4), "scores": (1, 3, 2)}
    outputs = dict.fromkeys(("kept", "best", "places", "count"))
    made = builder(shapes, outputs, disable_rank5_shape_mapping=True)
    made.add_load_constant_nd("most", "most", np.float32([2]), (1,))
    made.add_load_constant_nd("iou", "iou", np.float32([0.5]), (1,))
    made.add_load_constant_nd("least", "least", np.float32([0.05]), (1,))
    made.add_nms(
        "nms", ["boxes", "scores", "iou", "least", "most"], list(outputs), 0.9, 0.9, 9, True
    )
    program = open_network(made)
    boxes = np.float32([[[2, 2, 4, 2], [3, 2, 4, 2], [20, 5, 2, 6]]])
    scores = np.float32([[[0.5, 0.1], [0.7, 0.2], [0.1, 0.3]]])

    result = program.predict({"boxes": boxes, "scores": scores})
    several = program.predict({"boxes": np.stack([boxes] * 3), "scores": np.stack([scores] * 3)})

    np.testing.assert_array_equal(result["places"], [[1, 2]])
    np.testing.assert_array_equal(result["kept"], boxes[:, 1:])
    np.testing.assert_array_equal(result["best"], scores[:, 1:])
    np.testing.assert_array_equal(result["count"], [2])
    np.testing.assert_array_equal(several["places"], [[[1, 2]]] * 3)
