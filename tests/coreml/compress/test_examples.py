"""Examples in every form in which users have them."""

import numpy as np
import pytest

from mobilezoo.coreml.compress.examples import read_data
from mobilezoo.errors import InvalidArgumentError
from mobilezoo.runtime.features import Feature

IMAGE = Feature("image", "image", (1, 3, 4, 5), height=4, width=5, color="RGB")
GRAY = Feature("image", "image", (1, 1, 4, 5), height=4, width=5, color="GRAYSCALE")
X, Z = (Feature(name, "array", (1, 3), "float32") for name in "xz")
PICTURES = np.random.default_rng(0).integers(0, 256, (7, 4, 5, 3), np.uint8)


def test_arrays_lists_and_batches_are_the_same():
    batches = (PICTURES[i : i + 3] for i in range(0, 7, 3))
    pairs = ((PICTURES[i : i + 2], np.zeros(2)) for i in range(0, 7, 2))

    for data in (PICTURES, list(PICTURES), {"image": PICTURES}, batches, pairs):
        np.testing.assert_array_equal(read_data(data, [IMAGE])["image"], PICTURES)


def test_a_dataset_is_read_as_far_as_needed():
    tf = pytest.importorskip("tensorflow")
    data = tf.data.Dataset.from_tensor_slices((PICTURES, np.arange(7))).repeat().batch(4)

    found = read_data(data, [IMAGE], most=10)["image"]

    np.testing.assert_array_equal(found, np.concatenate([PICTURES, PICTURES])[:10])


def test_pil_pictures_get_the_files_colors():
    image = pytest.importorskip("PIL.Image")
    pictures = [image.fromarray(each) for each in PICTURES]

    np.testing.assert_array_equal(read_data(pictures, [IMAGE])["image"], PICTURES)
    gray = read_data([each.convert("RGBA") for each in pictures], [GRAY])["image"]
    assert gray.shape == (7, 4, 5)


def test_several_inputs_have_names():
    data = {"x": np.ones((4, 3)), "z": np.zeros((4, 3))}

    found = read_data(data, [X, Z], most=3)

    assert {name: values.shape for name, values in found.items()} == {"x": (3, 3), "z": (3, 3)}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (np.ones((4, 3)), "has the inputs x, z: pass data as a dictionary"),
        ({"x": np.ones((4, 3))}, "data has the inputs x; the file takes x, z"),
        ({"x": np.ones((4, 3)), "z": np.ones((5, 3))}, "data has 4 and 5 examples"),
        ({"x": np.ones((0, 3)), "z": np.ones((0, 3))}, "data holds no example"),
        ({"x": [[1], [1, 2]], "z": np.ones((2, 3))}, "data for 'x' is of several sizes"),
        ({"x": np.array(["a"]), "z": np.ones((1, 3))}, "data for 'x' is <U1"),
        (iter([]), "data holds no example"),
        ("pictures", "data is of type str"),
        (None, "data is of type NoneType; an array"),
    ],
)
def test_what_is_no_data_is_explained(data, message):
    with pytest.raises(InvalidArgumentError, match=message):
        read_data(data, [X, Z])
