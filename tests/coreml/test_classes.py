"""Labels: softmax heads, heads that give logits, heads of sigmoids."""

import keras
import numpy as np
import pytest
from keras import layers

from mobilezoo import (
    export_coreml,
    inspect_coreml,
    load_coreml,
    mobilenet,
    randomize_weights,
    verify,
)
from mobilezoo.coreml.classes import COMPLEMENT_ADDED, SOFTMAX_ADDED, TAGS
from mobilezoo.data.labels import find_labels
from mobilezoo.errors import InvalidArgumentError, VerificationError

LABELS = ["cat", "dog", "rabbit"]


def network(activation, units=3):
    inputs = keras.Input((9, 7, 3), name="x")
    x = layers.Flatten()(layers.Conv2D(4, 2)(inputs))
    return randomize_weights(keras.Model(inputs, layers.Dense(units, activation=activation)(x)))


def user_defined(exported):
    return exported.get_spec().description.metadata.userDefined


@pytest.mark.parametrize("suffix", ["mlpackage", "mlmodel"])
def test_logits_get_a_softmax_and_the_file_says_so(tmp_path, suffix):
    model, path = network(None), tmp_path / f"m.{suffix}"
    pictures = np.random.default_rng(0).integers(0, 256, (4, 9, 7, 3)).astype(np.uint8)

    exported = export_coreml(model, path, precision="float32", preprocessing="tf", labels=LABELS)

    assert user_defined(exported)[SOFTMAX_ADDED] == "added to logits"
    (answer,) = load_coreml(path).predict({"image": pictures[:1]})["classLabelProbs"]
    logits = model.predict_on_batch(pictures[:1] / np.float32(127.5) - 1)[0]
    expected = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
    np.testing.assert_allclose([answer[label] for label in LABELS], expected, atol=1e-5)
    assert verify(model, path, pictures).largest_difference < 1e-4


def test_a_softmax_that_is_there_is_not_doubled(tmp_path):
    exported = export_coreml(network("softmax"), inputs="array", labels=LABELS)

    assert SOFTMAX_ADDED not in user_defined(exported)
    (block,) = exported.get_spec().mlProgram.functions["main"].block_specializations.values()
    assert [item.type for item in block.operations].count("softmax") == 1


@pytest.mark.parametrize("suffix", ["mlpackage", "mlmodel"])
def test_sigmoids_are_not_forced_into_a_classifier(tmp_path, suffix):
    model, path = network("sigmoid"), tmp_path / f"m.{suffix}"

    exported = export_coreml(model, path, precision="float32", inputs="array", labels=LABELS)

    assert user_defined(exported)[TAGS] == "cat,dog,rabbit"
    assert load_coreml(path).labels == inspect_coreml(path).labels == tuple(LABELS)
    assert not load_coreml(path).is_classifier
    assert verify(model, path).largest_difference < 1e-5


@pytest.mark.parametrize("suffix", ["mlpackage", "mlmodel"])
def test_labels_of_sigmoids_may_contain_commas(tmp_path, suffix):
    path, labels = tmp_path / f"m.{suffix}", ("tench, Tinca tinca", "goldfish", "shark")

    exported = export_coreml(network("sigmoid"), path, inputs="array", labels=labels)

    assert user_defined(exported)[TAGS] == '["tench, Tinca tinca", "goldfish", "shark"]'
    assert load_coreml(path).labels == inspect_coreml(path).labels == labels


@pytest.mark.parametrize("precision", ["float32", "float16"])
@pytest.mark.parametrize("suffix", ["mlpackage", "mlmodel"])
def test_one_sigmoid_tells_two_classes_apart(tmp_path, suffix, precision):
    model, path = network("sigmoid", units=1), tmp_path / f"m.{suffix}"
    pictures = np.random.default_rng(0).integers(0, 256, (6, 9, 7, 3)).astype(np.uint8)

    exported = export_coreml(
        model, path, precision=precision, preprocessing="tf", labels=["cat", "dog"]
    )

    assert [item.name for item in exported.get_spec().description.output] == [
        "classLabel", "classLabelProbs",
    ]  # fmt: skip
    assert user_defined(exported)[COMPLEMENT_ADDED] == "(1 - p, p)"
    answers = load_coreml(path).predict({"image": pictures})
    dog = model.predict(pictures / np.float32(127.5) - 1, verbose=0)[:, 0]
    assert np.ptp(dog) > 0.05  # or any answer would do
    given = [[answer["cat"], answer["dog"]] for answer in answers["classLabelProbs"]]
    atol = 1e-5 if precision == "float32" else 5e-3  # 11 bits, and those of the layers before
    np.testing.assert_allclose(given, np.stack([1 - dog, dog], axis=1), atol=atol)
    assert answers["classLabel"] == ["dog" if p > 0.5 else "cat" for p in dog]
    agreement = verify(model, path, pictures)
    assert agreement.top1_agreement == 1.0
    assert agreement.largest_difference < 2 * atol


