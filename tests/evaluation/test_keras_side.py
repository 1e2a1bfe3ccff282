"""The Keras model beside the files: its accuracy, and whether they answer as it does."""

import keras
import numpy as np
import pytest
from keras import layers

from mobilezoo import evaluate
from mobilezoo.data.preprocessing import set_preprocessing
from mobilezoo.errors import InvalidArgumentError, VerificationError
from tests.evaluation.conftest import BLUE, COLORS, GREEN, RED, color_network, mostly
from tests.runtime.conftest import build, mb

PIXELS = np.full(
    (4, 20, 28, 3), [[[COLORS[color]]] for color in (RED, GREEN, BLUE, BLUE)], np.uint8
)
DATA = PIXELS, [0, 1, 2, 0]


@pytest.mark.parametrize(
    ("head", "activation", "labels"),
    [
        (3, "softmax", list(COLORS)),
        (3, "softmax", None),
        (3, None, list(COLORS)),  # a softmax is added
        (3, None, None),
    ],
)
def test_a_file_answers_as_its_model(save, head, activation, labels):
    network = color_network(head, activation)
    path = save(network, labels=labels, precision="float32")

    found = evaluate(path, DATA, model=network)

    assert found.files[0].agreement.top1 == 1.0
    assert found.files[0].agreement.largest_difference < 1e-5
    assert found.keras.confusion.tolist() == [[1, 0, 1], [0, 1, 0], [0, 0, 1]]
    assert found.keras.top1 == keras.metrics.sparse_categorical_accuracy(
        DATA[1], network.predict(PIXELS / np.float32(255), verbose=0)
    ).numpy().mean()  # fmt: skip


@pytest.mark.parametrize("labels", [["no", "yes"], None])
def test_a_model_of_one_sigmoid_has_two_classes(save, labels):
    network = color_network(1, "sigmoid")

    found = evaluate(save(network, labels=labels), (PIXELS[:2], [1, 1]), model=network)

    assert found.keras.confusion.tolist() == found.files[0].confusion.tolist() == [[0, 0], [1, 1]]
    assert found.files[0].agreement.largest_difference < 0.01


def test_another_models_answers_are_others(save, network):
    other = color_network()
    kernel, bias = other.layers[-1].get_weights()
    other.layers[-1].set_weights([kernel[:, [1, 0, 2]], bias])

    found = evaluate(save(other), DATA, model=network)

    assert found.files[0].agreement.top1 == 0.5  # of the two blue ones
    assert found.files[0].agreement.largest_difference > 0.9
    assert [(pair.only_first, pair.only_second) for pair in found.comparisons] == [(2, 0)]


def test_the_models_answers_are_in_the_order_of_the_evaluation(save, network):
    labelled = save(network, "labelled.mlpackage", labels=list(COLORS))
    turned = color_network()
    kernel, bias = turned.layers[-1].get_weights()
    turned.layers[-1].set_weights([kernel[:, ::-1], bias])
    other = save(turned, "turned.mlpackage", labels=["blue", "green", "red"])

    found = evaluate([other, labelled], (PIXELS, ["red", "green", "blue", "blue"]), model=turned)

    assert found.classes == ("blue", "green", "red")
    assert found.keras.correct == found.files[0].correct == found.files[1].correct == 4
    assert found.files[0].agreement.top1 == 1.0


def test_a_file_with_its_labels_in_another_order_is_compared_by_its_outputs(save, network):
    first = save(network, "first.mlpackage", labels=list(COLORS))
    second = save(network, "second.mlpackage", labels=["blue", "red", "green"], precision="float32")

    found = evaluate([first, second], DATA, model=network)

    assert found.files[1].agreement.top1 == 1.0
    assert found.files[1].agreement.largest_difference < 1e-5


def test_a_model_of_half_precision_computes_in_float32(save):
    network = color_network()
    path = save(network, precision="float32")
    network.layers[-1].dtype_policy = keras.DTypePolicy("mixed_bfloat16")

    found = evaluate(path, DATA, model=network)

    assert found.files[0].agreement.largest_difference < 1e-5
    assert network.layers[-1].compute_dtype == "bfloat16"


def test_an_array_file_and_its_model_are_prepared_alike(save, network):
    path = save(network, inputs="array", precision="float32")

    found = evaluate(path, DATA, model=network, preprocessing="unit")

    assert found.files[0].agreement.largest_difference < 1e-5


def test_an_array_with_channels_first_is_compared_too(save_package, network):
    def mean_colors(x):
        return mb.softmax(x=mb.mul(x=mb.reduce_mean(x=x, axes=[2, 3]), y=8.0), axis=1, name="y")

    path = save_package(build((1, 3, 20, 28), mean_colors))

    found = evaluate(path, DATA, model=network, preprocessing="unit")

    assert found.files[0].agreement.largest_difference < 1e-5


def test_files_of_several_sizes_are_compared_at_their_own(save):
    network = color_network(shape=(None, None, 3))
    paths = [
        save(network, f"{width}.mlpackage", input_shape=(20, width, 3), precision="float32")
        for width in (28, 60)
    ]

    found = evaluate(paths, ([mostly(RED, GREEN)], [0]), model=network)

    assert [(file.input_size[1], file.correct) for file in found.files] == [(28, 0), (60, 1)]
    assert all(file.agreement.largest_difference < 1e-5 for file in found.files)


def test_a_model_prepared_otherwise_than_the_file_is_refused(labelled, network):
    with pytest.raises(VerificationError, match=r"prepares pixels as 'unit'.*built for 'tf'"):
        evaluate(labelled, DATA, model=set_preprocessing(network, "tf"))


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("mobilenet", "model=str must be the keras.Model"),
        (color_network(4), r"gives \(4,\) scores.*was not made from this model"),
        (color_network(shape=(20, 30, 3)), "was not made from"),
    ],
)
def test_a_model_that_the_file_was_not_made_from_is_refused(labelled, model, message):
    with pytest.raises(InvalidArgumentError, match=message):
        evaluate(labelled, DATA, model=model)


def test_a_model_of_a_foreign_file_needs_its_preprocessing(save, network):
    import coremltools

    path = save(network, "ours.mlmodel")
    spec = coremltools.utils.load_spec(str(path))
    del spec.description.metadata.userDefined["com.mobilezoo.preprocessing"]
    foreign = path.with_name("foreign.mlmodel")
    coremltools.utils.save_spec(spec, str(foreign))

    with pytest.raises(InvalidArgumentError, match=r"Neither 'foreign.mlmodel' nor the Keras"):
        evaluate(foreign, DATA, model=network)
    found = evaluate(foreign, DATA, model=network, preprocessing="unit")
    assert found.files[0].agreement.top1 == 1.0


def test_layers_that_draw_are_still_at_inference(save, network):
    noisy = keras.Sequential([keras.Input((20, 28, 3)), layers.GaussianNoise(1.0), network])

    found = evaluate(save(noisy), DATA, model=noisy)

    assert found.files[0].agreement.top1 == 1.0
