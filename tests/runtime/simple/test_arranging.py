"""Scaler, Normalizer, FeatureVectorizer, ArrayFeatureExtractor and Identity."""

import numpy as np
import pytest

from mobilezoo.errors import CoreMLFileError, InvalidArgumentError, UnsupportedOpError
from mobilezoo.runtime.simple.arranging import concatenate, extract, normalize, scale

from .conftest import model


def test_scale_shifts_first():
    y = scale(np.array([[1.0, 2.0, 3.0]]), np.array([-1.0, 0.0, 1.0]), np.array([10.0, 1.0, 0.5]))

    np.testing.assert_array_equal(y, [[0.0, 2.0, 2.0]])


def test_scale_by_one_number_scales_all():
    y = scale(np.array([1.0, 2.0]), np.array([3.0]), np.array([0.5]))

    np.testing.assert_array_equal(y, [2.0, 2.5])


@pytest.mark.parametrize(
    ("norm", "y"),
    [
        ("LMax", [-1.333333, 1.0, 0.333333]),
        ("L1", [-0.5, 0.375, 0.125]),
        ("L2", [-0.784465, 0.588348, 0.196116]),
    ],
)
def test_normalize_divides_by_the_norm(norm, y):
    # largest 3, sum of absolute values 8, root of 26
    np.testing.assert_allclose(normalize(np.array([-4.0, 3.0, 1.0]), norm), y, rtol=1e-5)


@pytest.mark.parametrize("norm", ["LMax", "L1", "L2"])
def test_normalize_leaves_zeros_as_they_are(norm):
    np.testing.assert_array_equal(normalize(np.zeros(3), norm), [0.0, 0.0, 0.0])


def test_concatenate_takes_numbers_and_arrays():
    y = concatenate([np.array([[1, 2], [3, 4]]), np.float64(0.5), np.array([7.0])])

    np.testing.assert_array_equal(y, [1.0, 2.0, 3.0, 4.0, 0.5, 7.0])


def test_extract_counts_in_c_order():
    np.testing.assert_array_equal(extract(np.array([[1.0, 2.0], [3.0, 4.0]]), [2, 0, 2]), [3, 1, 3])


def test_a_scaler_alone_in_a_file(open_simple):
    made = model("scaler", {"x": (3,)}, {"y": (3,)}, shiftValue=[-1.0, 0.0, 1.0], scaleValue=[0.1])
    program = open_simple(made)

    one = program.predict({"x": [1.0, 2.0, 3.0]})["y"]
    two = program.predict({"x": np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])})["y"]

    np.testing.assert_array_equal(one, np.array([0.0, 2.0, 4.0]) * 0.1)  # of float64
    np.testing.assert_array_equal(two, np.array([[0.0, 2.0, 4.0], [3.0, 5.0, 7.0]]) * 0.1)
    assert one.dtype == np.float64
    assert program.op_types() == {"scaler": 1}
    assert [name for name, _ in program.layers({"x": [1.0, 2.0, 3.0]})] == ["y"]
    assert program.weights() == {}


def test_a_scaler_of_numbers(open_simple):
    program = open_simple(model("scaler", {"x": "double"}, {"y": "double"}, scaleValue=[0.5]))

    assert program.predict({"x": 3}) == {"y": 1.5}
    assert program.predict({"x": [3, 5.0]}) == {"y": [1.5, 2.5]}
    assert program.predict([{"x": 3}, {"x": 5.0}]) == [{"y": 1.5}, {"y": 2.5}]


def test_a_whole_number_is_not_rounded_silently(open_simple):
    program = open_simple(model("scaler", {"x": "int64"}, {"y": "int64"}, scaleValue=[0.5]))

    assert program.predict({"x": 6}) == {"y": 3}
    with pytest.raises(InvalidArgumentError, match=r"scaler: 'y' is 3\.5, and a whole number is"):
        program.predict({"x": 7})


def test_a_normalizer_alone_in_a_file(open_simple):
    program = open_simple(model("normalizer", {"x": ()}, {"y": ()}, normType=1))

    np.testing.assert_array_equal(program.predict({"x": [1.0, -3.0]})["y"], [0.25, -0.75])
    np.testing.assert_array_equal(program.predict({"x": [1.0, 1.0, 2.0]})["y"], [0.25, 0.25, 0.5])


def vectorizer(size=2):
    made = model("featureVectorizer", {"a": (2,), "n": "int64", "b": "double"}, {"y": (4,)})
    for name, count in (("b", 1), ("a", size), ("n", 1)):
        made.featureVectorizer.inputList.add(inputColumn=name, inputDimensions=count)
    return made


