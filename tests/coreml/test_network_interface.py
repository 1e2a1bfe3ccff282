"""Features, labels, preprocessing and files of neural networks (.mlmodel)."""

import keras
import numpy as np
import pytest
from keras import layers

import mobilezoo
from mobilezoo import Preprocessing, export_coreml, load_coreml, randomize_weights, verify

from .layer_kinds import kinds_of, network_of


def test_a_classifier_uses_apples_names(small_mobilenet, tmp_path):
    labels = ["ant", "bee", "cat", "dog", "eel", "fox", "gnu"]

    exported = export_coreml(small_mobilenet, tmp_path / "m.mlmodel", labels=labels)

    spec = exported.get_spec()
    assert [feature.name for feature in spec.description.input] == ["image"]
    assert [feature.name for feature in spec.description.output] == [
        "classLabel",
        "classLabelProbs",
    ]
    classifier = spec.neuralNetworkClassifier
    assert list(classifier.stringClassLabels.vector) == labels
    assert classifier.labelProbabilityLayerName in {item.name for item in classifier.layers}
    answer = load_coreml(tmp_path / "m.mlmodel").predict({"image": np.zeros((64, 96, 3), np.uint8)})
    assert list(answer["classLabelProbs"]) == labels
    assert verify(small_mobilenet, exported).top1_agreement == 1


def test_of_two_outputs_the_first_has_the_labels(tmp_path):
    inputs = keras.Input((6,), name="x")
    features = layers.Dense(4, name="features")(inputs)
    model = keras.Model(inputs, [layers.Dense(3, name="fc")(features), features])
    randomize_weights(model)

    exported = export_coreml(model, tmp_path / "m.mlmodel", labels=["ant", "bee", "cat"])

    classifier = exported.get_spec().neuralNetworkClassifier
    (softmax,) = (layer for layer in classifier.layers if layer.HasField("softmax"))
    assert classifier.labelProbabilityLayerName == softmax.name
    assert verify(model, tmp_path / "m.mlmodel").top1_agreement == 1


@pytest.mark.parametrize(
    "record",
    ["none", "unit", "tf", "caffe", "torch", Preprocessing("odd", (1.0, 2.0, 3.0), (0.5,), True)],
)
def test_the_file_prepares_pixels_as_the_record_does(record, functional, tmp_path):
    model = functional(layers.ReLU(negative_slope=0.5, name="relu"), shape=(5, 4, 3))

    export_coreml(model, tmp_path / "m.mlmodel", precision="float32", preprocessing=record)

    assert verify(model, tmp_path / "m.mlmodel").largest_difference < 1e-6


@pytest.mark.parametrize("record", ["unit", "tf", Preprocessing("odd", (3.0,), (0.5,))])
def test_the_file_prepares_grey_pixels_as_the_record_does(record, functional, tmp_path):
    model = functional(layers.ReLU(negative_slope=0.5, name="relu"), shape=(5, 4, 1))

    export_coreml(model, tmp_path / "m.mlmodel", precision="float32", preprocessing=record)

    assert verify(model, tmp_path / "m.mlmodel").largest_difference < 1e-6


def test_one_scale_for_all_channels_takes_no_layer(functional, tmp_path):
    model = functional(layers.ReLU(name="relu"))

    scalers = {
        name: export_coreml(model, tmp_path / f"{name}.mlmodel", preprocessing=name)
        for name in ("none", "tf", "caffe", "torch")
    }

    assert [kinds_of(item) for item in scalers.values()] == [
        ["activation", "permute"],
        ["activation", "permute"],
        ["activation", "permute"],
        ["scale", "activation", "permute"],
    ]
    (tf,) = network_of(scalers["tf"]).preprocessing
    assert tf.scaler.channelScale == pytest.approx(1 / 127.5)
    assert tf.scaler.greenBias == pytest.approx(-1)
    (caffe,) = network_of(scalers["caffe"]).preprocessing
    assert caffe.scaler.channelScale == 1
    assert caffe.scaler.blueBias == pytest.approx(-103.939)
    assert caffe.scaler.redBias == pytest.approx(-123.68)


