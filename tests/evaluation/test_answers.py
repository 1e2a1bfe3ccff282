"""What comes out of files: scores, or the reason why there are none."""

import keras
import numpy as np
import pytest
from keras import layers

from mobilezoo import evaluate, load_coreml
from mobilezoo.errors import InvalidArgumentError
from mobilezoo.evaluation.answers import find_answers
from mobilezoo.evaluation.entrance import find_entrance
from tests.evaluation.conftest import COLORS, color_network
from tests.runtime.conftest import build, ct, leave_folders_to_python, mb

FORMATS = pytest.mark.parametrize("name", ["colors.mlpackage", "colors.mlmodel"])
PIXELS = np.full((2, 20, 28, 3), [[[COLORS["red"]]], [[COLORS["green"]]]], np.uint8)


def answers_of(path):
    """The answers, and the scores of a red and of a green picture."""
    program = load_coreml(path)
    entrance = find_entrance(program, None, None)
    answers = find_answers(program, entrance)
    return answers, answers.scores(program.predict(entrance.inputs(PIXELS)), 2)


@FORMATS
@pytest.mark.parametrize("labels", [list(COLORS), None])
@pytest.mark.parametrize("activation", ["softmax", None])
def test_classifiers_probabilities_and_logits_are_scores(save, name, labels, activation):
    answers, scores = answers_of(save(color_network(activation=activation), name, labels=labels))

    assert answers.labels == (None if labels is None else ("red", "green", "blue"))
    assert answers.width == 3
    assert scores.argmax(axis=1).tolist() == [0, 1]


@FORMATS
@pytest.mark.parametrize("labels", [["no", "yes"], None])
def test_one_sigmoid_is_the_probability_of_the_second_of_two(save, name, labels):
    answers, scores = answers_of(save(color_network(1, "sigmoid"), name, labels=labels))

    # 8 x (250 - 10) / 255 and 8 x (8 - 240) / 255
    expected = 1 / (1 + np.exp([-7.529, 7.278]))
    assert answers.width == 2
    np.testing.assert_allclose(scores, np.stack([1 - expected, expected], 1), atol=2e-3)


@FORMATS
def test_one_linear_unit_is_refused(save, name):
    with pytest.raises(InvalidArgumentError, match="gives one number, which is no probability"):
        answers_of(save(color_network(1, None), name))


@FORMATS
def test_one_linear_unit_is_refused_whatever_it_gives(save, name):
    network = color_network(1, None)
    network.layers[-1].set_weights([np.full((3, 1), 0.01), np.array([0.5])])

    with pytest.raises(InvalidArgumentError, match="gives one number, which is no probability"):
        answers_of(save(network, name))


@FORMATS
@pytest.mark.parametrize("labels", [list(COLORS), None])
def test_sigmoids_of_several_classes_are_refused_with_the_reason(save, name, labels):
    with pytest.raises(InvalidArgumentError, match=r"ends in 3 sigmoids.*several classes may"):
        answers_of(save(color_network(3, "sigmoid"), name, labels=labels))


def test_labels_that_another_tool_wrote_of_something_else_are_not_the_scores(save):
    path = save(name="colors.mlmodel")
    spec = ct.utils.load_spec(str(path))
    spec.description.metadata.userDefined["classes"] = "a,b,c,d"
    ct.utils.save_spec(spec, str(path))

    assert answers_of(path)[0].labels is None


def test_a_map_beside_the_scores_is_not_asked(save):
    net = color_network()
    features = layers.Conv2D(2, 3)(net.inputs[0])

    answers, scores = answers_of(save(keras.Model(net.inputs, [features, net.outputs[0]])))

    assert answers.width == 3
    assert scores.argmax(axis=1).tolist() == [0, 1]


def test_two_vectors_are_refused(save):
    net = color_network()
    means = layers.GlobalAveragePooling2D(name="means")(net.inputs[0])

    with pytest.raises(InvalidArgumentError, match=r"means \(3,\).*one vector with a score"):
        answers_of(save(keras.Model(net.inputs, [means, net.outputs[0]])))


def test_a_map_alone_is_refused(save):
    inputs = keras.Input((20, 28, 3))

    with pytest.raises(InvalidArgumentError, match=r"\(18, 26, 2\) for a picture; one vector"):
        answers_of(save(keras.Model(inputs, layers.Conv2D(2, 3, name="map")(inputs))))


@pytest.fixture
def functions(save_package, tmp_path):
    """A file of "logit", one linear unit, of its sigmoid "yes_no", the default, and of another."""
    target, several = ct.target.iOS18, ct.utils.MultiFunctionDescriptor()

    def logit(x):
        weight = np.array([[0.4, -0.4, 0.0]], np.float32)
        means = mb.reduce_mean(x=x, axes=[2, 3])
        return mb.linear(x=means, weight=weight, bias=np.array([0.5], np.float32), name="y")

    def yes_no(x):
        return mb.sigmoid(x=mb.sub(x=logit(x), y=np.float32(0.5)), name="p")

    for name, body in (("logit", logit), ("yes_no", yes_no), ("no_yes", yes_no)):
        path = save_package(
            build((1, 3, 20, 28), body, target),
            f"{name}.mlpackage",
            minimum_deployment_target=target,
        )
        several.add_function(str(path), "main", name)
    several.default_function_name = "yes_no"
    with leave_folders_to_python():
        ct.utils.save_multifunction(several, str(tmp_path / "several.mlpackage"))
    return tmp_path / "several.mlpackage"


def test_a_function_is_judged_by_its_own_last_operation(functions):
    logit = load_coreml(functions, function_name="logit")

    found = evaluate(functions, (PIXELS, [1, 0]), preprocessing="unit")

    assert found.files[0].correct == 2
    with pytest.raises(InvalidArgumentError, match="gives one number, which is no probability"):
        evaluate(logit, (PIXELS, [1, 0]), preprocessing="unit")


@pytest.mark.parametrize(
    ("other", "names"),
    [
        ({"arithmetic": "float16"}, ("float32", "float16")),
        ({"function_name": "no_yes"}, ("yes_no", "no_yes")),
        (
            {"function_name": "no_yes", "arithmetic": "float16"},
            ("yes_no, float32", "no_yes, float16"),
        ),
    ],
)
def test_what_is_opened_twice_is_told_apart_by_what_differs(functions, other, names):
    programs = [load_coreml(functions), load_coreml(functions, **other)]

    found = evaluate(programs, (PIXELS, [1, 0]), preprocessing="unit")

    assert tuple(file.name for file in found.files) == tuple(
        f"several.mlpackage ({name})" for name in names
    )
