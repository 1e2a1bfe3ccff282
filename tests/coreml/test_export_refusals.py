"""Arguments and models that cannot be exported: nothing is written, the message says what to do."""

import numpy as np
import pytest
from keras import layers, ops

from mobilezoo import export_coreml, mobilenet
from mobilezoo.errors import InvalidArgumentError, UnsupportedLayersError

from .custom import Apply


def expect_refused(error, match, model, path, **options):
    with pytest.raises(error, match=match):
        export_coreml(model, path, **options)
    assert list(path.parent.iterdir()) == []


def test_an_unknown_precision_is_refused(small_mobilenet, tmp_path):
    expect_refused(
        InvalidArgumentError,
        "Unknown precision 'fp16'. Choose float32, float16, int8, int4, palette1 to palette8, or a "
        "Palette, Linear, Sparse or W8A8. "
        "Did you mean 'float16'",
        small_mobilenet,
        tmp_path / "m.mlpackage",
        precision="fp16",
    )


def test_unknown_preprocessing_of_a_picture_is_refused(functional, tmp_path):
    expect_refused(
        InvalidArgumentError,
        "how their pixels must be prepared is not known",
        functional(layers.ReLU()),
        tmp_path / "m.mlpackage",
    )


def test_free_sides_are_refused(tmp_path):
    expect_refused(
        InvalidArgumentError,
        r"has free sides: \(None, None, 3\).*pass input_shape",
        mobilenet(include_top=False, alpha=0.25),
        tmp_path / "m.mlpackage",
    )


def test_the_free_length_of_a_sequence_is_refused_in_its_own_words(functional, tmp_path):
    expect_refused(
        InvalidArgumentError,
        r"has free sides: \(None, 4\).*pass input_shape=\(length, channels\), --input-shape on the "
        r"command line\.$",
        functional(layers.Conv1D(3, 3), layers.GlobalAveragePooling1D(), shape=(None, 4)),
        tmp_path / "m.mlpackage",
    )


def test_an_unsupported_layer_is_named(functional, tmp_path):
    expect_refused(
        UnsupportedLayersError,
        r"Apply \(sort\): keras\.ops Sort: it cannot be exported; compute the same by other",
        functional(layers.Conv2D(3, 2), Apply(ops.sort, name="sort")),
        tmp_path / "m.mlpackage",
        inputs="array",
    )


@pytest.mark.parametrize(
    ("labels", "match"),
    [
        (["a"] * 7, "'a' given more than once"),
        (["a", "b", "c", "d", "e", "f", ""], "Label 6 is empty"),
        (5, "must be a name, a file or a list"),
        (["a", "b"], "2 labels given, the model has 7 classes"),
        ("no/such/file.txt", "neither 'imagenet', 'cifar10', 'digits' nor a readable text file"),
    ],
)
def test_labels_that_do_not_fit_are_refused(small_mobilenet, tmp_path, labels, match):
    expect_refused(
        InvalidArgumentError, match, small_mobilenet, tmp_path / "m.mlpackage", labels=labels
    )


def test_a_target_that_the_format_does_not_reach_is_refused(small_mobilenet, tmp_path):
    expect_refused(
        InvalidArgumentError,
        "A .mlpackage needs iOS15; minimum_deployment_target='iOS13' is older. Write a .mlmodel",
        small_mobilenet,
        tmp_path / "m.mlpackage",
        minimum_deployment_target="iOS13",
    )


def test_weights_beyond_float16_are_named(functional, tmp_path):
    model = functional(layers.Conv2D(2, 3, name="huge"))
    model.get_layer("huge").kernel.assign(np.full((3, 3, 3, 2), 1e5))

    expect_refused(
        InvalidArgumentError,
        "'kernel' of layer 'huge' holds 100000; float16 reaches 65504.*precision='float32'",
        model,
        tmp_path / "m.mlpackage",
        inputs="array",
    )


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_broken_weights_are_named(functional, tmp_path, broken):
    model = functional(layers.Conv2D(2, 3, name="broken"))
    model.get_layer("broken").bias.assign([0.0, broken])

    expect_refused(
        InvalidArgumentError,
        "'bias' of layer 'broken' holds",
        model,
        tmp_path / "m.mlpackage",
        inputs="array",
        precision="float32",
    )
