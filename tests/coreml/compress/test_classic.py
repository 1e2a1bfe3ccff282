"""Neural networks of classic layers in fewer bits, whoever made them."""

import keras
import numpy as np
import pytest
from coremltools.models import MLModel
from coremltools.models import datatypes as kinds
from coremltools.models.neural_network import NeuralNetworkBuilder
from keras import layers

from mobilezoo import (
    W8A8,
    Budget,
    Palette,
    compress_coreml,
    export_coreml,
    load_coreml,
    randomize_weights,
    verify,
)
from mobilezoo.errors import CoreMLFileError, InvalidArgumentError

RNG = np.random.default_rng(3)
DATA = RNG.normal(size=(5, 19, 13, 6)).astype(np.float32)


@pytest.fixture(scope="module")
def model():
    """Every kind of product, each axis another size."""
    x = inputs = keras.Input((19, 13, 6), name="x")
    x = layers.Conv2D(48, (3, 5), activation="relu", name="first")(x)
    x = layers.DepthwiseConv2D(7, depth_multiplier=2, name="deep")(x)
    x = layers.Conv2DTranspose(24, 3, strides=2, activation="relu", name="back")(x)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    x = layers.Dense(110, activation="relu", name="hidden")(x)
    return randomize_weights(keras.Model(inputs, layers.Dense(30, name="last")(x), name="kinds"))


@pytest.fixture(scope="module", params=["float16", "float32"])
def source(request, model, tmp_path_factory):
    path = tmp_path_factory.mktemp("classic") / f"{request.param}.mlmodel"
    export_coreml(model, path, precision=request.param, inputs="array")
    return path


def bits(path):
    found = load_coreml(path).weights().items()
    return {place[0].split("_")[0]: item.bits for place, item in found if place[1] == "weights"}


def outputs(path):
    return next(iter(load_coreml(path).predict({"x": DATA}).values()))


@pytest.mark.parametrize("precision", ["int8", "palette8", "palette6", "palette5", "palette3"])
def test_weights_are_near_in_few_bits(source, model, tmp_path, precision):
    path = tmp_path / "few.mlmodel"
    compress_coreml(source, path, precision=precision)

    expected = 8 if precision == "int8" else int(precision[-1])
    assert set(bits(path).values()) == {expected}
    assert load_coreml(path).metadata.specification_version == 3
    before, after = load_coreml(source).weights(), load_coreml(path).weights()
    for place, item in before.items():
        weights, stored = np.float32(item.read()), np.float32(after[place].read())
        if place[1] == "weights":
            moved = np.sqrt(np.square(weights - stored).mean()) / np.abs(weights).max()
            assert 0 < moved < 2 / 2**expected
        else:
            np.testing.assert_array_equal(weights, stored)
    assert verify(model, path, limit=3.0).before_rounding < 0.02
    assert path.stat().st_size < source.stat().st_size * (expected / 16 + 0.1)


def test_float16_is_what_the_export_writes(model, tmp_path):
    whole, direct, later = (tmp_path / f"{name}.mlmodel" for name in "abc")
    export_coreml(model, whole, inputs="array")
    for precision in ("int8", "palette4"):
        export_coreml(model, direct, precision=precision, inputs="array", overwrite=True)
        compress_coreml(whole, later, precision=precision, overwrite=True)
        np.testing.assert_array_equal(outputs(direct), outputs(later))


def test_weights_beyond_float16_keep_their_range(model, tmp_path):
    huge = keras.models.clone_model(model)
    huge.set_weights([array * 1e6 for array in model.get_weights()])
    export_coreml(huge, tmp_path / "huge.mlmodel", precision="float32", inputs="array")
    compress_coreml(tmp_path / "huge.mlmodel", tmp_path / "few.mlmodel", precision="palette8")
    a, b = (outputs(tmp_path / f"{name}.mlmodel") for name in ("huge", "few"))
    assert np.abs(a).max() > 1e6
    np.testing.assert_allclose(a, b, atol=0.1 * np.abs(a).max())


