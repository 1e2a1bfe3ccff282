"""Inputs that need not be given, and numbers as inputs."""

import numpy as np
import pytest

from mobilezoo.errors import InvalidArgumentError
from mobilezoo.runtime import Feature
from mobilezoo.runtime.examples import read_examples

from .conftest import builder

SCALE = Feature("scale", "double")


def two_inputs(shape=(3,), **declared):
    """y = x + bias, of which the bias is optional."""
    made = builder({"x": shape, "bias": shape}, {"y": shape})
    made.add_elementwise("add", ["x", "bias"], "y", "ADD")
    made.spec.description.input[1].type.isOptional = True
    for name, value in declared.items():
        setattr(made.spec.description.input[1].type.multiArrayType, name, value)
    return made


def test_an_array_that_is_not_given_has_the_declared_value_everywhere(open_network):
    program = open_network(two_inputs(floatDefaultValue=0.5))

    one = program.predict({"x": [1.0, 2.0, 3.0]})["y"]
    two = program.predict({"x": [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]})["y"]
    given = program.predict({"x": [1.0, 2.0, 3.0], "bias": [10.0, 20.0, 30.0]})["y"]

    np.testing.assert_array_equal(one, [1.5, 2.5, 3.5])
    np.testing.assert_array_equal(two, [[1.5, 2.5, 3.5], [4.5, 5.5, 6.5]])
    np.testing.assert_array_equal(given, [11.0, 22.0, 33.0])
    assert [feature.optional for feature in program.inputs] == [False, True]
    assert [feature.default_value for feature in program.inputs] == [None, 0.5]


def test_an_array_without_a_declared_value_is_zeros(open_network):
    program = open_network(two_inputs())

    np.testing.assert_array_equal(program.predict({"x": [1.0, 2.0, 3.0]})["y"], [1.0, 2.0, 3.0])
    assert [name for name, _ in program.layers({"x": [1.0, 2.0, 3.0]})] == ["y"]


def test_a_required_input_is_still_required(open_network):
    program = open_network(two_inputs())

    with pytest.raises(InvalidArgumentError, match=r"missing \['x'\]"):
        program.predict({"bias": [1.0, 2.0, 3.0]})


def test_an_optional_picture_must_be_given():
    picture = Feature("p", "image", (1, 3, 4, 5), None, 4, 5, "RGB", optional=True)

    with pytest.raises(InvalidArgumentError, match="'p' is optional, and the file does not say"):
        read_examples([picture], {})


@pytest.mark.parametrize("value", [0.25, np.float32(0.25), np.array(0.25)])
def test_a_number_is_one_example(value):
    read = read_examples([SCALE], {"scale": value})

    assert (read.count, read.arrays[0].tolist(), read.arrays[0].dtype) == (None, [0.25], np.float64)


@pytest.mark.parametrize("values", [[0.25, 3], (0.25, 3), np.array([0.25, 3.0])])
def test_several_numbers_are_as_many_examples(values):
    read = read_examples([SCALE], {"scale": values})

    assert (read.count, read.arrays[0].tolist()) == (2, [0.25, 3.0])


def test_one_number_holds_for_all_examples():
    x = Feature("x", "array", (2,), "float32", leading_batch=False)

    read = read_examples([x, SCALE], {"x": np.zeros((3, 2)), "scale": 0.25})

    assert (read.count, read.arrays[1].tolist()) == (3, [0.25, 0.25, 0.25])


def test_as_many_numbers_as_examples_are_required():
    x = Feature("x", "array", (2,), "float32", leading_batch=False)

    with pytest.raises(InvalidArgumentError, match=r"disagree .*'x': 3, 'scale': 2"):
        read_examples([x, SCALE], {"x": np.zeros((3, 2)), "scale": [0.25, 0.5]})


def test_whole_numbers_and_texts_are_read_as_they_are():
    features = [Feature("n", "int64"), Feature("name", "string")]

    read = read_examples(features, {"n": 2**53 + 1, "name": "ada"})

    assert [array.tolist() for array in read.arrays] == [[2**53 + 1], ["ada"]]


@pytest.mark.parametrize(
    ("kind", "value", "required"),
    [
        ("double", "1.5", "a number"), ("double", None, "a number"),
        ("double", [1.0, "a"], "a number"),
        ("int64", 1.5, "a whole number"), ("int64", 2**63, "a whole number"),
        ("string", 3, "a text"), ("string", [["a"]], "a text"), ("double", [], "has no values"),
    ],
)  # fmt: skip
def test_what_is_no_such_value_is_explained(kind, value, required):
    with pytest.raises(InvalidArgumentError, match=f"Input 'v' .*{required}"):
        read_examples([Feature("v", kind)], {"v": value})


@pytest.mark.parametrize(
    ("feature", "text"),
    [
        (Feature("p", "image", (1, 3, 64, 96), None, 64, 96, "BGR"), "BGR image, 96 x 64 pixels"),
        (
            Feature(
                "p", "image", (1, 1, None, 5), None, 4, 5, "GRAYSCALE", ranges=((2, 9), (5, 5))
            ),
            "GRAYSCALE image, (height, width) 2 to 9 x 5",
        ),
        (Feature("p", "array", (1, None), "float16"), "float16 array (1, any)"),
        (Feature("p", "double", optional=True), "double, optional"),
    ],
)
def test_a_feature_is_shown_in_words(feature, text):
    assert repr(feature) == f"<Feature 'p': {text}>"


def test_numbers_of_64_bits_enter_a_network_as_float32(open_network):
    made = builder({"x": (3,)}, {"y": (2,)})
    weights = np.array([[1.0, 10.0, 100.0], [0.0, 0.5, 0.25]])
    made.add_inner_product("fc", weights, None, 3, 2, False, "x", "y")
    program = open_network(made)

    ((_, value),) = program.layers({"x": np.array([1.0, 2.0, 3.0])})

    assert (value.dtype, value.ravel().tolist()) == (np.float32, [321.0, 1.75])
    assert program.predict({"x": np.array([1.0, 2.0, 3.0])})["y"].tolist() == [321.0, 1.75]
