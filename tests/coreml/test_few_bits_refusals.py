"""Weights of few bits that cannot be: nothing is written, and the message says what to do."""

import keras
import numpy as np
import pytest
from keras import layers

from mobilezoo import benchmark, export_coreml, mobilenet
from mobilezoo.coreml.precision import precision
from mobilezoo.errors import InvalidArgumentError


def model():
    inputs = keras.Input((9, 7, 6), name="x")
    x = layers.Flatten()(layers.Conv2D(40, (3, 5), name="conv")(inputs))
    return keras.Model(inputs, layers.Dense(11, name="dense")(x))


@pytest.mark.parametrize("path", ["m.mlpackage", None])
def test_a_package_in_few_bits_is_refused(tmp_path, path):
    with pytest.raises(
        InvalidArgumentError, match=r"int8' is written to neural networks.*ends in \.mlmodel"
    ):
        export_coreml(model(), path and tmp_path / path, precision="int8", inputs="array")

    assert list(tmp_path.iterdir()) == []


def test_without_a_path_the_target_makes_it_a_neural_model():
    exported = export_coreml(
        model(), precision="palette2", inputs="array", minimum_deployment_target="iOS12"
    )

    assert exported.get_spec().specificationVersion == 3


def test_an_older_system_is_refused(tmp_path):
    with pytest.raises(
        InvalidArgumentError,
        match=r"palette4 needs iOS12;.*precision='float32' or 'float16', or .*='iOS12'",
    ):
        export_coreml(
            model(), tmp_path / "m.mlmodel", precision="palette4",
            minimum_deployment_target="iOS11.2",
        )  # fmt: skip


@pytest.mark.parametrize("name", ["int8", "palette4"])
def test_a_broken_weight_is_refused_with_its_layer(tmp_path, name):
    broken = model()
    kernel, bias = broken.get_layer("conv").get_weights()
    kernel[1, 2, 3, 4] = np.nan
    broken.get_layer("conv").set_weights([kernel, bias])

    with pytest.raises(InvalidArgumentError, match="'kernel' of layer 'conv' holds NaN"):
        export_coreml(broken, tmp_path / "m.mlmodel", precision=name, inputs="array")

    assert list(tmp_path.iterdir()) == []


def test_layers_that_learn_are_not_stored_in_few_bits(tmp_path):
    with pytest.raises(InvalidArgumentError, match="updatable= needs float32 weights, not int8"):
        export_coreml(model(), tmp_path / "m.mlmodel", precision="int8", updatable=["dense"])


def test_the_size_of_such_a_package_is_not_predicted():
    with pytest.raises(InvalidArgumentError, match=r"'palette4' is written to \.mlmodel only"):
        benchmark.predict_size_bytes(mobilenet((64, 96, 3), alpha=0.25), "palette4")


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("8bit", "int8 or palette8"),
        ("int4", "palette4"),
        ("4-bit", "palette4"),
        ("quantized", "int8"),
        ("palette", "palette8"),
        ("palete2", "palette2"),
        (6, "palette6"),
        ("half", "float16"),
    ],
)
def test_what_was_meant_is_guessed(given, meant):
    with pytest.raises(InvalidArgumentError, match=f"Did you mean '?{meant}'?"):
        precision(given)


def test_nonsense_gets_no_guess():
    with pytest.raises(InvalidArgumentError, match=r"palette1 to palette8\.$"):
        precision("excellent")