def test_arrays_keep_keras_axes_without_the_batch(tmp_path):
    picture, vector = keras.Input((9, 7, 3), name="picture"), keras.Input((4,), name="vector")
    sequence = keras.Input((6, 5), name="sequence")
    model = keras.Model(
        [picture, vector, sequence],
        [
            layers.Conv2D(4, 2, name="map")(picture),
            layers.Dense(2, name="logits")(vector),
            layers.Conv1D(3, 2, name="frames")(sequence),
        ],
    )
    randomize_weights(model)

    exported = export_coreml(model, tmp_path / "m.mlmodel", precision="float32")

    features = [*exported.get_spec().description.input, *exported.get_spec().description.output]
    assert {item.name: list(item.type.multiArrayType.shape) for item in features} == {
        "picture": [9, 7, 3],
        "vector": [4],
        "sequence": [1, 6, 5],
        "map": [8, 6, 4],
        "logits": [2],
        "frames": [1, 5, 3],
    }
    assert verify(model, tmp_path / "m.mlmodel").largest_difference < 2e-6


def test_an_input_and_a_tensor_given_back_twice_keep_apart(tmp_path):
    inputs = keras.Input((9, 7, 3), name="x")
    y = layers.Conv2D(4, 2, name="y")(inputs)
    pooled = layers.GlobalAveragePooling2D(name="pooled")(y)
    model = randomize_weights(keras.Model(inputs, [y, y, inputs, pooled, pooled]))

    exported = export_coreml(model, tmp_path / "m.mlmodel", precision="float32", inputs="array")

    names = [feature.name for feature in exported.get_spec().description.output]
    assert names == ["y", "y_output", "x_output", "pooled", "pooled_output"]
    assert verify(model, tmp_path / "m.mlmodel").largest_difference < 2e-6


def test_helpers_of_a_layer_do_not_take_other_layers_names(functional, tmp_path):
    model = functional(
        layers.ReLU(6.0, name="a"),
        layers.Activation("silu", name="a_sixth"),
        layers.Activation("silu", name="a_sixth_gate"),
        layers.Conv2D(2, 2, name="x_channels_first"),
    )
    randomize_weights(model)

    exported = export_coreml(model, tmp_path / "m.mlmodel", precision="float32", inputs="array")

    made = [layer.output[0] for layer in network_of(exported).layers]
    assert len(made) == len(set(made))
    assert verify(model, tmp_path / "m.mlmodel").largest_difference < 2e-6


def test_helpers_of_a_layer_do_not_take_an_inputs_name(tmp_path):
    inputs = [keras.Input((5, 4, 3), name=name) for name in ("x", "a_sixth")]
    six = layers.ReLU(6.0, name="a")(inputs[0])
    model = keras.Model(inputs, layers.Concatenate(name="both")([six, inputs[1]]))

    exported = export_coreml(model, tmp_path / "m.mlmodel", precision="float32", inputs="array")

    made = [layer.output[0] for layer in network_of(exported).layers]
    assert "a_sixth" not in made
    assert verify(model, tmp_path / "m.mlmodel").largest_difference < 2e-6


def test_the_digits_model_is_the_talks_2_7_megabytes(tmp_path):
    export_coreml(
        mobilezoo.mnist_mlp(), tmp_path / "digits.mlmodel", precision="float32", labels="digits"
    )

    assert (tmp_path / "digits.mlmodel").stat().st_size == pytest.approx(2.7e6, rel=0.02)


def test_the_same_model_gives_the_same_bytes(small_mobilenet, tmp_path):
    for name in ("a", "b"):
        export_coreml(small_mobilenet, tmp_path / f"{name}.mlmodel")

    assert (tmp_path / "a.mlmodel").read_bytes() == (tmp_path / "b.mlmodel").read_bytes()


def test_without_a_path_the_target_chooses_the_format(small_mobilenet, tmp_path):
    exported = export_coreml(small_mobilenet, minimum_deployment_target="iOS13")

    exported.save(str(tmp_path / "saved.mlmodel"))

    assert exported.get_spec().WhichOneof("Type") == "neuralNetwork"
    assert verify(small_mobilenet, tmp_path / "saved.mlmodel").largest_difference < 2e-2


def test_a_failed_export_leaves_the_old_file_whole(small_mobilenet, tmp_path, monkeypatch):
    path = tmp_path / "m.mlmodel"
    export_coreml(small_mobilenet, path)
    before = path.read_bytes()

    def fail(*_args):
        raise OSError("No space left on device")

    monkeypatch.setattr("mobilezoo.coreml.neural_network.network.Pieces", fail)
    with pytest.raises(OSError, match="No space left"):
        export_coreml(small_mobilenet, path, precision="float32", overwrite=True)

    assert path.read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == ["m.mlmodel"]
