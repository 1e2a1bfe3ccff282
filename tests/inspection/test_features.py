"""Inputs and outputs of every kind."""

import keras
import pytest
from coremltools.proto import FeatureTypes_pb2, Model_pb2

from mobilezoo import ImageSizes, export_coreml
from mobilezoo.cli.inspection_page import page
from mobilezoo.inspection import FeatureRecord, inspect_coreml

COLORS = FeatureTypes_pb2.ImageFeatureType.ColorSpace
DTYPES = FeatureTypes_pb2.ArrayFeatureType.ArrayDataType


@pytest.fixture
def read(save_network):
    """What is found of one input that `change` describes."""

    def read(change):
        model = Model_pb2.Model(specificationVersion=5)
        model.identity.SetInParent()
        feature = model.description.input.add(name="x")
        change(feature.type)
        (found,) = inspect_coreml(save_network(model)).inputs
        return found

    return read


def image(kind):
    kind.imageType.width, kind.imageType.height = 96, 64
    kind.imageType.colorSpace = COLORS.Value("GRAYSCALE_FLOAT16")


def array(kind):
    kind.multiArrayType.shape.extend([1, 3, 64, 96])
    kind.multiArrayType.dataType = DTYPES.Value("FLOAT16")


def test_an_image(read):
    assert read(image) == FeatureRecord("x", "image", shape=(64, 96), color="GRAYSCALE_FLOAT16")


def test_an_image_of_a_range_of_sizes(read):
    def change(kind):
        image(kind)
        sides = kind.imageType.imageSizeRange
        sides.widthRange.lowerBound, sides.widthRange.upperBound = 32, 512
        sides.heightRange.lowerBound, sides.heightRange.upperBound = 16, -1

    found = read(change)

    assert found.shape == (64, 96)
    assert found.ranges == ((16, None), (32, 512))


def test_an_image_of_several_sizes(read):
    def change(kind):
        image(kind)
        kind.imageType.enumeratedSizes.sizes.add(width=96, height=64)
        kind.imageType.enumeratedSizes.sizes.add(width=192, height=128)

    assert read(change).choices == ((64, 96), (128, 192))


def test_an_array(read):
    assert read(array) == FeatureRecord("x", "array", shape=(1, 3, 64, 96), dtype="float16")


def test_an_array_of_a_range_of_shapes(read):
    def change(kind):
        array(kind)
        for low, high in ((1, 1), (3, 3), (64, 128), (96, -1)):
            side = kind.multiArrayType.shapeRange.sizeRanges.add()
            side.lowerBound, side.upperBound = low, high

    assert read(change).ranges == ((1, 1), (3, 3), (64, 128), (96, None))


def test_an_array_of_several_shapes(read):
    def change(kind):
        array(kind)
        for side in (96, 128):
            kind.multiArrayType.enumeratedShapes.shapes.add(shape=[1, 3, 64, side])

    assert read(change).choices == ((1, 3, 64, 96), (1, 3, 64, 128))


def test_a_dictionary(read):
    def change(kind):
        kind.dictionaryType.int64KeyType.SetInParent()

    assert read(change) == FeatureRecord("x", "dictionary", dtype="int64")


def test_a_sequence(read):
    def change(kind):
        kind.sequenceType.stringType.SetInParent()
        kind.sequenceType.sizeRange.lowerBound = 2
        kind.sequenceType.sizeRange.upperBound = -1

    assert read(change) == FeatureRecord("x", "sequence", dtype="string", ranges=((2, None),))


def test_an_optional_number(read):
    def change(kind):
        kind.doubleType.SetInParent()
        kind.isOptional = True

    assert read(change) == FeatureRecord("x", "double", optional=True)


def test_an_optional_array_has_a_default(read):
    def change(kind):
        array(kind)
        kind.multiArrayType.doubleDefaultValue = 0.5
        kind.isOptional = True

    found = read(change)

    assert (found.optional, found.default_value) == (True, 0.5)


def test_a_type_that_is_not_known_is_said_by_its_number(read):
    def change(kind):
        array(kind)
        kind.multiArrayType.dataType = 77

    assert read(change).dtype == "number 77"


def test_a_feature_without_a_type_is_unknown(read):
    assert read(lambda kind: None).kind == "unknown"


def test_a_state_and_a_description(save_network):
    model = Model_pb2.Model(specificationVersion=9)
    model.identity.SetInParent()
    state = model.description.state.add(name="cache", shortDescription="of the keys")
    state.type.stateType.arrayType.shape.extend([2, 5])
    state.type.stateType.arrayType.dataType = DTYPES.Value("FLOAT32")

    found = inspect_coreml(save_network(model))

    assert found.states == (
        FeatureRecord("cache", "state", shape=(2, 5), dtype="float32", description="of the keys"),
    )


def test_an_output_of_a_flexible_program_shows_its_free_axes(tmp_path):
    inputs = keras.Input((24, 20, 3), name="x")
    x = keras.layers.Conv2D(8, 3, name="conv")(inputs)
    model = keras.Model(inputs, [x, keras.layers.GlobalMaxPooling2D(name="peak")(x)])
    sizes = ImageSizes([(24, 20), (30, 32)])
    export_coreml(model, tmp_path / "m.mlpackage", preprocessing="tf", flexible=sizes)

    found = inspect_coreml(tmp_path / "m.mlpackage")

    assert [output.shape for output in found.outputs] == [(1, None, None, 8), (1, 8)]
    assert "conv: array 1x?x?x8 float32" in page(found)
