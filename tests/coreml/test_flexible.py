"""Files that take several sizes: what they declare and what they compute."""

import keras
import numpy as np
import pytest
from coremltools.models.neural_network import flexible_shape_utils as shapes
from keras import layers

from mobilezoo import (
    BatchRange,
    BatchSizes,
    ImageSizeRange,
    ImageSizes,
    export_coreml,
    inspect_coreml,
    load_coreml,
    mobilenet,
    randomize_weights,
    verify,
)
from mobilezoo.errors import InvalidArgumentError

SIZES = ImageSizes([(64, 96), (48, 32)])
RANGE = ImageSizeRange(height=(40, 97), width=(33, 128))


@pytest.mark.parametrize("suffix", ["mlpackage", "mlmodel"])
@pytest.mark.parametrize("flexible", [SIZES, RANGE], ids=["sizes", "range"])
def test_a_classifier_agrees_with_keras_at_every_size(classifier, tmp_path, suffix, flexible):
    path = tmp_path / f"m.{suffix}"

    export_coreml(classifier, path, precision="float32", labels=list("abc"), flexible=flexible)

    agreement = verify(classifier, path)
    assert agreement.sizes == (2 if flexible is SIZES else 3)
    assert "of 2 sizes" in str(agreement) or "of 3 sizes" in str(agreement)
    assert len(agreement.layers) > 50


@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_a_network_of_masks_gives_masks_of_the_pictures_size(segmenter, tmp_path, precision):
    path = tmp_path / "m.mlpackage"
    export_coreml(
        segmenter,
        path,
        precision=precision,
        preprocessing="unit",
        flexible=ImageSizes([(32, 48), (64, 40)]),
    )
    program = load_coreml(path)

    small = program.predict({"image": np.zeros((32, 48, 3), np.uint8)})["mask"]
    tall = program.predict({"image": np.zeros((3, 64, 40, 3), np.uint8)})["mask"]

    assert small.shape == (1, 32, 48, 2)
    assert tall.shape == (3, 64, 40, 2)
    assert {"groups", "up", "back"} <= set(verify(segmenter, path).layers)


@pytest.mark.parametrize("suffix", ["mlpackage", "mlmodel"])
def test_sizes_are_declared_as_coremltools_itself_declares_them(classifier, suffix):
    target = "iOS13" if suffix == "mlmodel" else "iOS15"
    fixed = export_coreml(classifier, minimum_deployment_target=target).get_spec()
    by_size = type(fixed)()
    by_size.CopyFrom(fixed)
    by_range = type(fixed)()
    by_range.CopyFrom(fixed)
    shapes.add_enumerated_image_sizes(
        by_size,
        "image",
        [shapes.NeuralNetworkImageSize(64, 96), shapes.NeuralNetworkImageSize(48, 32)],
    )
    limits = shapes.NeuralNetworkImageSizeRange()
    limits.add_height_range((40, 97))
    limits.add_width_range((33, 128))
    shapes.update_image_size_range(by_range, "image", limits)

    ours = [
        export_coreml(classifier, minimum_deployment_target=target, flexible=flexible).get_spec()
        for flexible in (SIZES, RANGE)
    ]

    for made, expected in zip(ours, (by_size, by_range), strict=True):
        assert made.description.input[0].type == expected.description.input[0].type
        assert made.specificationVersion == (3 if suffix == "mlmodel" else 6)


@pytest.mark.parametrize("suffix", ["mlpackage", "mlmodel"])
def test_array_shapes_are_declared_in_the_order_of_keras(classifier, suffix):
    target = "iOS13" if suffix == "mlmodel" else "iOS15"
    batch = () if suffix == "mlmodel" else (1,)

    listed, ranged = (
        export_coreml(
            classifier, inputs="array", minimum_deployment_target=target, flexible=flexible
        )
        .get_spec()
        .description.input[0]
        .type.multiArrayType
        for flexible in (SIZES, RANGE)
    )

    assert [tuple(item.shape) for item in listed.enumeratedShapes.shapes] == [
        (*batch, 64, 96, 3),
        (*batch, 48, 32, 3),
    ]
    limits = [(item.lowerBound, item.upperBound) for item in ranged.shapeRange.sizeRanges]
    assert limits == [*[(1, 1)] * len(batch), (40, 97), (33, 128), (3, 3)]
    assert tuple(ranged.shape) == (*batch, 64, 96, 3)  # the size that the model was built for


def test_the_default_of_a_range_is_the_models_size_brought_into_it(classifier):
    flexible = ImageSizeRange((100, 200), (33, 90))

    made = export_coreml(classifier, flexible=flexible).get_spec().description.input[0]

    assert (made.type.imageType.height, made.type.imageType.width) == (100, 90)
    assert made.shortDescription == "A picture, by default 90 pixels wide and 100 high"


def test_a_network_with_free_sides_needs_no_input_shape(tmp_path):
    features = randomize_weights(mobilenet((None, None, 3), alpha=0.25, include_top=False))

    export_coreml(features, tmp_path / "m.mlpackage", precision="float32", flexible=SIZES)

    assert verify(features, tmp_path / "m.mlpackage").sizes == 2
    with pytest.raises(InvalidArgumentError, match="flexible= for several sizes"):
        export_coreml(features, tmp_path / "n.mlpackage")


