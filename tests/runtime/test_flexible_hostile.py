"""Flexible shapes that a file declares are checked before anything trusts them."""

import keras
import numpy as np
import pytest
from keras import layers

from mobilezoo import ImageSizeRange, ImageSizes, export_coreml, randomize_weights
from mobilezoo.errors import CoreMLFileError
from mobilezoo.runtime import executable, load_coreml

from .conftest import ct

Model = ct.proto.Model_pb2.Model


@pytest.fixture(scope="module")
def model():
    x = inputs = keras.Input((20, 24, 3))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3)(x))
    return randomize_weights(keras.Model(inputs, x), preprocessing="unit")


@pytest.fixture
def edited(model, tmp_path):
    """`edited(flexible, change, **options)` -> path of a file whose first input is changed."""

    def edit(flexible, change, **options):
        path = tmp_path / "m.mlpackage"
        export_coreml(model, path, flexible=flexible, overwrite=True, **options)
        spec = path / "Data/com.apple.CoreML/model.mlmodel"
        read = Model.FromString(spec.read_bytes())
        change(read.description.input[0].type)
        spec.write_bytes(read.SerializeToString())
        return path

    return edit


RANGE = ImageSizeRange((10, 40), (12, 50))
SIZES = ImageSizes([(20, 24), (30, 36)])


def ranged(low, high, default=None):
    def change(declared):
        side = declared.imageType.imageSizeRange.heightRange
        side.lowerBound, side.upperBound = low, high
        if default is not None:
            declared.imageType.height = default

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (ranged(0, 0), "from 0 to 0"),
        (ranged(40, 20), "from 40 to 20"),
        (ranged(2**64 - 1, -1), f"from {2**64 - 1} to any"),
        (ranged(10, 2**40), f"to {2**40}; numbers from 1"),
        (ranged(30, 40), "which is none of its flexible shapes"),
        (ranged(10, 40, default=-5), "which is none of its flexible shapes"),
        (lambda declared: declared.imageType.imageSizeRange.Clear(), "from 0 to 0"),
    ],
)
def test_ranges_that_cannot_be_are_refused(edited, change, message):
    path = edited(RANGE, change, preprocessing="unit")

    with pytest.raises(CoreMLFileError, match=f"image 'image'.*{message}"):
        load_coreml(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda sizes: sizes.add(height=0, width=0), "from 0 to 0"),
        (lambda sizes: sizes.add(height=2**63, width=4), "to 9223372036854775808; numbers"),
        (lambda sizes: sizes.__delitem__(slice(None)), "lists 0 flexible shapes"),
        (lambda sizes: [sizes.add(height=9, width=9) for _ in range(10_001)], "lists 10003"),
        (lambda sizes: sizes.__delitem__(0), "none of its flexible shapes"),
    ],
)
def test_lists_that_cannot_be_are_refused(edited, change, message):
    path = edited(
        SIZES,
        lambda declared: change(declared.imageType.enumeratedSizes.sizes),
        preprocessing="unit",
    )

    with pytest.raises(CoreMLFileError, match=message):
        load_coreml(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda shapes: shapes.add().shape.append(5), "have other axes"),
        (lambda shapes: shapes.add().shape.extend([1, 20, -24, 3]), "from -24 to -24"),
        (lambda shapes: shapes.add().shape.extend([1, 20, 24, 5]), "the program takes"),
    ],
)
def test_shapes_of_arrays_that_cannot_be_are_refused(edited, change, message):
    def edit(declared):
        change(declared.multiArrayType.enumeratedShapes.shapes)

    path = edited(SIZES, edit, inputs="array")

    with pytest.raises(CoreMLFileError, match=message):
        load_coreml(path)


def test_a_description_that_offers_what_the_program_does_not_take_is_refused(edited):
    def offer(declared):
        sides = declared.imageType.imageSizeRange
        for side in (sides.heightRange, sides.widthRange):
            side.lowerBound, side.upperBound = 20, 60

    path = edited(None, offer, preprocessing="unit")

    with pytest.raises(CoreMLFileError, match=r"described as flexible.*20 to 60 x 20 to 60"):
        load_coreml(path)


def test_a_description_that_fixes_what_the_program_leaves_open_is_what_counts(edited):
    def fix(declared):
        declared.imageType.ClearField("SizeFlexibility")

    program = load_coreml(edited(RANGE, fix, preprocessing="unit"))

    assert program.inputs[0].shape == (1, 3, 20, 24)
    assert program.predict({"image": np.zeros((2, 20, 24, 3), np.uint8)})


def test_without_a_limit_every_size_from_the_lowest_on_fits(edited):
    program = load_coreml(edited(RANGE, ranged(10, -1), preprocessing="unit"))

    assert program.inputs[0].ranges == ((10, None), (12, 50))
    assert program.inputs[0].sizes_in_words() == "10 to any x 12 to 50"
    assert program.predict({"image": np.zeros((300, 12, 3), np.uint8)})


def test_without_a_default_the_first_size_is_it(edited):
    def forget(declared):
        declared.imageType.height = declared.imageType.width = 0

    assert load_coreml(edited(SIZES, forget, preprocessing="unit")).inputs[0].default == (20, 24)
    assert load_coreml(edited(RANGE, forget, preprocessing="unit")).inputs[0].default == (10, 12)


def test_only_the_latest_sizes_are_kept_and_all_answers_are_right(model, tmp_path, monkeypatch):
    export_coreml(model, tmp_path / "m.mlpackage", inputs="array", flexible=RANGE)
    monkeypatch.setattr(executable, "_MOST_TRACED", 3)
    program, traces = load_coreml(tmp_path / "m.mlpackage"), []
    trace = executable.Executable._trace
    monkeypatch.setattr(
        executable.Executable,
        "_trace",
        lambda self, signature: traces.append(1) or trace(self, signature),
    )
    (name,), (output,) = (
        [item.name for item in side] for side in (program.inputs, program.outputs)
    )

    for height in (10, 11, 12, 10, 13, 10):  # 13 takes the place of 11
        x = np.random.default_rng(height).normal(size=(1, height, 24, 3)).astype(np.float32)
        made = program.predict({name: x})[output]
        # float16 weights
        np.testing.assert_allclose(made, model.call(keras.ops.convert_to_tensor(x)), atol=5e-3)

    assert len(traces) == 4
    assert len(program._executable._traced) == 3


def test_each_listed_size_is_traced_once(model, tmp_path):
    sizes = [(10 + i, 24) for i in range(12)]
    export_coreml(model, tmp_path / "m.mlpackage", inputs="array", flexible=ImageSizes(sizes))
    program = load_coreml(tmp_path / "m.mlpackage")

    for height, width in sizes:
        program.predict({program.inputs[0].name: np.zeros((1, height, width, 3), np.float32)})

    assert len(program._executable._traced) == 12
