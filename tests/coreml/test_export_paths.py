"""Where files are written: what is there is kept until the new file is whole."""

import os

import pytest
from keras import layers

from mobilezoo import export_coreml
from mobilezoo.errors import InvalidArgumentError, OutputExistsError

from .files import contents


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("m.onnx", "must end in .mlpackage .* or .mlmodel"),
        ("missing/m.mlpackage", "does not exist"),
    ],
)
def test_a_path_that_cannot_be_is_refused(small_mobilenet, tmp_path, name, match):
    with pytest.raises(InvalidArgumentError, match=match):
        export_coreml(small_mobilenet, tmp_path / name)


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere"
)
def test_a_read_only_folder_is_refused(small_mobilenet, tmp_path):
    tmp_path.chmod(0o500)

    with pytest.raises(InvalidArgumentError, match="not writable"):
        export_coreml(small_mobilenet, tmp_path / "m.mlpackage")


def test_a_folder_that_the_system_calls_read_only_is_refused(
    small_mobilenet, tmp_path, monkeypatch
):
    monkeypatch.setattr(os, "access", lambda *_: False)

    with pytest.raises(InvalidArgumentError, match="not writable"):
        export_coreml(small_mobilenet, tmp_path / "m.mlpackage")


def test_an_existing_package_is_kept_unless_overwrite(small_mobilenet, functional, tmp_path):
    path = tmp_path / "m.mlpackage"
    export_coreml(small_mobilenet, path)
    before = contents(path)

    with pytest.raises(OutputExistsError, match=r"exists\. Pass overwrite=True"):
        export_coreml(functional(layers.ReLU()), path, inputs="array")

    assert contents(path) == before
    export_coreml(functional(layers.ReLU()), path, inputs="array", overwrite=True)
    assert contents(path) != before


def test_a_failed_export_leaves_the_old_package_whole(small_mobilenet, tmp_path, monkeypatch):
    path = tmp_path / "m.mlpackage"
    export_coreml(small_mobilenet, path)
    before = contents(path)

    def fail(*_args, **_options):
        raise OSError("No space left on device")

    monkeypatch.setattr("mobilezoo.coreml.package._specification", fail)
    with pytest.raises(OSError, match="No space left"):
        export_coreml(small_mobilenet, path, precision="float32", overwrite=True)

    assert contents(path) == before
    assert [item.name for item in tmp_path.iterdir()] == ["m.mlpackage"]
