"""Flexible shapes that a file declares are checked before anything trusts them."""

import keras
import numpy as np
import pytest
from keras import layers

from mobilezoo import (
    BatchRange,
    BatchSizes,
    ImageSizeRange,
    ImageSizes,
    export_coreml,
    randomize_weights,
    verify,
)
from mobilezoo.errors import CoreMLFileError, InvalidArgumentError
from mobilezoo.runtime import load_coreml

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
        (lambda shapes: shapes.add(), "a shape of 0 axes; 1 to 16 are supported"),
        (lambda shapes: shapes.add().shape.extend([1] * 100_000), "a shape of 100000 axes"),
        (lambda shapes: shapes.__delitem__(slice(None)), "lists 0 flexible shapes"),
        (lambda shapes: [shapes.add() for _ in range(10_001)], "lists 10003"),
    ],
)
def test_shapes_of_arrays_that_cannot_be_are_refused(edited, change, message):
    def edit(declared):
        change(declared.multiArrayType.enumeratedShapes.shapes)

    path = edited(SIZES, edit, inputs="array")

    with pytest.raises(CoreMLFileError, match=message):
        load_coreml(path)


def of_array(*, shape=None, choices=(), ranges=None):
    def change(declared):
        array = declared.multiArrayType
        array.ClearField("ShapeFlexibility")
        del array.shape[:]
        array.shape.extend(shape or ())
        for choice in choices:
            array.enumeratedShapes.shapes.add().shape.extend(choice)
        if ranges is not None:
            array.shapeRange.SetInParent()
        for low, high in ranges or ():
            array.shapeRange.sizeRanges.add(lowerBound=low, upperBound=high)

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (of_array(shape=(1, 20, 24, 3), ranges=[]), "a shape of 0 axes; 1 to 16"),
        (of_array(ranges=[(1, 3)] * 17), "a shape of 17 axes; 1 to 16"),
        (of_array(shape=[1] * 17), "a shape of 17 axes; 1 to 16"),
        (of_array(choices=[(1, 20, 24, 3), (20, 24, 3)]), "have other axes"),
        (of_array(shape=(1, 20, 24, 3), ranges=[(1, 1)] * 3), "have other axes"),
        (of_array(ranges=[(1, 1), (0, -1), (24, 24), (3, 3)]), "from 0 to any"),
        (of_array(shape=(1, 20, 2**40, 3)), f"numbers up to {2**31 - 1} are required"),
        (of_array(shape=(1, 20, -24, 3)), "numbers up to"),
        (of_array(shape=(20, 24, 3)), r"as \(20, 24, 3\), the program takes \(1, 20, 24, 3\)"),
        (of_array(ranges=[(20, 24)] * 3), r"as \(None, None, None\), the program takes"),
        (of_array(choices=[(20, 24, 3)]), r"as \(20, 24, 3\), the program takes"),
        (of_array(choices=[(1, 20, 24, 3), (2, 20, 24, 3)]), "flexible.*the program takes"),
        (of_array(ranges=[(1, 4), (20, 20), (24, 24), (3, 3)]), "1 to 4 x 20 x 24 x 3, the"),
        (of_array(choices=[(1, 20, 24, 5)]), r"as \(1, 20, 24, 5\), the program takes"),
    ],
)
def test_shapes_that_the_program_does_not_take_are_refused(edited, change, message):
    path = edited(None, change, inputs="array")

    with pytest.raises(CoreMLFileError, match=f"{path}: array '.*{message}"):
        load_coreml(path)


def test_a_fixed_size_that_cannot_be_is_refused(edited):
    def change(declared):
        declared.imageType.height = -20

    with pytest.raises(CoreMLFileError, match=r"image 'image' is declared as \(-20, 24\)"):
        load_coreml(edited(None, change, preprocessing="unit"))


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


def test_what_the_description_fixes_is_not_tried_at_other_sizes(edited, model):
    agreement = verify(
        model, edited(RANGE, of_array(shape=(1, 20, 24, 3)), inputs="array"), limit=1e-2
    )

    assert agreement.sizes == 1


@pytest.mark.parametrize("flexible", [BatchRange(1, 4), BatchSizes([1, 4])], ids=["range", "sizes"])
def test_one_example_where_the_program_takes_several_is_one_after_the_other(
    edited, model, flexible
):
    path = edited(flexible, of_array(shape=(1, 20, 24, 3)), inputs="array")
    x = np.random.default_rng(0).normal(size=(5, 20, 24, 3)).astype(np.float32)

    program = load_coreml(path)

    (declared,), (output,) = program.inputs, program.outputs
    assert declared.shape == (1, 20, 24, 3)
    assert not declared.has_free_batch
    made = program.predict({declared.name: x})[output.name]
    np.testing.assert_allclose(made, model.call(keras.ops.convert_to_tensor(x)), atol=5e-3)


def test_several_examples_where_the_program_takes_any_number_are_one_array(edited, model):
    program = load_coreml(edited(BatchRange(1, 8), of_array(shape=(4, 20, 24, 3)), inputs="array"))
    x = np.random.default_rng(0).normal(size=(4, 20, 24, 3)).astype(np.float32)
    (declared,), (output,) = program.inputs, program.outputs

    made = program.predict({declared.name: x})[output.name]

    np.testing.assert_allclose(made, model.call(keras.ops.convert_to_tensor(x)), atol=5e-3)
    with pytest.raises(InvalidArgumentError, match=r"\(4, 20, 24, 3\) is required"):
        program.predict({declared.name: x[:3]})


def test_a_message_names_only_the_first_of_many_sizes(edited):
    def add(declared):
        for height in range(40, 140):
            declared.imageType.enumeratedSizes.sizes.add(height=height, width=24)

    (declared,) = load_coreml(edited(SIZES, add, preprocessing="unit")).inputs

    words = declared.sizes_in_words()
    assert words.startswith("(20, 24) or (30, 36) or (40, 24) or ")
    assert words.endswith("(53, 24) or one of 86 more")


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
