"""Biases give the means back that rounding shifts, as far as the signal is left."""

import keras
import numpy as np
import pytest
from keras import layers

from mobilezoo import (
    Budget,
    compress_coreml,
    export_coreml,
    load_coreml,
    randomize_weights,
    verify,
)
from mobilezoo.coreml.compress import codes as compression
from mobilezoo.errors import InvalidArgumentError, VerificationError
from mobilezoo.runtime.replay import Replay
from tests.runtime.conftest import build, mb, save_package  # noqa: F401

RNG = np.random.default_rng(9)
DATA = (RNG.normal(size=(12, 19, 13, 6)) + 0.7).astype(np.float32)


@pytest.fixture(scope="module")
def model():
    """Convolutions with and without a bias, and few channels at the end."""
    x = inputs = keras.Input((19, 13, 6), name="x")
    x = layers.Conv2D(40, 3, activation="relu", use_bias=False, name="bare")(x)
    x = layers.DepthwiseConv2D(7, depth_multiplier=2, name="deep")(x)
    x = layers.Conv2DTranspose(30, 3, strides=2, activation="relu", name="back")(x)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    x = layers.Dense(80, activation="relu", name="hidden")(x)
    outputs = layers.Dense(6, name="few")(layers.Dense(400, activation="relu", name="wide")(x))
    return randomize_weights(keras.Model(inputs, outputs))


@pytest.fixture(scope="module")
def package(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("repair") / "m.mlpackage"
    export_coreml(model, path, inputs="array")
    return path


def means(path, data):
    """Of each channel of each layer with a weight."""
    program = load_coreml(path)
    names = [layer for (layer, kind) in program.weights() if kind == "weight"]
    made = Replay(program._opened, {"x": data}, names).outputs()
    return {
        name: values.mean(axis=tuple(i for i in range(values.ndim) if i != 1))
        for name, values in zip(names, made, strict=True)
    }


def error(package, path, data):
    a, b = (next(iter(load_coreml(p).predict({"x": data}).values())) for p in (package, path))
    return np.linalg.norm(a - b) / np.linalg.norm(a)


def departure(found, expected):
    """How far from proportional, relative to the largest, and the factor."""
    factor = np.sum(found * expected) / np.sum(np.square(expected))
    return np.abs(found - factor * expected).max() / np.abs(expected).max(), factor


@pytest.mark.parametrize("precision", ["palette2", "int4"])
def test_means_of_all_channels_are_in_the_proportions_that_they_had(package, tmp_path, precision):
    plain, repaired = tmp_path / "plain.mlpackage", tmp_path / "repaired.mlpackage"
    compress_coreml(package, plain, precision=precision)
    compress_coreml(package, repaired, precision=precision, repair=DATA)

    before, shifted, found = (means(path, DATA) for path in (package, plain, repaired))

    for name, expected in before.items():
        assert departure(shifted[name], expected)[0] > 0.005
        away, left = departure(found[name], expected)
        assert away < 0.004  # of float16
        assert 0.4 < left < 1.1  # of what the layer makes
    held_out = (RNG.normal(size=DATA.shape) + 0.7).astype(np.float32)
    assert error(package, repaired, held_out) < 0.7 * error(package, plain, held_out)


def test_verify_knows_that_biases_were_repaired(monkeypatch, model, tmp_path):
    path = tmp_path / "m.mlpackage"
    export_coreml(model, path, inputs="array", precision="palette4", repair=DATA)

    agreement = verify(model, path, limit=5.0)

    assert agreement.before_rounding < 0.02
    said = load_coreml(path).metadata.user_defined["com.mobilezoo.repaired"].split(",")
    assert {name.partition("_")[0] for name in said} == {
        "bare", "deep", "back", "hidden", "wide", "few"
    }  # fmt: skip

    encode = compression.encode
    monkeypatch.setattr(
        "mobilezoo.coreml.compress.package.encode",
        lambda weights, axis, chosen, _: encode(np.roll(weights, 1, axis), axis, chosen),
    )
    export_coreml(model, path, inputs="array", precision="palette4", repair=DATA, overwrite=True)
    monkeypatch.undo()
    with pytest.raises(VerificationError, match="are not Keras's in few bits"):
        verify(model, path, limit=5.0)


def test_a_linear_layer_is_repaired_exactly(save_package, tmp_path):  # noqa: F811
    weight = RNG.normal(size=(64, 50)).astype(np.float32)
    package = save_package(build((1, 50), lambda x: mb.linear(x=x, weight=weight, name="y")))
    x = RNG.normal(size=(20, 1, 50)).astype(np.float32) + 1

    compress_coreml(package, tmp_path / "c.mlpackage", precision="palette1", repair=x)

    before, after = (
        load_coreml(path).predict({"x": x})["y"] for path in (package, tmp_path / "c.mlpackage")
    )
    assert np.abs(after - before).max() > 0.5
    away, left = departure(after.mean(axis=0), before.mean(axis=0))
    assert away < 1e-5
    varied, moved = before - before.mean(axis=0), after - after.mean(axis=0)
    assert left == pytest.approx(np.sum(varied * moved) / np.sum(np.square(varied)), rel=1e-4)


def test_examples_that_run_one_by_one_are_repaired_together(save_package, tmp_path):  # noqa: F811
    weight = RNG.normal(size=(64, 50)).astype(np.float32)

    def body(x):  # rows are no examples: (3, 50) is one
        return mb.linear(x=x, weight=weight, name="y")

    package = save_package(build((3, 50), body))
    x = RNG.normal(size=(4, 3, 50)).astype(np.float32) + 1

    compress_coreml(package, tmp_path / "c.mlpackage", precision="palette2", repair=x)

    before, after = (
        load_coreml(path).predict({"x": x})["y"] for path in (package, tmp_path / "c.mlpackage")
    )
    assert departure(after.mean(axis=(0, 1)), before.mean(axis=(0, 1)))[0] < 1e-5


def test_a_budget_repairs_unless_told_not_to(package, tmp_path):
    sizes = []
    for repair in (False, True):
        path = tmp_path / f"{repair}.mlpackage"
        budget = Budget(max_size_bytes=40_000, data=DATA, repair=repair)
        compress_coreml(package, path, precision=budget)
        sizes.append(error(package, path, DATA))

    assert sizes[1] < 0.8 * sizes[0]


def test_what_cannot_be_repaired_is_refused(model, package, tmp_path):
    with pytest.raises(InvalidArgumentError, match=r"there are none\. Leave it out"):
        export_coreml(model, tmp_path / "m.mlpackage", inputs="array", repair=DATA)
    with pytest.raises(InvalidArgumentError, match="a Budget does so with its own data"):
        compress_coreml(package, precision=Budget(max_error=0.1, data=DATA), repair=DATA)
    with pytest.raises(InvalidArgumentError, match="repair= or weigh= is for ML programs"):
        export_coreml(model, tmp_path / "m.mlmodel", inputs="array", precision="int8", repair=DATA)
    with pytest.raises(InvalidArgumentError, match="has shape"):
        compress_coreml(package, tmp_path / "c.mlpackage", precision="int8", repair=DATA[:, 1:])
    assert list(tmp_path.iterdir()) == []
