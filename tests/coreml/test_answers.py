"""Labels on outputs that are made of softmaxes or sigmoids: means are probabilities, others not."""

import re

import keras
import numpy as np
import pytest
from keras import layers, ops

from mobilezoo import export_coreml, load_coreml, randomize_weights, verify
from mobilezoo.coreml.answers import answer_of
from mobilezoo.coreml.classes import COMPLEMENT_ADDED, SOFTMAX_ADDED, TAGS
from mobilezoo.coreml.sizes import capture_at_all_sizes
from mobilezoo.errors import InvalidArgumentError
from mobilezoo.graph import fold

LABELS = ["cat", "dog", "rabbit"]


def head(activation, units=3):
    return layers.Dense(units, activation=activation)


def network(build):
    x = keras.Input((4,), name="x")
    return keras.Model(x, build(x))


def answer(build):
    graph, _ = fold(capture_at_all_sizes(network(build), None, None)[0])
    return answer_of(graph, graph.outputs[0])


def refusal(build, labels=LABELS):
    with pytest.raises(InvalidArgumentError) as refused:
        export_coreml(network(build), labels=labels)
    return str(refused.value)


def mean(activation, units=3):
    return lambda x: layers.Average()([head(activation, units)(x), head(activation, units)(x)])


@pytest.mark.parametrize("suffix", ["mlpackage", "mlmodel"])
def test_an_average_of_softmaxes_is_a_classifier_without_another_softmax(tmp_path, suffix):
    model, path = randomize_weights(network(mean("softmax"))), tmp_path / f"m.{suffix}"
    x = np.random.default_rng(0).normal(size=(2, 4)).astype(np.float32)

    exported = export_coreml(model, path, precision="float32", labels=LABELS)

    assert SOFTMAX_ADDED not in exported.user_defined_metadata
    answers = load_coreml(path).predict({"x": x})["classLabelProbs"]
    given = [[answer[label] for label in LABELS] for answer in answers]
    np.testing.assert_allclose(given, model.predict_on_batch(x), atol=1e-5)
    assert verify(model, path).largest_difference < 1e-5


@pytest.mark.parametrize(
    "build",
    [
        mean("softmax"),
        lambda x: layers.Average()([head("softmax")(x) for _ in range(3)]),
        lambda x: layers.Average()([mean("softmax")(x), mean("softmax")(x)]),
        lambda x: 0.3 * head("softmax")(x) + head("softmax")(x) * 0.7,
        lambda x: ops.mean(ops.stack([head("softmax")(x), head("softmax")(x)], axis=1), axis=1),
        lambda x: layers.GlobalAveragePooling1D()(
            layers.Softmax()(layers.Reshape((5, 3))(head(None, 15)(x)))
        ),
        lambda x: layers.Flatten()(layers.Softmax()(layers.Reshape((1, 3))(head(None)(x)))),
    ],
    ids=["two", "three", "means", "weighted", "stacked", "positions", "moved"],
)
def test_means_of_softmaxes_are_probabilities(build):
    assert answer(build).kind == "softmax"


@pytest.mark.parametrize(
    "build",
    [
        lambda x: layers.Average()([head(None)(x), head(None)(x)]),
        lambda x: layers.Rescaling(0.5)(head(None)(x)),
        lambda x: head(None)(head("sigmoid", 5)(x)),
        lambda x: layers.Dense(3, use_bias=False)(head("sigmoid", 5)(x)),
        lambda x: head(None)(head("softmax", 5)(x)),
        lambda x: layers.Multiply()([head(None)(x), head(None)(x)]),
    ],
    ids=["average", "scaled", "hidden sigmoids", "no bias", "hidden softmax", "product"],
)
def test_what_comes_out_of_a_kernel_is_logits(build):
    assert answer(build).kind == "logits"


