"""Exporting: the file computes what Keras does, under the names that apps expect."""

import json

import keras
import numpy as np
import pytest
from keras import layers

from mobilezoo import Preprocessing, export_coreml, load_coreml, mnist_mlp, mobilenet, verify
from mobilezoo.coreml.emit import EMITTERS
from mobilezoo.errors import MobilezooError

from .files import contents


@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_mobilenet_agrees_with_keras(small_mobilenet, tmp_path, precision):
    export_coreml(small_mobilenet, tmp_path / "m.mlpackage", precision=precision)

    agreement = verify(small_mobilenet, tmp_path / "m.mlpackage")

    assert agreement.precision == precision
    assert agreement.largest_difference < agreement.limit
    assert len(agreement.layers) == 58


def test_float16_halves_the_file(small_mobilenet, tmp_path):
    sizes = {}
    for precision in ("float32", "float16"):
        export_coreml(small_mobilenet, tmp_path / f"{precision}.mlpackage", precision=precision)
        weights = tmp_path / f"{precision}.mlpackage/Data/com.apple.CoreML/weights/weight.bin"
        sizes[precision] = weights.stat().st_size

    assert 0.5 <= sizes["float16"] / sizes["float32"] < 0.52


def test_the_digits_model_is_the_talks_2_7_megabytes(tmp_path):
    export_coreml(mnist_mlp(), tmp_path / "digits.mlpackage", precision="float32")

    assert sum(map(len, contents(tmp_path / "digits.mlpackage").values())) == pytest.approx(
        2.7e6, rel=0.02
    )


def test_a_classifier_uses_apples_names(small_mobilenet, tmp_path):
    labels = ["ant", "bee", "cat", "dog", "eel", "fox", "gnu"]

    exported = export_coreml(small_mobilenet, tmp_path / "m.mlpackage", labels=labels)

    description = exported.get_spec().description
    assert [feature.name for feature in description.input] == ["image"]
    assert [feature.name for feature in description.output] == ["classLabel", "classLabelProbs"]
    assert description.predictedFeatureName == "classLabel"
    assert description.predictedProbabilitiesName == "classLabelProbs"
    program = load_coreml(tmp_path / "m.mlpackage")
    answer = program.predict({"image": np.zeros((64, 96, 3), np.uint8)})
    assert list(answer["classLabelProbs"]) == labels
    assert answer["classLabel"] == max(answer["classLabelProbs"], key=answer["classLabelProbs"].get)


def test_an_image_input_says_size_and_colours(functional, tmp_path):
    model = functional(layers.ReLU(name="relu"), shape=(64, 96, 3))

    exported = export_coreml(model, tmp_path / "m.mlpackage", preprocessing="caffe")
    image = exported.get_spec().description.input[0].type.imageType

    assert (image.height, image.width) == (64, 96)
    assert image.ColorSpace.Name(image.colorSpace) == "BGR"


@pytest.mark.parametrize("record", ["none", "unit", "tf", "caffe", "torch"])
def test_the_file_prepares_pixels_as_the_record_does(record, functional, tmp_path):
    model = functional(layers.ReLU(negative_slope=0.5, name="relu"), shape=(5, 4, 3))

    export_coreml(model, tmp_path / "m.mlpackage", precision="float32", preprocessing=record)

    assert verify(model, tmp_path / "m.mlpackage").largest_difference < 1e-6


def test_the_wrong_preprocessing_is_noticed(small_mobilenet, tmp_path):
    from mobilezoo.errors import VerificationError

    export_coreml(small_mobilenet, tmp_path / "m.mlpackage", precision="float32")

    with pytest.raises(VerificationError, match="first at layer 'stem_bn'"):
        verify(
            small_mobilenet,
            tmp_path / "m.mlpackage",
            preprocessing=Preprocessing("mine", mean=(120.0,), scale=(1 / 120,)),
        )


def test_an_array_input_keeps_keras_shape_and_name(functional, tmp_path):
    model = functional(layers.Conv2D(4, 3, name="features"), shape=(9, 7, 3))

    exported = export_coreml(model, tmp_path / "m.mlpackage", inputs="array")

    description = exported.get_spec().description
    assert description.input[0].name == "x"
    assert list(description.input[0].type.multiArrayType.shape) == [1, 9, 7, 3]
    assert description.output[0].name == "features"
    assert list(description.output[0].type.multiArrayType.shape) == [1, 7, 5, 4]


