"""How an ML program prepares the pixels of a picture."""

import pytest
from keras import layers

from mobilezoo import Preprocessing, export_coreml, verify


def operations(exported):
    (block,) = exported.get_spec().mlProgram.functions["main"].block_specializations.values()
    return [item.type for item in block.operations if item.type != "const"]


@pytest.mark.parametrize(
    ("mean", "scale"),
    [((0.0, 2.0, 3.0), (1.0,)), ((0.0,), (1.0, 0.5, 0.25)), ((0.0, 2.0, 3.0), (0.5, 1.0, 0.25))],
)
def test_a_channel_that_stays_as_it_is_does_not_hide_the_others(mean, scale, functional, tmp_path):
    model = functional(layers.ReLU(negative_slope=0.5, name="relu"), shape=(5, 4, 3))
    record = Preprocessing("odd", mean, scale)

    export_coreml(model, tmp_path / "m.mlpackage", precision="float32", preprocessing=record)

    assert verify(model, tmp_path / "m.mlpackage").largest_difference < 1e-6


def test_the_mean_is_subtracted_before_float16_rounds_a_quotient(functional, tmp_path):
    model = functional(layers.ReLU(name="relu"), shape=(5, 4, 3))

    exported = export_coreml(model, tmp_path / "m.mlpackage", preprocessing="tf")

    assert operations(exported)[:4] == ["cast", "sub", "mul", "relu"]


def test_a_grey_picture_is_higher_than_wide(functional, tmp_path):
    model = functional(layers.Permute((2, 1, 3), name="turned"), shape=(5, 4, 1))

    export_coreml(model, tmp_path / "m.mlpackage", precision="float32", preprocessing="tf")

    assert verify(model, tmp_path / "m.mlpackage").largest_difference < 1e-6