@pytest.mark.parametrize(
    ("build", "why"),
    [
        (lambda x: layers.Rescaling(0.5)(head("softmax")(x)), "0.5 times what .* a softmax"),
        (lambda x: layers.Add()([head("softmax")(x), head("softmax")(x)]), "is 2 times what"),
        (
            lambda x: layers.Multiply()([head("softmax")(x), head("sigmoid")(x)]),
            "made by 'multiply' of what .* gives, a s",
        ),
        (
            lambda x: layers.Average()([head("softmax")(x), head("sigmoid")(x)]),
            "made by 'divide' of what",
        ),
        (
            lambda x: layers.Dense(3, use_bias=False)(head("softmax", 5)(x)),
            "made by 'dense' of what .* a softmax",
        ),
        (lambda x: layers.UnitNormalization()(head(None)(x)), "is normalized by what is computed"),
        (lambda x: layers.RMSNormalization()(head(None)(x)), "is normalized by what is computed"),
        (lambda x: layers.BatchNormalization()(head("softmax")(x)), "made by 'batch_norm' of"),
        (lambda x: head("softmax", 5)(x)[:, 1:4], "made by 'slice' of what .* a softmax"),
        (lambda x: ops.clip(head("softmax")(x), 0.1, 0.9), "made by 'clip' of what"),
        (lambda x: 1 - head("sigmoid")(x), "made by 'subtract' of what .* a sigmoid"),
        (
            lambda x: layers.Concatenate()([head("sigmoid", 1)(x), head("softmax", 2)(x)]),
            "made by 'concat' of what .* a s",
        ),
        (
            lambda x: ops.mean(layers.Softmax(1)(layers.Reshape((2, 3))(head(None, 6)(x))), 1),
            "made by 'reduce_mean' of what .* a softmax",
        ),
    ],
)
def test_what_else_is_made_of_probabilities_gets_no_softmax_and_none_is_advised(build, why):
    message = refusal(build)

    assert "Export without labels, or end the model in " in message
    assert "Softmax layer" not in message
    assert re.search(why, message)


def test_a_softmax_over_a_part_of_the_values_is_refused():
    def build(x):
        return layers.Flatten()(layers.Softmax()(layers.Reshape((2, 3))(head(None, 6)(x))))

    assert "ends in a softmax over a part of its values" in refusal(build, list("abcdef"))


def test_a_mean_of_sigmoids_is_what_sigmoids_are():
    several = export_coreml(network(mean("sigmoid")), labels=LABELS).user_defined_metadata
    one = export_coreml(network(mean("sigmoid", 1)), labels=["cat", "dog"]).user_defined_metadata

    assert several[TAGS] == "cat,dog,rabbit"
    assert SOFTMAX_ADDED not in several
    assert one[COMPLEMENT_ADDED] == "(1 - p, p)"


def test_sigmoids_side_by_side_are_several():
    def build(x):
        return layers.Concatenate()([head("sigmoid", 1)(x) for _ in LABELS])

    assert export_coreml(network(build), labels=LABELS).user_defined_metadata[TAGS]


def test_one_unit_made_of_a_sigmoid_is_refused_with_the_right_advice():
    message = refusal(lambda x: 0.5 * head("sigmoid", 1)(x), ["cat", "dog"])

    assert "is 0.5 times what" in message
    assert "logit" not in message


@pytest.mark.filterwarnings("ignore:You are using a softmax over axis")  # Keras's own, at the call
def test_a_softmax_over_one_unit_is_refused():
    message = refusal(lambda x: head("softmax", 1)(x), ["cat", "dog"])

    assert "1.0 for every picture. For two classes end the model in Dense(2, " in message


@pytest.mark.parametrize("suffix", ["mlpackage", "mlmodel"])
def test_a_convolution_as_a_head_is_a_classifiers_once_flattened_as_the_error_says(
    tmp_path, suffix, functional
):
    model = randomize_weights(
        functional(
            layers.Conv2D(4, 2),
            layers.GlobalAveragePooling2D(keepdims=True),
            layers.Conv2D(3, 1, activation="softmax"),
        )
    )
    path = tmp_path / f"m.{suffix}"

    with pytest.raises(InvalidArgumentError, match=r"Sequential\(\[model, keras.layers.Flatten"):
        export_coreml(model, path, inputs="array", labels=LABELS)
    flat = keras.Sequential([model, layers.Flatten()])
    exported = export_coreml(flat, path, precision="float32", inputs="array", labels=LABELS)

    assert SOFTMAX_ADDED not in exported.user_defined_metadata
    assert verify(flat, path).largest_difference < 1e-5