def test_a_vectorizer_keeps_the_order_of_its_columns(open_simple):
    program = open_simple(vectorizer())

    one = program.predict({"a": [1.0, 2.0], "n": 3, "b": 0.5})["y"]
    two = program.predict({"a": [[1.0, 2.0], [4.0, 5.0]], "n": [3, 6], "b": 0.5})["y"]

    np.testing.assert_array_equal(one, [0.5, 1.0, 2.0, 3.0])
    np.testing.assert_array_equal(two, [[0.5, 1.0, 2.0, 3.0], [0.5, 4.0, 5.0, 6.0]])


def test_an_extractor_gives_a_number_or_an_array(open_simple):
    several = open_simple(
        model("arrayFeatureExtractor", {"x": (3,)}, {"y": (2,)}, extractIndex=[2, 0])
    )
    one = open_simple(
        model("arrayFeatureExtractor", {"x": (3,)}, {"y": "double"}, extractIndex=[1])
    )

    assert several.predict({"x": [5.0, 6.0, 7.0]})["y"].tolist() == [7.0, 5.0]
    assert one.predict({"x": [5.0, 6.0, 7.0]}) == {"y": 6.0}


def test_identity_passes_values_by_name(open_simple):
    same = {"s": "string", "n": "int64", "x": (2,)}
    program = open_simple(model("identity", same, dict(reversed(same.items()))))

    answer = program.predict({"s": "ada", "n": 2**53 + 1, "x": [1.0, 2.0]})

    assert (answer["s"], answer["n"], answer["x"].tolist()) == ("ada", 2**53 + 1, [1.0, 2.0])


def test_identity_passes_values_by_place_where_names_differ(open_simple):
    program = open_simple(
        model("identity", {"x": "double", "y": "double"}, {"v": "double", "w": "double"})
    )

    assert program.predict({"x": 1.0, "y": 2.0}) == {"v": 1.0, "w": 2.0}


def beyond():
    return model("arrayFeatureExtractor", {"x": (3,)}, {"y": (1,)}, extractIndex=[3])


@pytest.mark.parametrize(
    ("made", "inputs", "message"),
    [
        (beyond(), {"x": [1, 2, 3]}, "place 3 of an array of 3"),
        (vectorizer(5), {"a": [1, 2], "n": 3, "b": 0}, "'a' has 2 numbers; 5 are required"),
        (
            model("scaler", {"x": (3,)}, {"y": (3,)}, shiftValue=[1.0, 2.0]), {"x": [1, 2, 3]},
            "a scaler of 2 numbers was given 3",
        ),
    ],
)  # fmt: skip
def test_numbers_that_do_not_fit_are_explained(open_simple, made, inputs, message):
    program = open_simple(made)

    with pytest.raises(InvalidArgumentError, match=message):
        program.predict(inputs)


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (model("scaler", {"x": (3,), "z": (3,)}, {"y": (3,)}), "2 inputs and 1 outputs"),
        (model("identity", {"x": (3,), "z": (3,)}, {"y": (3,)}), "2 inputs, 1 outputs"),
        (model("identity", {"x": "string"}, {"y": "int64"}), "'y' is of another kind than its in"),
        (model("normalizer", {"x": (3,)}, {"y": (3,)}, normType=7), "the norm 7 is not known"),
        (model("arrayFeatureExtractor", {"x": (3,)}, {"y": (1,)}), "extractIndex is empty"),
        (model("featureVectorizer", {"x": (3,)}, {"y": (3,)}), r"columns \[\] for 1 outputs"),
        (model("scaler", {}, {"y": (3,)}), "no input, no output"),
    ],
)
def test_damaged_models_are_refused(open_simple, made, message):
    with pytest.raises(CoreMLFileError, match=message):
        open_simple(made)


def test_dictionaries_are_not_supported(open_simple):
    with pytest.raises(UnsupportedOpError, match="'x', dictionary; known are array, double, int64"):
        open_simple(model("featureVectorizer", {"x": "dictionary"}, {"y": (3,)}))


def test_a_model_that_makes_another_shape_than_declared_is_damaged(open_simple):
    program = open_simple(model("normalizer", {"x": (3,)}, {"y": (2,)}))

    with pytest.raises(CoreMLFileError, match=r"'y' is declared as \(2,\), the model makes \(3,\)"):
        program.predict({"x": [1.0, 2.0, 3.0]})