def test_one_picture_of_ones_own_is_compared_at_its_size(classifier, tmp_path):
    flexible = ImageSizeRange((100, 200), (33, 90))  # the model's own size is not among them
    export_coreml(classifier, tmp_path / "m.mlpackage", precision="float32", flexible=flexible)
    picture = np.random.default_rng(0).integers(0, 256, (1, 120, 50, 3), np.uint8)

    agreement = verify(classifier, tmp_path / "m.mlpackage", picture)

    assert agreement.examples == 1


def test_a_model_that_does_not_declare_its_input_may_take_several_sizes(tmp_path):
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.conv, self.pool = layers.Conv2D(4, 3), layers.GlobalAveragePooling2D()

        def call(self, x):
            return self.pool(self.conv(x))

    model = Own()
    model(np.zeros((1, 20, 24, 3), np.float32))
    model._build_shapes_dict = None  # as of models that are built by other means

    export_coreml(
        model,
        tmp_path / "m.mlpackage",
        inputs="array",
        input_shape=(20, 24, 3),
        flexible=ImageSizes([(20, 24), (30, 18)]),
    )

    assert load_coreml(tmp_path / "m.mlpackage").inputs[0].choices == (
        (1, 20, 24, 3),
        (1, 30, 18, 3),
    )


def test_a_list_may_mix_sizes(classifier, tmp_path):
    export_coreml(classifier, tmp_path / "m.mlpackage", flexible=SIZES, precision="float32")
    program = load_coreml(tmp_path / "m.mlpackage")
    (output,) = (feature.name for feature in program.outputs)
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 256, (*size, 3), np.uint8) for size in [(64, 96), (48, 32)] * 2]

    mixed = program.predict([{"image": picture} for picture in pictures])

    single = [program.predict({"image": picture}) for picture in pictures]
    for made, expected in zip(mixed, single, strict=True):
        np.testing.assert_allclose(made[output], expected[output], rtol=1e-5)


def test_inspect_shows_the_sizes(classifier, tmp_path):
    export_coreml(classifier, tmp_path / "m.mlpackage", flexible=SIZES)

    (feature,) = inspect_coreml(tmp_path / "m.mlpackage").inputs

    assert feature.choices == ((64, 96), (48, 32))


@pytest.mark.parametrize(
    "flexible", [BatchRange(2, 5), BatchSizes([3, 1, 8])], ids=["range", "sizes"]
)
def test_several_examples_go_through_at_once(tmp_path, flexible):
    inputs = keras.Input((9, 7, 4), name="x")
    x = layers.GroupNormalization(2)(layers.Conv2D(6, (3, 2), activation="relu")(inputs))
    x = layers.Reshape((7, 36))(x)
    x = layers.Dense(5, name="rows")(x)
    model = randomize_weights(keras.Model(inputs, layers.Dense(3)(layers.Flatten()(x))))

    made = export_coreml(model, tmp_path / "m.mlpackage", precision="float32", flexible=flexible)

    agreement = verify(model, tmp_path / "m.mlpackage")
    assert agreement.sizes == 3  # of the range its ends and 4
    assert "rows" in agreement.layers
    array = made.get_spec().description.input[0].type.multiArrayType
    assert tuple(array.shape) == (2 if isinstance(flexible, BatchRange) else 3, 9, 7, 4)
    program = load_coreml(tmp_path / "m.mlpackage")
    with pytest.raises(InvalidArgumentError, match="the file takes"):
        program.predict({"x": np.zeros((6, 9, 7, 4), np.float32)})


def test_the_batches_of_two_inputs_are_one_and_the_same(tmp_path):
    a, b = keras.Input((6,), name="a"), keras.Input((6,), name="b")
    total = layers.Add(name="total")([layers.Dense(5)(a), layers.Dense(5)(b)])
    model = randomize_weights(keras.Model([a, b], total))

    export_coreml(model, tmp_path / "m.mlpackage", precision="float32", flexible=BatchRange(1, 8))

    assert verify(model, tmp_path / "m.mlpackage").sizes == 3
    with pytest.raises(InvalidArgumentError, match=r"one input only.*Pass a BatchRange"):
        export_coreml(model, tmp_path / "n.mlpackage", flexible=BatchSizes([1, 8]))


def test_the_default_of_a_range_is_its_lowest_size_where_the_model_has_none():
    features = mobilenet((None, None, 3), alpha=0.25, include_top=False)

    made = export_coreml(features, flexible=RANGE).get_spec().description.input[0].type

    assert (made.imageType.height, made.imageType.width) == (40, 33)


def test_the_file_of_a_flexible_model_is_always_the_same(classifier, tmp_path):
    made = []
    for name in ("a", "b"):
        path = tmp_path / f"{name}.mlpackage"
        export_coreml(classifier, path, flexible=RANGE)
        made.append((path / "Data/com.apple.CoreML/model.mlmodel").read_bytes())

    assert made[0] == made[1]