def test_names_of_layers_survive_into_the_program(small_mobilenet, tmp_path):
    export_coreml(small_mobilenet, tmp_path / "m.mlpackage")
    program = load_coreml(tmp_path / "m.mlpackage")

    values = dict(program.layers({"image": np.zeros((64, 96, 3), np.uint8)}))

    assert {"stem_relu", "block7_depthwise_bn", "logits_conv"} <= set(values)


def test_names_that_core_ml_cannot_hold_are_made_safe_and_stay_apart(tmp_path):
    inputs = keras.Input((5,), name="in")
    a = layers.Dense(4, name="a.b")(inputs)
    b = layers.Dense(3, name="a-b")(a)
    model = keras.Model(inputs, layers.Dense(2, name="2nd", activation="tanh")(b))

    exported = export_coreml(model, tmp_path / "m.mlpackage")

    assert exported.get_spec().description.output[0].name == "_2nd"
    function = exported.get_spec().mlProgram.functions["main"]
    (block,) = function.block_specializations.values()
    made = [output.name for operation in block.operations for output in operation.outputs]
    assert {"a_b", "a_b_2"} <= set(made)
    assert len(made) == len(set(made))


def test_the_same_model_gives_the_same_bytes(small_mobilenet, tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        export_coreml(small_mobilenet, tmp_path / name / "m.mlpackage")

    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_weights_are_64_byte_aligned(small_mobilenet, tmp_path):
    exported = export_coreml(small_mobilenet, tmp_path / "m.mlpackage")

    (block,) = exported.get_spec().mlProgram.functions["main"].block_specializations.values()
    offsets = [
        operation.attributes["val"].blobFileValue.offset
        for operation in block.operations
        if operation.type == "const"
    ]
    assert any(offsets)
    assert all(offset % 64 == 0 for offset in offsets)


def test_metadata_reaches_the_file(small_mobilenet, tmp_path):
    exported = export_coreml(
        small_mobilenet, tmp_path / "m.mlpackage", author="A", license="MIT", version="1.2"
    )

    assert (exported.author, exported.license, exported.version) == ("A", "MIT", "1.2")
    user = load_coreml(tmp_path / "m.mlpackage").metadata.user_defined
    assert user["com.mobilezoo.folded"].startswith("89 nodes -> 58")
    assert json.loads(user["com.mobilezoo.preprocessing"])["name"] == "tf"


@pytest.mark.filterwarnings("ignore:Implicitly cleaning up:ResourceWarning")  # coremltools' own
def test_without_a_path_the_model_is_still_whole(small_mobilenet, tmp_path):
    exported = export_coreml(small_mobilenet)

    exported.save(str(tmp_path / "saved.mlpackage"))

    assert verify(small_mobilenet, tmp_path / "saved.mlpackage").largest_difference < 2e-2


def test_saved_keras_models_export(small_mobilenet, tmp_path):
    small_mobilenet.save(tmp_path / "m.keras")
    model = keras.models.load_model(tmp_path / "m.keras")

    export_coreml(model, tmp_path / "m.mlpackage", preprocessing="tf")

    assert verify(model, tmp_path / "m.mlpackage").largest_difference < 2e-2


def test_free_sides_are_fixed_by_input_shape(tmp_path):
    model = mobilenet(include_top=False, alpha=0.25)

    exported = export_coreml(model, tmp_path / "m.mlpackage", input_shape=(64, 96, 3))

    output = exported.get_spec().description.output[0].type.multiArrayType
    assert list(output.shape) == [1, 2, 3, 256]


def test_an_emitter_that_makes_another_shape_is_caught_at_once(functional, tmp_path, monkeypatch):
    relu = EMITTERS["relu"]
    transposed = type(relu)(
        lambda site, x: EMITTERS["transpose"].emit(_swapped(site), x), relu.layout
    )
    monkeypatch.setitem(EMITTERS, "relu", transposed)

    with pytest.raises(MobilezooError, match="Bug in the emitter for 'relu': it made"):
        export_coreml(functional(layers.ReLU()), tmp_path / "m.mlpackage", inputs="array")


def _swapped(site):
    from dataclasses import replace

    return replace(site, node=replace(site.node, attributes={"axes": (0, 2, 1, 3)}))
