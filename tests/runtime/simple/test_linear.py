"""GLMClassifier and GLMRegressor."""

import numpy as np
import pytest

from mobilezoo.errors import CoreMLFileError, InvalidArgumentError, UnsupportedOpError
from mobilezoo.runtime.simple.linear import probabilities, transformed, weighted_sums

from .conftest import model


def test_weighted_sums():
    weights = np.array([[1.0, 10.0, 100.0], [0.0, -1.0, 0.5]])

    y = weighted_sums(np.array([1.0, 2.0, 3.0]), weights, np.array([0.5, 7.0]))

    np.testing.assert_array_equal(y, [321.5, 6.5])


@pytest.mark.parametrize(
    ("transform", "y"),
    [
        ("NoTransform", [-1.0, 0.0, 2.0]),
        ("Logit", [0.268941, 0.5, 0.880797]),
        ("Probit", [0.158655, 0.5, 0.977250]),  # tables of the normal distribution
    ],
)
def test_transforms(transform, y):
    np.testing.assert_allclose(transformed(np.array([-1.0, 0.0, 2.0]), transform), y, rtol=1e-5)


def test_large_scores_do_not_overflow():
    np.testing.assert_array_equal(transformed(np.array([-1e4, 1e4]), "Logit"), [0.0, 1.0])
    np.testing.assert_array_equal(
        probabilities(np.array([1e4, -1e4]), 3, "Logit", "ReferenceClass"), [0.0, 1.0, 0.0]
    )


def test_one_score_of_two_classes_is_that_of_the_second():
    for encoding in ("ReferenceClass", "OneVsRest"):
        p = probabilities(np.array([2.0]), 2, "Logit", encoding)

        np.testing.assert_allclose(p, [0.119203, 0.880797], rtol=1e-5)


def test_the_reference_class_has_the_score_0():
    p = probabilities(np.log([2.0, 5.0]), 3, "Logit", "ReferenceClass")

    np.testing.assert_allclose(p, [1 / 8, 2 / 8, 5 / 8])


def test_one_against_the_rest_divides_by_the_sum():
    p = probabilities(np.log([1.0, 3.0, 1 / 3]), 3, "Logit", "OneVsRest")  # 1/2, 3/4, 1/4

    np.testing.assert_allclose(p, [2 / 6, 3 / 6, 1 / 6])


def classifier(labels, weights, offset, predicted="label", scores="scores", **fields):
    whole = isinstance(labels[0], int)
    made = model(
        "glmClassifier", {"x": (2,)}, {predicted: "int64" if whole else "string"}, offset=offset,
        **fields,
    )  # fmt: skip
    for row in weights:
        made.glmClassifier.weights.add().value.extend(row)
    field = "int64ClassLabels" if whole else "stringClassLabels"
    getattr(made.glmClassifier, field).vector.extend(labels)
    made.description.predictedFeatureName = predicted
    if scores:
        made.description.predictedProbabilitiesName = scores
        keys = made.description.output.add(name=scores).type.dictionaryType
        (keys.int64KeyType if whole else keys.stringKeyType).SetInParent()
    return made


def test_a_classifier_of_two_texts(open_simple):
    program = open_simple(classifier(["no", "yes"], [[1.0, -1.0]], [0.5]))

    one = program.predict({"x": [2.0, 1.0]})  # score 1.5
    two = program.predict({"x": [[2.0, 1.0], [0.0, 1.0]]})  # and -0.5

    assert one["label"] == "yes"
    assert one["scores"] == pytest.approx({"no": 0.182426, "yes": 0.817574}, rel=1e-5)
    assert two["label"] == ["yes", "no"]
    assert two["scores"][1]["yes"] == pytest.approx(0.377541, rel=1e-5)
    assert program.is_classifier
    assert program.labels == ("no", "yes")


