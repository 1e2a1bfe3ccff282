"""What is no Core ML file is told from one that is damaged."""

from pathlib import Path

import keras
import numpy as np
import pytest

from mobilezoo import export_coreml, inspect_coreml, load_coreml
from mobilezoo.errors import CoreMLFileError, InvalidArgumentError


@pytest.mark.parametrize("open_file", [load_coreml, inspect_coreml])
@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("notes.txt", b"hello\n", r"no Core ML file\. Those end in \.mlmodel, or are folders"),
        ("empty.txt", b"", r"no Core ML file\."),
        ("m.zip", b"PK", "no Core ML file.*An archive must be unpacked first"),
        ("m.keras", b"PK", r"a Keras model, no Core ML file.*keras\.models\.load_model"),
        ("m.mlpackage", b"PK", r"a file, but a \.mlpackage is a folder"),
        ("empty.mlmodel", b"", r"empty\.mlmodel: holds no model; the file is empty\.$"),
        ("text.mlmodel", "Größe\n".encode(), r"text\.mlmodel: a text, no Core ML model\.$"),
        ("lfs.mlmodel", b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        ("zip.mlmodel", b"PK\x03\x04\x14\x00", r"an archive \(zip\), no Core ML file\. Unpack it"),
        ("cut.mlmodel", b"\x08\x04\x12\xff", "truncated or damaged protobuf"),
        ("m.mlmodelc", b"", r"compiled for devices\. Take the \.mlpackage or \.mlmodel"),
    ],
)
def test_what_is_there_is_said(tmp_path, open_file, name, content, what):
    (tmp_path / name).write_bytes(content)

    with pytest.raises(CoreMLFileError, match=what):
        open_file(tmp_path / name)


@pytest.mark.parametrize("open_file", [load_coreml, inspect_coreml])
@pytest.mark.parametrize("given", [None, 5, np.zeros(3)])
def test_what_is_no_path_is_refused(open_file, given):
    with pytest.raises(InvalidArgumentError, match=r"is no path\. Pass that of a \.mlpackage"):
        open_file(given)


@pytest.mark.parametrize("open_file", [load_coreml, inspect_coreml])
def test_a_package_that_coremltools_knows_is_opened(open_file, of_dense, tmp_path):
    opened = open_file(export_coreml(of_dense, tmp_path / "m.mlpackage"))

    assert Path(opened.path) == tmp_path / "m.mlpackage"


@pytest.mark.parametrize("open_file", [load_coreml, inspect_coreml])
def test_a_network_that_coremltools_holds_in_memory_is_told_in_short(open_file, of_dense, tmp_path):
    held = export_coreml(of_dense, tmp_path / "m.mlmodel")

    with pytest.raises(InvalidArgumentError, match=r"^_Written is no path\. .* save what is in"):
        open_file(held)


@pytest.fixture
def of_dense():
    return keras.Sequential([keras.Input((6,), name="x"), keras.layers.Dense(3)])
