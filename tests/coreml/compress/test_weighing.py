"""Tables that are best for the weights that the outputs hang on."""

import keras
import numpy as np
import pytest
from keras import layers

from mobilezoo import (
    Budget,
    Palette,
    compress_coreml,
    export_coreml,
    load_coreml,
    randomize_weights,
    verify,
)
from mobilezoo.coreml.compress.importance import _DAMPING, measure_importance
from mobilezoo.coreml.compress.package import open_weights
from mobilezoo.errors import InvalidArgumentError
from mobilezoo.runtime.observing import squared_gradients
from mobilezoo.runtime.package import read_model

RNG = np.random.default_rng(5)
DATA = RNG.normal(size=(40, 17, 11, 4)).astype(np.float32)


@pytest.fixture(scope="module")
def model():
    """Convolutions of three kinds and dense layers; half of the first dense layer counts little.

    Values are about zero, as a mean that rounding shifts is for `repair=`.
    """
    x = inputs = keras.Input((17, 11, 4), name="x")
    x = layers.Conv2D(64, 3, activation="tanh", name="whole")(x)
    x = layers.DepthwiseConv2D(6, name="deep")(x)
    x = layers.Conv2D(48, 1, groups=2, activation="tanh", name="parts")(x)
    x = layers.Conv2DTranspose(30, 3, strides=2, name="back")(x)
    x = layers.AveragePooling2D(5, name="pool")(x)
    x = layers.Dense(90, activation="tanh", name="hidden")(layers.Flatten()(x))
    model = randomize_weights(keras.Model(inputs, layers.Dense(40, name="last")(x)))
    kernel, bias = model.get_layer("last").get_weights()
    kernel[45:] *= 0.01
    model.get_layer("last").set_weights([kernel, 0 * bias])
    kernel, bias = model.get_layer("hidden").get_weights()
    kernel[:, 45:] *= 4  # the other half has the larger weights
    model.get_layer("hidden").set_weights([kernel, bias])
    return model


@pytest.fixture(scope="module")
def package(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("weighed") / "m.mlpackage"
    export_coreml(model, path, inputs="array")
    return path


@pytest.fixture(scope="module")
def importance(package):
    opened = open_weights(read_model(package))
    found = measure_importance(load_coreml(package), {"x": DATA}, opened.constants)
    return {item.places[0].layer.split("_")[0]: found.get(item.key) for item in opened.constants}


def test_weights_count_by_what_comes_of_them(importance):
    hidden = importance["hidden"]  # (90, 120)
    assert hidden[:45].mean() > 100 * (hidden[45:].mean() - _DAMPING * hidden.mean())
    assert [layer for layer, found in importance.items() if found is None] == ["back"]


def test_gradients_are_keras_own(model, package):
    """One example: J^T J of a dense layer is known from its input and the layers behind it."""
    opened = load_coreml(package)._opened
    name = next(item.outputs[0].name for item in opened.block.operations
                if item.outputs[0].name.startswith("last"))  # fmt: skip
    weights = {"w": model.get_layer("last").get_weights()[0].T}

    found = squared_gradients(opened, {"x": DATA[:1].repeat(4000, 0)}, weights,
                              {(name, "weight"): "w"}, [(opened.fetch[0], False)])  # fmt: skip

    before = keras.Model(model.inputs[0], model.get_layer("hidden").output)
    activation = np.square(before(keras.ops.convert_to_tensor(DATA[:1])).numpy()[0])
    answer = model(keras.ops.convert_to_tensor(DATA[:1])).numpy()
    expected = np.broadcast_to(activation, (40, 90)) / np.square(answer).sum()
    size = expected.max()
    np.testing.assert_allclose(found["w"].mean(axis=0), expected[0], atol=0.03 * size)
    assert np.abs(found["w"] - expected).max() < 0.15 * size


def error(package, path, data):
    a, b = (next(iter(load_coreml(p).predict({"x": data}).values())) for p in (package, path))
    return np.linalg.norm(a - b) / np.linalg.norm(a)


@pytest.mark.parametrize("precision", ["palette4", "palette6", Palette(3, 8)])
def test_outputs_are_nearer(package, tmp_path, precision):
    plain, weighed = tmp_path / "plain.mlpackage", tmp_path / "weighed.mlpackage"
    chosen = {"hidden*": precision}  # errors of several layers may cancel by chance
    compress_coreml(package, plain, precision=chosen)
    compress_coreml(package, weighed, precision=chosen, weigh=DATA)

    others = RNG.normal(size=DATA.shape).astype(np.float32)
    assert 0 < error(package, weighed, others) < 0.8 * error(package, plain, others)


def test_an_export_is_the_compressed_export(model, package, tmp_path):
    made, expected = tmp_path / "made.mlpackage", tmp_path / "expected.mlpackage"
    export_coreml(model, made, precision="palette4", weigh=DATA, repair=DATA, inputs="array")
    compress_coreml(package, expected, precision="palette4", weigh=DATA, repair=DATA)
    weights = load_coreml(expected).weights()
    for place, item in load_coreml(made).weights().items():
        np.testing.assert_array_equal(item.read(), weights[place].read())


@pytest.mark.parametrize("precision", ["palette1", "palette2", "palette6", "palette8"])
def test_verify_takes_tables_for_what_they_are(model, tmp_path, precision):
    export_coreml(model, tmp_path / "m.mlpackage", precision=precision, weigh=DATA, inputs="array")
    assert verify(model, tmp_path / "m.mlpackage", limit=3.0).before_rounding < 0.01
    said = load_coreml(tmp_path / "m.mlpackage").metadata.user_defined
    assert said["com.mobilezoo.weighed"] == "gradients"


def test_a_budget_weighs_where_it_is_told_to(package, tmp_path):
    found = {}
    for weigh in (True, False):
        path = tmp_path / f"{weigh}.mlpackage"
        budget = Budget(max_size_bytes=45_000, data=DATA[:12], weigh=weigh, examples=12,
                        precisions=["palette6", "palette3", "palette2"])  # fmt: skip
        compress_coreml(package, path, precision=budget)
        found[weigh] = error(package, path, DATA[12:])
        said = load_coreml(path).metadata.user_defined
        assert ("com.mobilezoo.weighed" in said) == weigh
    assert found[True] != found[False]
    assert found[True] < 0.6


def test_what_has_no_tables_is_refused(package, tmp_path):
    for precision, message in (("int8", "tables of palettes"), ("float16", "tables of palettes"),
                               (Budget(max_error=1.0, data=DATA), "its own data")):  # fmt: skip
        with pytest.raises(InvalidArgumentError, match=message):
            compress_coreml(package, tmp_path / "m.mlpackage", precision=precision, weigh=DATA)
    assert not list(tmp_path.iterdir())
