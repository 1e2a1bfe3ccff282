"""What a file says of itself."""

import coremltools
import keras
import pytest

from mobilezoo import export_coreml, inspect_coreml, mobilenet, randomize_weights
from mobilezoo._content import CONTENT_HASH
from mobilezoo.data.source import set_weights_source


@pytest.fixture(scope="module")
def model():
    return randomize_weights(mobilenet((64, 96, 3), alpha=0.25, classes=3))


@pytest.mark.parametrize("suffix", ["mlpackage", "mlmodel"])
def test_versions_descriptions_and_a_hash_of_the_content(model, tmp_path, suffix):
    path = tmp_path / f"m.{suffix}"

    description = export_coreml(model, path, labels=list("abc")).get_spec().description

    metadata = description.metadata.userDefined
    assert metadata["com.mobilezoo.keras"] == keras.__version__
    assert metadata["com.mobilezoo.coremltools"] == coremltools.__version__
    assert metadata[CONTENT_HASH] == inspect_coreml(path).content_hash
    assert description.input[0].shortDescription == "A picture, 96 pixels wide and 64 high"
    assert [item.shortDescription for item in description.output] == [
        "The most likely class", "The probability of each class",
    ]  # fmt: skip
    assert "com.mobilezoo.weights" not in metadata


def test_the_hash_is_of_what_is_computed_not_of_what_is_said(model, tmp_path):
    hashes = [
        export_coreml(model, **options).get_spec().description.metadata.userDefined[CONTENT_HASH]
        for options in ({}, {"author": "Somebody", "version": "2"}, {"precision": "float32"})
    ]

    assert hashes[0] == hashes[1] != hashes[2]


def test_published_weights_are_named_with_their_licence(model):
    set_weights_source(model, "https://example.org/w.h5; licence: MIT")
    try:
        metadata = export_coreml(model).get_spec().description.metadata.userDefined
    finally:
        set_weights_source(model, "")

    assert metadata["com.mobilezoo.weights"] == "https://example.org/w.h5; licence: MIT"
