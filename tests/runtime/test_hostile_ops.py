"""Ops that a file asks for too much, or for nonsense: an error that names them."""

import numpy as np
import pytest
from coremltools.proto import Model_pb2

from mobilezoo.errors import CoreMLFileError
from mobilezoo.runtime import load_coreml

from .conftest import build, ct, mb

SPEC = "Data/com.apple.CoreML/model.mlmodel"


def resized(x):
    return mb.resize(x=x, shape=[4, 5], resized_dims=np.uint32(2), name="y")


def windows(x):
    return mb.sliding_windows(x=x, axis=2, size=3, name="y")


def cropped(x):
    boxes = np.float32([[0, 0, 1, 1]])
    return mb.crop_resize(x=x, boxes=boxes, target_height=4, target_width=5, name="y")


def transformed(x):
    return mb.affine(
        x=x, transform_matrix=np.ones((1, 6), np.float32), output_height=4, output_width=5,
        sampling_mode="bilinear", padding_mode="constant", padding_value=0.0,
        coordinates_mode="normalized_minus_one_to_one", align_corners=True, name="y",
    )  # fmt: skip


def kept(x):
    x = mb.reshape(x=x, shape=[1, 6, 4])
    boxes = mb.slice_by_size(x=x, begin=[0, 0, 0], size=[1, 4, 4])
    scores = mb.slice_by_size(x=x, begin=[0, 4, 0], size=[1, 2, 4])
    return mb.non_maximum_suppression(
        boxes=boxes, scores=scores, iou_threshold=0.5, max_boxes=4, name="y"
    )


def hot(x):
    places = mb.cast(x=x, dtype="int32")
    return mb.one_hot(indices=places, one_hot_vector_size=4, name="y")


def shuffled(x):
    return mb.space_to_depth(x=x, block_size=2, name="y")


# (body, what the file says, what it says after a change)
CASES = {
    "resize": (resized, [4, 5], [1 << 20, 1 << 20]),
    "sliding_windows": (windows, 3, 1 << 30),
    "crop_resize": (cropped, 4, 1 << 30),
    "affine": (transformed, 4, 1 << 30),
    "non_maximum_suppression": (kept, 4, 1 << 30),
    "one_hot": (hot, 4, 1 << 30),
    "space_to_depth": (shuffled, 2, 0),
}


def changed(path, old, new):
    """Replace the whole numbers of a literal in the main function."""
    model = Model_pb2.Model.FromString((path / SPEC).read_bytes())
    function = model.mlProgram.functions["main"]
    found = 0
    for raw in function.block_specializations[function.opset].operations:
        literal = raw.attributes["val"].immediateValue.tensor if raw.type == "const" else None
        if literal is not None and list(literal.ints.values) == np.ravel(old).tolist():
            literal.ints.values[:] = np.ravel(new).tolist()
            found += 1
    assert found
    (path / SPEC).write_bytes(model.SerializeToString())


@pytest.mark.parametrize("name", CASES)
def test_a_size_without_end_is_refused_by_the_op_that_has_it(save_package, name):
    body, old, new = CASES[name]
    target = ct.target.iOS17
    path = save_package(build((1, 1, 6, 4), body, target), minimum_deployment_target=target)
    changed(path, old, new)
    program = load_coreml(path)

    with pytest.raises(CoreMLFileError, match=f"'{name}' -> .*"):
        program.predict({"x": np.zeros((1, 1, 6, 4))})
    with pytest.raises(CoreMLFileError, match=f"'{name}' -> .*"):
        list(program.layers({"x": np.zeros((1, 1, 6, 4))}))