def test_a_classifier_of_whole_numbers_without_probabilities(open_simple):
    weights = [[1.0, 0.0], [0.0, 1.0]]
    program = open_simple(classifier([5, 7, 9], weights, [], scores=None))

    assert program.predict({"x": [-1.0, -2.0]}) == {"label": 5}
    assert program.predict({"x": [[2.0, 1.0], [1.0, 2.0]]}) == {"label": [7, 9]}


def regressor(weights, offset, outputs, **fields):
    made = model("glmRegressor", {"x": (2,)}, outputs, offset=offset, **fields)
    for row in weights:
        made.glmRegressor.weights.add().value.extend(row)
    made.description.predictedFeatureName = next(iter(outputs), "")
    return made


def test_a_regressor_gives_a_number(open_simple):
    program = open_simple(regressor([[1.0, 10.0]], [0.5], {"y": "double"}))

    assert program.predict({"x": [1.0, 2.0]}) == {"y": 21.5}
    assert program.predict({"x": [[1.0, 2.0], [3.0, 4.0]]}) == {"y": [21.5, 43.5]}


def test_a_regressor_may_transform_and_give_several(open_simple):
    made = regressor(
        [[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]], [], {"y": (3,)}, postEvaluationTransform=1
    )
    program = open_simple(made)

    y = program.predict({"x": [2.0, -1.0]})["y"]

    np.testing.assert_allclose(y, [0.880797, 0.268941, 0.5], rtol=1e-5)


def test_a_model_of_another_number_of_features_says_so(open_simple):
    program = open_simple(regressor([[1.0, 2.0, 3.0]], [], {"y": "double"}))

    with pytest.raises(
        InvalidArgumentError, match="glmRegressor: a linear model of 3 numbers was g"
    ):
        program.predict({"x": [1.0, 2.0]})


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (classifier(["a", "b", "c"], [[1.0, 2.0]], []), "1 rows of weights for 3 labels, Referen"),
        (classifier(["a", "b"], [[1.0, 2.0]] * 2, []), "2 rows of weights for 2 labels, Referen"),
        (
            classifier(["a", "b"], [[1.0], [1.0, 2.0]], []),
            r"rows of \[1, 2\] weights and 0 offsets",
        ),
        (classifier(["a", "b"], [[1.0, 2.0]], [1.0, 2.0]), r"rows of \[2\] weights and 2 offsets"),
        (classifier(["a", "b"], [], []), r"rows of \[\] weights"),
        (classifier(["a", "b"], [[1.0, 2.0]], [], classEncoding=4), "classEncoding is the unknown"),
        (regressor([[1.0, 2.0]] * 2, [], {"y": "double"}), "2 rows of weights for 1 outputs"),
        (
            regressor([[1.0, 2.0]], [], {"y": "double", "z": "double"}),
            "1 rows of weights for 2 out",
        ),
    ],
)
def test_damaged_models_are_refused(open_simple, made, message):
    with pytest.raises(CoreMLFileError, match=message):
        open_simple(made)


def test_a_classifier_without_a_name_for_the_label_is_damaged(open_simple):
    made = classifier(["a", "b"], [[1.0, 2.0]], [])
    made.description.predictedFeatureName = ""

    with pytest.raises(CoreMLFileError, match="the output of the label is ''"):
        open_simple(made)


@pytest.mark.parametrize(
    ("place", "kind", "message"),
    [
        (0, "double", "'label' is declared as double, and holds the label"),
        (1, "double", "'scores' is declared as double, and holds probabilities"),
    ],
)
def test_answers_that_are_declared_as_something_else_are_damaged(open_simple, place, kind, message):
    made = classifier(["a", "b"], [[1.0, 2.0]], [])
    getattr(made.description.output[place].type, kind + "Type").SetInParent()

    with pytest.raises(CoreMLFileError, match=message):
        open_simple(made)


def test_probit_of_three_classes_is_not_supported(open_simple):
    made = classifier(["a", "b", "c"], [[1.0, 2.0]] * 2, [], postEvaluationTransform=1)

    with pytest.raises(UnsupportedOpError, match="Probit of 3 classes"):
        open_simple(made)