def test_verify_notices_two_classes_in_the_other_order(tmp_path):
    model, path = network("sigmoid", units=1), tmp_path / "m.mlpackage"
    export_coreml(model, path, inputs="array", labels=["cat", "dog"])
    weights = model.layers[-1].get_weights()

    model.layers[-1].set_weights([-weight for weight in weights])  # p -> 1 - p

    with pytest.raises(VerificationError, match="differs from Keras"):
        verify(model, path)


def test_the_outputs_behind_one_sigmoid_stay(tmp_path):
    inputs = keras.Input((9, 7, 3), name="x")
    x = layers.GlobalAveragePooling2D(name="means")(layers.Conv2D(4, 2)(inputs))
    chosen = layers.Reshape((1,))(layers.Dense(1, activation="sigmoid")(x))
    model = randomize_weights(keras.Model(inputs, [chosen, x]))

    export_coreml(model, tmp_path / "m.mlmodel", inputs="array", labels=["cat", "dog"])

    program = load_coreml(tmp_path / "m.mlmodel")
    assert [item.name for item in program.outputs] == ["classLabel", "classLabelProbs", "means"]
    assert verify(model, program).largest_difference < 0.01


@pytest.mark.parametrize(
    ("activation", "labels", "message"),
    [
        ("sigmoid", ["cat"], r"1 labels given, but 'dense\w*' is one sigmoid unit.*Pass two"),
        ("sigmoid", ["cat", "dog", "rabbit"], r"3 labels given, but .* one sigmoid unit"),
        ("sigmoid", ["cat", "cat"], r"Labels must differ"),
        (None, ["cat", "dog"], r"one linear unit: the logit of two .*Activation\('sigmoid'\)"),
        ("tanh", ["cat", "dog"], r"one unit that ends in 'tanh'"),
    ],
)
def test_one_unit_that_is_no_probability_of_two_classes_is_refused(
    tmp_path, activation, labels, message
):
    with pytest.raises(InvalidArgumentError, match=message):
        export_coreml(
            network(activation, units=1), tmp_path / "m.mlpackage", inputs="array", labels=labels
        )
    assert not list(tmp_path.iterdir())


def test_one_logit_is_a_classifiers_once_a_sigmoid_follows(tmp_path):
    logit = network(None, units=1)
    model = keras.Sequential([logit, layers.Activation("sigmoid")])

    export_coreml(model, tmp_path / "m.mlpackage", inputs="array", labels=["cat", "dog"])

    assert load_coreml(tmp_path / "m.mlpackage").labels == ("cat", "dog")
    assert verify(model, tmp_path / "m.mlpackage").top1_agreement == 1.0


def test_an_output_that_is_neither_is_refused():
    with pytest.raises(InvalidArgumentError, match=r"probabilities or logits.*ends in 'relu'"):
        export_coreml(network("relu"), inputs="array", labels=LABELS)


def test_a_network_of_the_zoo_with_logits_is_a_classifier_too(tmp_path):
    model = randomize_weights(
        mobilenet((64, 96, 3), alpha=0.25, classes=3, classifier_activation=None)
    )

    export_coreml(model, tmp_path / "m.mlpackage", labels=LABELS)

    assert load_coreml(tmp_path / "m.mlpackage").labels == tuple(LABELS)
    assert verify(model, tmp_path / "m.mlpackage").top1_agreement == 1.0


@pytest.mark.parametrize(
    "labels",
    [{"a", "b", "c", "d"}, {"b": 0, "a": 1, "c": 2, "d": 3}, b"abcd", [b"a", "b", "c", "d"],
     ["a", "b", "c", None]],
)  # fmt: skip
def test_labels_without_an_order_or_a_text_are_refused(labels):
    with pytest.raises(InvalidArgumentError, match=r"in the order of the|must be a text"):
        find_labels(labels)


def test_a_label_file_may_begin_with_a_byte_order_mark(tmp_path):
    (tmp_path / "labels.txt").write_bytes(b"\xef\xbb\xbfant\nbee\n")
    (tmp_path / "latin.txt").write_bytes("ölbaum\nbee\n".encode("latin-1"))

    assert find_labels(tmp_path / "labels.txt") == ("ant", "bee")
    with pytest.raises(InvalidArgumentError, match="is not in UTF-8"):
        find_labels(tmp_path / "latin.txt")


def test_labels_are_not_put_on_another_output_than_the_classifiers():
    x = inputs = keras.Input((6, 7, 3))
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3)(x))
    box = keras.layers.Dense(4, name="box")(x)
    chosen = keras.layers.Dense(4, activation="softmax", name="chosen")(x)

    with pytest.raises(InvalidArgumentError, match="'chosen' ends in softmax"):
        export_coreml(keras.Model(inputs, [box, chosen]), preprocessing="unit", labels=list("abcd"))

    made = export_coreml(
        keras.Model(inputs, [chosen, box]), preprocessing="unit", labels=list("abcd")
    )
    assert made.get_spec().description.predictedFeatureName == "classLabel"
