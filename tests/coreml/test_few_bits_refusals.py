"""Weights of few bits that cannot be: nothing is written, and the message says what to do."""

import keras
import numpy as np
import pytest
from keras import layers

from mobilezoo import Linear, Palette, Sparse, benchmark, export_coreml, mobilenet
from mobilezoo.coreml.precision import precision
from mobilezoo.errors import InvalidArgumentError


def model():
    inputs = keras.Input((9, 7, 6), name="x")
    x = layers.Flatten()(layers.Conv2D(40, (3, 5), name="conv")(inputs))
    return keras.Model(inputs, layers.Dense(11, name="dense")(x))


@pytest.mark.parametrize("path", ["m.mlpackage", None])
@pytest.mark.parametrize("name", ["palette5", "palette7"])
def test_a_package_cannot_have_tables_of_5_and_7_bits(tmp_path, path, name):
    with pytest.raises(
        InvalidArgumentError,
        match=rf"{name}' is written to neural networks .* palette1, palette2, palette3, palette4, "
        r"palette6, palette8\. .* ends in \.mlmodel",
    ):
        export_coreml(model(), path and tmp_path / path, precision=name, inputs="array")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("given", ["int4", Palette(4, 16), Linear(8, 32), Sparse(0.5)])
def test_a_neural_network_has_one_table_and_scales_of_channels_only(tmp_path, given):
    with pytest.raises(
        InvalidArgumentError, match=r"is written to ML programs \(\.mlpackage\) only"
    ):
        export_coreml(model(), tmp_path / "m.mlmodel", precision=given, inputs="array")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (Palette(9), r"bits must be one of 1, 2, 3, 4, 5, 6, 7, 8\."),
        (Palette(4.0), r"bits must be one of"),
        (Palette(4, 0), r"channels are counted from 1 on"),
        (Linear(6), r"Linear\(bits=6, .* bits must be one of 4, 8\."),
        (Linear(4, "32"), r"channels are counted from 1 on"),
        (Sparse(50), r"density must be above 0 and below 1; 0\.25 keeps a quarter"),
        (Sparse(1.0), r"density must be"),
        (Sparse(0.5, "palette4"), r"values must be a Palette or a Linear"),
        (Sparse(0.5, Palette(4, 16)), r"one table, .* Leave group_size and block_size out"),
        (4, r"Unknown precision 4\. Choose float32, float16, int8, int4, palette1 to palette8"),
        ({}, r"must say a precision for each name or pattern"),
        ({"conv": "palet4"}, r"Unknown precision 'palet4'\..* Did you mean 'palette4'"),
        ({"conv": "float32"}, r"'conv': float32 is a precision of whole files"),
        ({"conw": "int8"}, r"'conw' fits no layer with weights\. .*conv.* Did you mean 'conv'"),
    ],
)
@pytest.mark.parametrize("suffix", [".mlpackage", ".mlmodel"])
def test_what_is_no_precision_is_explained(tmp_path, given, message, suffix):
    with pytest.raises(InvalidArgumentError, match=message):
        export_coreml(model(), tmp_path / f"m{suffix}", precision=given, inputs="array")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("given", "older", "lowest"),
    [("int8", "iOS15", "iOS16"), ("int4", "iOS17", "iOS18"), ("palette3", "macOS14", "macOS15")],
)
def test_a_package_for_an_older_system_is_refused(tmp_path, given, older, lowest):
    with pytest.raises(
        InvalidArgumentError,
        match=rf"\.mlpackage in {given} needs {lowest};.*'float32' or 'float16'",
    ):
        export_coreml(
            model(), tmp_path / "m.mlpackage", precision=given, minimum_deployment_target=older
        )


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
    with pytest.raises(InvalidArgumentError, match=r"in 'palette4' and measure the file with"):
        benchmark.predict_size_bytes(mobilenet((64, 96, 3), alpha=0.25), "palette4")


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("8bit", "int8 or palette8"),
        ("uint4", "int4 or palette4"),
        ("4-bit", "int4 or palette4"),
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
    with pytest.raises(InvalidArgumentError, match=r"or a Palette, Linear, Sparse or W8A8\.$"):
        precision("excellent")
