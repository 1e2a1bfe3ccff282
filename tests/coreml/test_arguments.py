"""Arguments that cannot be used: one error of the library, before any work."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from mobilezoo import export_coreml, mobilenet
from mobilezoo.errors import InvalidArgumentError


@pytest.fixture
def model(functional):
    return functional(layers.Conv2D(4, 3))


def test_arguments_in_the_wrong_order_are_noticed(model, tmp_path):
    with pytest.raises(InvalidArgumentError, match=r"order is export_coreml\(model, path\)"):
        export_coreml(tmp_path / "m.mlpackage", model)


class OfTorch:
    __module__ = "torch.nn.modules.linear"


@pytest.mark.parametrize(
    ("given", "what_to_do"),
    [
        ("m.keras", r"got builtins\.str\. Load saved models with keras\.models\.load_model"),
        (None, "NoneType. Build one"),
        (tf.Module(), r"models of PyTorch and TensorFlow take coremltools\.convert"),
        (OfTorch(), r"models of PyTorch and TensorFlow take coremltools\.convert"),
        (layers.Dense(3), r"keras\.Sequential\(\[keras\.Input\(shape\), layer\]\)"),
        (keras.Sequential, "got the class keras.*Call it"),
        (mobilenet, "got builtins.function. Call it"),
    ],
)
def test_what_is_no_model_is_refused(given, what_to_do):
    with pytest.raises(InvalidArgumentError, match=what_to_do):
        export_coreml(given, inputs="array")


@pytest.mark.parametrize("path", ["", 5, b"m.mlpackage", ["m.mlpackage"], "a\0.mlpackage"])
def test_what_is_no_path_is_refused(model, path):
    with pytest.raises(InvalidArgumentError, match=r"must be a path that ends in \.mlpackage"):
        export_coreml(model, path, inputs="array")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"precision": ["float16"]}, "Unknown precision"),
        ({"preprocessing": ["tf"], "inputs": "image"}, "Unknown preprocessing"),
        ({"inputs": np.zeros(2)}, "choose 'image' or 'array'"),
        ({"overwrite": "no"}, "overwrite='no' must be True or False"),
        ({"input_shape": 5}, "input_shape=5 must be whole numbers"),
        ({"input_shape": (9, 7, 3.0)}, "must be whole numbers"),
        ({"input_shape": (True, 7, 3)}, "must be whole numbers"),
        ({"input_shape": (0, 7, 3)}, "must be whole numbers above 0"),
        ({"version": 1.2}, "version=1.2 must be a text, such as version='1.2', or None"),
        ({"author": ["A", "B"]}, "must be a text"),
        ({"license": b"MIT"}, "must be a text"),
        ({"short_description": "\ud800"}, "cannot be written in UTF-8"),
    ],
)
def test_values_of_another_kind_are_refused(model, tmp_path, options, message):
    with pytest.raises(InvalidArgumentError, match=message):
        export_coreml(model, tmp_path / "m.mlpackage", **{"inputs": "array", **options})

    assert not list(tmp_path.iterdir())


def test_texts_may_be_none(model):
    exported = export_coreml(
        model, inputs="array", author=None, license=None, short_description=None, version=None
    )

    assert (exported.author, exported.license, exported.version) == ("", "", "")


def test_sides_may_be_numpy_s_numbers(model):
    exported = export_coreml(model, inputs="array", input_shape=np.array([9, 7, 3]))

    assert exported.get_spec().description.input[0].type.multiArrayType.shape == [1, 9, 7, 3]
