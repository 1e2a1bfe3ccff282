"""Calibration inputs: arrays, datasets and generators; anything else is one clear error."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from mobilezoo import export_coreml
from mobilezoo.coreml.calibration import MOST_BATCHES
from mobilezoo.coreml.overflow import largest_values
from mobilezoo.errors import InvalidArgumentError

ONES = np.ones((5, 4, 3), "float32")


def doubling():
    """One input x (4, 3) -> 2 x."""
    inputs = keras.Input((4, 3), name="x")
    return keras.Model(inputs, layers.Rescaling(2.0, name="double")(inputs))


def adding():
    a, b = keras.Input((3,), name="a"), keras.Input((3,), name="b")
    return keras.Model([a, b], layers.Add(name="sum")([a, b]))


class Batches(keras.utils.PyDataset):
    def __len__(self):
        return 3

    def __getitem__(self, i):
        return ONES * i, np.zeros(5)


@pytest.mark.parametrize(
    ("given", "largest"),
    [
        (ONES, 2.0),
        ([ONES], 2.0),
        ({"x": ONES}, 2.0),
        (np.concatenate([ONES * i for i in range(20)]), 38.0),
        (tf.data.Dataset.from_tensor_slices(ONES).batch(2), 2.0),
        (tf.data.Dataset.from_tensor_slices((ONES, np.zeros(5))).batch(2), 2.0),
        (Batches(), 4.0),
        ((ONES * i for i in range(1, 4)), 6.0),
    ],
)
def test_layers_are_measured_on_what_users_have(given, largest):
    measured = largest_values(doubling(), given)

    assert measured == {"double": largest}


def test_of_a_generator_without_end_the_first_batches_are_read():
    numbers = itertools.count()

    measured = largest_values(doubling(), (ONES * n for n in numbers))

    assert measured == {"double": 2.0 * (MOST_BATCHES - 1)}
    assert next(numbers) == MOST_BATCHES


@pytest.mark.parametrize(
    "given",
    [
        [ONES[0], ONES[0]],
        {"b": ONES[0], "a": ONES[0]},
        tf.data.Dataset.from_tensor_slices({"a": ONES[0], "b": ONES[0]}).batch(2),
        iter([([ONES[0], ONES[0]], np.zeros(4))]),
    ],
)
def test_several_inputs_are_measured(given):
    assert largest_values(adding(), given) == {"sum": 2.0}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("pictures", "calibration='pictures' is no array of numbers"),
        (object(), "is no array of numbers"),
        (np.array(["a"]), "is no array of numbers"),
        ([[[1.0], [2.0, 3.0]]], "holds no arrays of numbers"),
        ([], r"calibration has shapes \[\]"),
        (5, r"calibration has shapes \[\(\)\]"),
        (ONES[:0], "has 0 examples"),
        ({}, "has the inputs none; the model takes x"),
        ({"y": ONES}, "has the inputs y; the model takes x"),
        (iter([]), "yields no batch"),
        (tf.data.Dataset.from_tensor_slices(ONES), r"has shapes \[\(4, 3\)\]"),
        (ONES * np.nan, "holds NaN or infinity for input 'x'"),
        (iter([ONES, ONES * np.inf]), "holds NaN or infinity for input 'x'"),
    ],
)
def test_what_cannot_be_measured_is_refused(given, message):
    with pytest.raises(InvalidArgumentError, match=message):
        export_coreml(doubling(), inputs="array", calibration=given)


def test_as_many_examples_for_each_input_are_needed():
    with pytest.raises(InvalidArgumentError, match="calibration has 2 and 3 examples"):
        export_coreml(adding(), calibration=[np.ones((2, 3)), np.ones((3, 3))])


def test_numbers_that_the_model_cannot_compute_with_are_refused():
    ids = keras.Input((3,), dtype="int32", name="ids")
    model = keras.Model(ids, layers.Flatten()(layers.Embedding(5, 2)(ids)))

    with pytest.raises(InvalidArgumentError, match="cannot be computed on the calibration inputs"):
        export_coreml(model, calibration=np.array([[1, 2, 7]]))


def test_in_float32_there_is_nothing_to_measure(tmp_path):
    with pytest.raises(InvalidArgumentError, match="precision='float32' holds them"):
        export_coreml(doubling(), tmp_path / "m.mlpackage", precision="float32", calibration=ONES)
