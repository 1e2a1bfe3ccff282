"""Packages in few bits: as coremltools reads them, as we run them, and what Keras computes."""

import coremltools.optimize.coreml as cto
import keras
import numpy as np
import pytest
from coremltools.models import MLModel
from keras import layers

from mobilezoo import (
    Linear,
    Palette,
    Sparse,
    compress_coreml,
    export_coreml,
    inspect_coreml,
    load_coreml,
    randomize_weights,
    verify,
)
from tests.runtime.conftest import leave_folders_to_python

# precision -> specification version and bits of a code
PRECISIONS = {
    "int8": (7, 8),
    "palette8": (7, 8),
    "palette6": (7, 6),
    "palette4": (7, 4),
    "palette3": (9, 3),
    "palette2": (7, 2),
    "palette1": (7, 1),
    "int4": (9, 4),
    Palette(4, 8): (9, 4),
    Linear(8, 16): (9, 8),
    Sparse(0.5): (7, None),
    Sparse(0.5, Palette(4)): (9, 4),
    Sparse(0.5, Linear(8)): (9, 8),
    Sparse(0.25, Linear(4)): (9, 4),
}
LARGE = {"first", "norm", "depthwise", "back_conv_transpose", "hidden_dense", "dense_inner"}


def by_layer(path):
    found = load_coreml(path).weights().items()
    return {layer: item for (layer, parameter), item in found if parameter == "weight"}


@pytest.fixture(params=PRECISIONS, ids=str)
def compressed(request, package, tmp_path):
    """A precision, and the file in it."""
    compress_coreml(package, tmp_path / "few.mlpackage", precision=request.param)
    return request.param, tmp_path / "few.mlpackage"


def test_large_kernels_are_in_few_bits_and_near_their_weights(compressed, package):
    precision, path = compressed
    version, bits = PRECISIONS[precision]

    found, before = by_layer(path), by_layer(package)

    assert load_coreml(path).metadata.specification_version == version
    few = {name for name, item in found.items() if item.bits or item.is_sparse}
    assert few == LARGE
    for name, item in found.items():
        weights, stored = before[name].read().astype(np.float32), item.read()
        if name not in few:
            np.testing.assert_array_equal(stored, weights)
            continue
        evenly = 2 * np.abs(weights).max() / (2**bits - 1) / np.sqrt(12) if bits else 0
        gone = np.sqrt(np.square(weights[stored == 0]).sum() / weights.size)
        assert item.bits == bits
        assert 0 < np.sqrt(np.square(stored - weights).mean()) <= (evenly + gone) * (1 + 1e-5)


def test_coremltools_reads_the_same_weights(compressed, tmp_path):
    _, path = compressed
    with leave_folders_to_python():
        dense = cto.decompress_weights(MLModel(str(path), skip_model_load=True))
        dense.save(str(tmp_path / "dense.mlpackage"))
        del dense

    theirs, ours = (by_layer(item) for item in (tmp_path / "dense.mlpackage", path))

    for mine, other in zip(ours.values(), theirs.values(), strict=True):  # names are others
        np.testing.assert_array_equal(mine.read().astype(np.float16), other.read())


def test_the_file_is_smaller_by_what_its_kernels_save(compressed, package):
    precision, path = compressed
    item = inspect_coreml(path)
    whole = inspect_coreml(package)
    _, bits = PRECISIONS[precision]
    density = getattr(precision, "density", 1.0)
    per_weight = density * (bits or 16) + (density < 1)  # and a bit that says whether it is kept

    kernels = sum(np.prod(weights.shape) for name, weights in by_layer(path).items()
                  if name in LARGE)  # fmt: skip
    saved = kernels * (16 - per_weight) / 8
    assert 0.85 * saved <= whole.size_bytes - item.size_bytes <= 1.01 * saved


def test_verify_tells_rounding_from_faults(network, compressed):
    _, path = compressed

    agreement = verify(network, path, limit=20.0)

    assert agreement.before_rounding < 0.02
    assert agreement.largest_difference > agreement.before_rounding


def test_an_export_is_the_compressed_export(network, package, tmp_path):
    export_coreml(network, tmp_path / "direct.mlpackage", inputs="array", precision="palette4")
    compress_coreml(package, tmp_path / "later.mlpackage", precision="palette4")

    direct, later = (inspect_coreml(tmp_path / f"{name}.mlpackage") for name in ("direct", "later"))

    assert direct.content_hash == later.content_hash
    assert direct.user_defined == later.user_defined
    assert direct.user_defined["com.mobilezoo.precision"] == "palette4"


def test_the_file_that_is_compressed_stays_as_it_is(package, tmp_path):
    before = {item: item.read_bytes() for item in package.rglob("*") if item.is_file()}

    compress_coreml(package, tmp_path / "few.mlpackage", precision="int8")

    assert before == {item: item.read_bytes() for item in package.rglob("*") if item.is_file()}


def test_a_float32_file_keeps_weights_that_float16_does_not_have(tmp_path):
    inputs = keras.Input((40,), name="x")
    model = keras.Model(inputs, layers.Dense(60, use_bias=False, name="dense")(inputs))
    weights = np.random.default_rng(0).normal(size=(40, 60))
    model.set_weights([weights * 1e6])
    export_coreml(model, tmp_path / "m.mlpackage", precision="float32")

    for precision, far in (("palette8", 0.01), ("int8", 0.01), (Sparse(0.5), 0.5)):
        compress_coreml(
            tmp_path / "m.mlpackage", tmp_path / "c.mlpackage", precision=precision, overwrite=True
        )
        (stored,) = by_layer(tmp_path / "c.mlpackage").values()
        error = np.abs(stored.read() - weights.T * 1e6).max()
        assert error < far * 1e6 * np.abs(weights).max()


def test_a_layer_that_is_called_twice_is_stored_once(tmp_path):
    inputs = keras.Input((9, 7, 16), name="x")
    twice = layers.Conv2D(16, 3, padding="same", name="twice")
    model = randomize_weights(keras.Model(inputs, twice(layers.ReLU()(twice(inputs)))))
    export_coreml(model, tmp_path / "whole.mlpackage", inputs="array")

    compress_coreml(tmp_path / "whole.mlpackage", tmp_path / "few.mlpackage", precision="int8")

    (blobs,) = inspect_coreml(tmp_path / "few.mlpackage").weight_files
    assert len(load_coreml(tmp_path / "few.mlpackage").weights()) == 4
    assert blobs.size_bytes < 9 * 16 * 16 + 2000
    assert verify(model, tmp_path / "few.mlpackage", limit=1.0).before_rounding < 0.02


def test_the_same_file_gives_the_same_bytes(package, tmp_path):
    for name in ("a", "b"):
        compress_coreml(package, tmp_path / f"{name}.mlpackage", precision="palette2")

    first, second = (
        [item.read_bytes() for item in sorted((tmp_path / f"{name}.mlpackage").rglob("*"))
         if item.is_file()]
        for name in ("a", "b")
    )  # fmt: skip
    assert first == second
