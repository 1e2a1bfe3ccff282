"""The returned model is the file that was written, without reading it again."""

import gc
import os
import sys

import keras
import pytest
from coremltools.models import MLModel
from keras import layers

from mobilezoo import export_coreml, randomize_weights


@pytest.fixture(scope="module")
def network():
    inputs = keras.Input((9, 7, 3))
    x = layers.Conv2D(8, 3)(inputs)
    x = layers.Dense(4, name="last")(layers.GlobalAveragePooling2D()(x))
    return randomize_weights(keras.Model(inputs, layers.Softmax()(x)))


OPTIONS = [
    {},
    {"labels": list("abcd"), "author": "me"},
    {"precision": "float32", "updatable": ["last"]},
]


@pytest.mark.parametrize("options", OPTIONS, ids=["plain", "classifier", "updatable"])
@pytest.mark.parametrize("suffix", [".mlpackage", ".mlmodel"])
def test_its_specification_is_that_of_the_file(network, tmp_path, suffix, options):
    if "updatable" in options and suffix == ".mlpackage":
        pytest.skip("programs do not learn")
    path = tmp_path / f"m{suffix}"

    returned = export_coreml(network, path, preprocessing="unit", **options)

    read = MLModel(str(path), skip_model_load=True)
    assert returned.get_spec() == read.get_spec()
    assert returned.author == read.author == options.get("author", "")
    assert returned.package_path == read.package_path
    assert returned.weights_dir == read.weights_dir


@pytest.mark.parametrize("suffix", [".mlpackage", ".mlmodel"])
def test_it_is_saved_elsewhere_as_it_is(network, tmp_path, suffix):
    returned = export_coreml(
        network,
        preprocessing="unit",
        minimum_deployment_target={".mlpackage": "iOS15", ".mlmodel": "iOS13"}[suffix],
    )

    returned.save(str(tmp_path / f"m{suffix}"))

    assert MLModel(str(tmp_path / f"m{suffix}"), skip_model_load=True).get_spec() == (
        returned.get_spec()
    )
    assert (suffix == ".mlmodel") == (returned.package_path is None)


@pytest.mark.skipif(sys.platform == "darwin", reason="Core ML itself loads the file there")
def test_the_file_is_not_read_again(network, tmp_path, monkeypatch):
    def read(path):
        raise AssertionError(f"{os.fspath(path)} was read")

    monkeypatch.setattr("coremltools.models.model._load_spec", read)

    for suffix in (".mlpackage", ".mlmodel"):
        assert export_coreml(network, tmp_path / f"m{suffix}", preprocessing="unit").get_spec()


@pytest.mark.parametrize("enabled", [True, False])
def test_the_garbage_collector_is_left_as_it_was(network, tmp_path, monkeypatch, enabled):
    def fail(*_):
        assert not gc.isenabled()
        raise OSError("no space left")

    if not enabled:
        gc.disable()
    try:
        export_coreml(network, tmp_path / "a.mlpackage", preprocessing="unit")
        after_success = gc.isenabled()
        monkeypatch.setattr("mobilezoo.coreml.package._specification", fail)
        with pytest.raises(OSError, match="no space left"):
            export_coreml(network, tmp_path / "b.mlpackage", preprocessing="unit")
        after_failure = gc.isenabled()
    finally:
        gc.enable()

    assert (after_success, after_failure) == (enabled, enabled)