def test_layers_are_chosen_by_their_names(source, tmp_path):
    path = tmp_path / "few.mlmodel"
    compress_coreml(source, path, precision={"hidden*": "palette2", "deep": "palette4"})
    assert bits(path) == {"first": None, "deep": 4, "back": None, "hidden": 2, "last": None}
    compress_coreml(source, path, precision="int8", keep_ends=True, overwrite=True)
    assert bits(path) == {"first": None, "deep": 8, "back": 8, "hidden": 8, "last": None}


def test_coremltools_reads_the_file(source, tmp_path):
    compress_coreml(source, tmp_path / "few.mlmodel", precision="palette4")
    made = MLModel(str(tmp_path / "few.mlmodel"), skip_model_load=True)
    assert made.get_spec().specificationVersion == 3
    assert made.user_defined_metadata["com.mobilezoo.precision"] == "palette4"


def test_a_file_of_another_maker(tmp_path):
    builder = NeuralNetworkBuilder([("in", kinds.Array(70))], [("out", kinds.Array(50))])
    matrix = RNG.normal(size=(50, 70)).astype(np.float32)
    builder.add_inner_product("product", matrix, None, 70, 50, False, "in", "out")
    MLModel(builder.spec, skip_model_load=True).save(str(tmp_path / "theirs.mlmodel"))

    compress_coreml(tmp_path / "theirs.mlmodel", tmp_path / "few.mlmodel",
                    precision={"product": "palette6"})  # fmt: skip

    x = RNG.normal(size=70).astype(np.float32)
    y = load_coreml(tmp_path / "few.mlmodel").predict({"in": x})["out"]
    assert 0 < np.abs(y - matrix @ x).max() < 0.05 * np.abs(matrix @ x).max()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"precision": "int4"}, r"ML programs \(.mlpackage\) only"),
        ({"precision": Palette(4, 8)}, r"ML programs \(.mlpackage\) only"),
        ({"precision": W8A8(DATA)}, r"ML programs \(.mlpackage\) only"),
        ({"precision": Budget(max_error=0.1, data=DATA)}, "this file is a neural network"),
        ({"precision": "int8", "repair": DATA}, "this file is a neural network"),
        ({"precision": "palette4", "weigh": DATA}, "this file is a neural network"),
        ({"precision": {"nowhere": "int8"}}, "fits no layer"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(source, tmp_path, options, message):
    with pytest.raises(InvalidArgumentError, match=message):
        compress_coreml(source, tmp_path / "m.mlmodel", **options)
    assert not list(tmp_path.iterdir())


def test_the_other_format_is_refused(source, tmp_path):
    with pytest.raises(InvalidArgumentError, match=r"must end in \.mlmodel"):
        compress_coreml(source, tmp_path / "m.mlpackage", precision="int8")


def test_a_network_that_learns_stays(tmp_path):
    inputs = keras.Input((40,), name="x")
    hidden = layers.Dense(80, activation="relu", name="hidden")(inputs)
    learner = keras.Model(inputs, layers.Dense(4, activation="softmax", name="last")(hidden))
    export_coreml(learner, tmp_path / "m.mlmodel", precision="float32", updatable=["last"],
                  inputs="array")  # fmt: skip
    with pytest.raises(InvalidArgumentError, match="learns on the device"):
        compress_coreml(tmp_path / "m.mlmodel", tmp_path / "few.mlmodel", precision="int8")
    assert not (tmp_path / "few.mlmodel").exists()


def test_nan_is_named(tmp_path):
    builder = NeuralNetworkBuilder([("in", kinds.Array(70))], [("out", kinds.Array(50))])
    matrix = np.full((50, 70), np.nan, np.float32)
    builder.add_inner_product("product", matrix, None, 70, 50, False, "in", "out")
    MLModel(builder.spec, skip_model_load=True).save(str(tmp_path / "m.mlmodel"))
    with pytest.raises(InvalidArgumentError, match="'product' hold NaN"):
        compress_coreml(tmp_path / "m.mlmodel", tmp_path / "few.mlmodel", precision="palette4")
    assert not (tmp_path / "few.mlmodel").exists()


def test_a_damaged_file_is_refused(source, tmp_path):
    data = source.read_bytes()
    (tmp_path / "m.mlmodel").write_bytes(data[: len(data) // 2])
    with pytest.raises(CoreMLFileError):
        compress_coreml(tmp_path / "m.mlmodel", tmp_path / "few.mlmodel", precision="int8")
