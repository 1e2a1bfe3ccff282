"""Damaged and foreign files end in one kind of error, and change nothing."""

import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from keras import layers

from mobilezoo import randomize_weights
from mobilezoo.errors import InvalidArgumentError
from mobilezoo.weights.fit import Array, Stored, fit
from mobilezoo.weights.keras_file import count_weights, load_keras_file
from tests.weights.test_keras_file import network, save_legacy


@pytest.mark.parametrize("content", [b"", b"<html>404</html>", b"PK\x05\x06" + bytes(18)])
def test_another_kind_of_file_is_refused(tmp_path, content):
    (tmp_path / "page.h5").write_bytes(content)

    with pytest.raises(InvalidArgumentError, match="is not a Keras weight file, or is damaged"):
        load_keras_file("net", network().layers, tmp_path / "page.h5")


def test_a_truncated_file_is_refused(tmp_path):
    network().save_weights(tmp_path / "whole.weights.h5")
    data = (tmp_path / "whole.weights.h5").read_bytes()
    (tmp_path / "half.weights.h5").write_bytes(data[: len(data) // 2])

    with pytest.raises(InvalidArgumentError, match="is not a Keras weight file, or is damaged"):
        load_keras_file("net", network().layers, tmp_path / "half.weights.h5")


def test_an_empty_hdf5_file_is_refused(tmp_path):
    h5py.File(tmp_path / "empty.h5", "w").close()

    with pytest.raises(InvalidArgumentError, match="holds no weights"):
        load_keras_file("net", network().layers, tmp_path / "empty.h5")


def test_a_checkpoint_under_another_ending_is_told_which_ending_it_needs(tmp_path):
    (tmp_path / "resnet18.ckpt").write_bytes(b"\x80\x02")

    with pytest.raises(
        InvalidArgumentError, match=r"PyTorch must end in \.safetensors, \.pth, \.pt or \.bin"
    ):
        load_keras_file("net", network().layers, tmp_path / "resnet18.ckpt")


def named_kernel(file):
    file["layers/conv2d/vars/kernel"] = np.zeros(3, np.float32)


def group_for_array(file):
    file.create_group("layers/conv2d/vars/0")


def dataset_for_layer(file):
    file["layers/conv2d"] = np.zeros(3, np.float32)


def dataset_for_layers(file):
    file["layers"] = np.zeros(3, np.float32)


def missing_group(file):
    file.attrs["layer_names"] = [b"conv"]


def missing_array(file):
    file.attrs["layer_names"] = [b"conv"]
    file.create_group("conv").attrs["weight_names"] = [b"kernel"]


def names_are_a_number(file):
    file.attrs["layer_names"] = 3


@pytest.mark.parametrize("read", [lambda path: load_keras_file("net", [], path), count_weights])
@pytest.mark.parametrize(
    "write",
    [
        named_kernel,
        group_for_array,
        dataset_for_layer,
        dataset_for_layers,
        missing_group,
        missing_array,
        names_are_a_number,
    ],
)
def test_hdf5_of_another_structure_is_refused(tmp_path, write, read):
    with h5py.File(tmp_path / "foreign.h5", "w") as file:
        write(file)

    with pytest.raises(InvalidArgumentError, match="is not a Keras weight file, or is damaged"):
        read(tmp_path / "foreign.h5")


def test_a_torn_archive_is_refused(tmp_path):
    network().save(tmp_path / "whole.keras")
    data = bytearray((tmp_path / "whole.keras").read_bytes())
    with zipfile.ZipFile(tmp_path / "whole.keras") as archive:
        start = archive.getinfo("model.weights.h5").header_offset
    data[start + 200 : start + 300] = bytes(100)
    (tmp_path / "torn.keras").write_bytes(data)

    with pytest.raises(InvalidArgumentError, match="is not a Keras weight file, or is damaged"):
        load_keras_file("net", network().layers, tmp_path / "torn.keras")


def assert_refused_untouched(path, match):
    ours = randomize_weights(network(), preprocessing="unit")
    before = [np.array(weight) for weight in ours.weights]

    with pytest.raises(InvalidArgumentError, match=match):
        load_keras_file("net", ours.layers, path)

    for weight, value in zip(ours.weights, before, strict=True):
        np.testing.assert_array_equal(weight, value)


def test_other_types_than_floating_point_are_refused_and_change_nothing(tmp_path):
    save_legacy(network(), tmp_path / "old.h5")
    with h5py.File(tmp_path / "old.h5", "a") as file:
        group = file["classes"]
        name = group.attrs["weight_names"][0]
        shape = group[name].shape
        del group[name]
        group[name] = np.zeros(shape, np.int8)

    assert_refused_untouched(tmp_path / "old.h5", r"holds int8 for layer 'classes' \('classes'\)")


def test_a_chunk_that_cannot_be_read_is_named_and_changes_nothing(tmp_path):
    path = tmp_path / "packed.h5"
    save_legacy(network(), path)
    with h5py.File(path, "a") as file:
        group = file["classes"]
        name = group.attrs["weight_names"][0]
        values = group[name][()]
        del group[name]
        packed = group.create_dataset(name, data=values, chunks=values.shape, compression="gzip")
        chunk = packed.id.get_chunk_info(0)
    data = bytearray(path.read_bytes())
    data[chunk.byte_offset : chunk.byte_offset + chunk.size] = b"\xff" * chunk.size
    path.write_bytes(data)

    assert_refused_untouched(
        path,
        r"damaged: the weights of layer 'classes' \('classes'\) cannot be read .*no weight has",
    )


def test_a_file_that_goes_away_while_it_is_read_says_what_has_changed():
    layer = layers.Dense(2, use_bias=False, name="classes")
    layer.build((None, 3))
    reads = iter([np.zeros((3, 2))])
    stored = Stored("dense", [Array((3, 2), "float32", lambda: next(reads))])

    with pytest.raises(
        InvalidArgumentError, match="the layers before 'classes' have been changed already"
    ):
        fit("net", [(layer, stored)], Path("gone.h5"))
