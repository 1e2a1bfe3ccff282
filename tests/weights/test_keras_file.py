"""Files of every age load; a misfit names the layer and changes nothing."""

import h5py
import keras
import numpy as np
import pytest
from keras import layers
from keras.src.legacy.saving.legacy_h5_format import save_weights_to_hdf5_group

from mobilezoo import randomize_weights
from mobilezoo.errors import InvalidArgumentError
from mobilezoo.weights.keras_file import count_weights, load_keras_file


def network(filters=4, units=5, classes=3, **options):
    """Two branches, so that the order of layers is not the order of the calls alone."""
    inputs = keras.Input((8, 6, 3))
    left = layers.Conv2D(filters, 3, padding="same", name="left_conv")(inputs)
    left = layers.BatchNormalization(scale=False, name="left_bn")(left)
    right = layers.DepthwiseConv2D(3, padding="same", name="right_conv")(inputs)
    x = layers.Concatenate()([left, right])
    x = layers.Dropout(0.1)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(units, activation="relu", name="hidden")(x)
    if options.get("include_top", True):
        x = layers.Dense(classes, name="classes")(x)
    return keras.Model(inputs, x)


def save_legacy(model, path):
    with h5py.File(path, "w") as file:
        save_weights_to_hdf5_group(file, model)


def save_whole_legacy(model, path):
    with h5py.File(path, "w") as file:
        save_weights_to_hdf5_group(file.create_group("model_weights"), model)


SAVERS = {
    "new.weights.h5": lambda model, path: model.save_weights(path),
    "new.keras": lambda model, path: model.save(path),
    "old.h5": save_legacy,
    "old_whole.h5": save_whole_legacy,
}


@pytest.mark.parametrize("file", SAVERS)
def test_every_kind_of_file_loads(tmp_path, file):
    theirs = randomize_weights(network(), seed=1, preprocessing="unit")
    SAVERS[file](theirs, tmp_path / file)
    ours = network()

    load_keras_file("net", ours.layers, tmp_path / file)

    x = np.random.default_rng(0).uniform(0, 1, (2, 8, 6, 3)).astype(np.float32)
    expected = np.asarray(theirs(x))
    assert np.ptp(expected) > 0.01
    np.testing.assert_array_equal(ours(x), expected)


@pytest.mark.parametrize("file", SAVERS)
@pytest.mark.parametrize(
    ("options", "match"),
    [
        (
            {"filters": 6},
            r"first at layer 'left_conv', which needs \(3, 3, 3, 6\), \(6,\); the file has "
            r"\(3, 3, 3, 4\), \(4,\) \('",
        ),
        (
            {"classes": 7},
            r"layer 'classes', which needs \(5, 7\), \(7,\); the file has \(5, 3\), \(3,\)",
        ),
        ({"include_top": False}, r"the file goes on with '.*' \(5, 3\), \(3,\)"),
    ],
)
def test_a_misfit_names_the_first_layer_and_both_shapes(tmp_path, file, options, match):
    SAVERS[file](network(), tmp_path / file)
    ours = network(**options)
    before = [np.array(weight) for weight in ours.weights]

    with pytest.raises(InvalidArgumentError, match=match):
        load_keras_file("net", ours.layers, tmp_path / file)

    for weight, value in zip(ours.weights, before, strict=True):
        np.testing.assert_array_equal(weight, value)


@pytest.mark.parametrize("file", SAVERS)
def test_a_file_without_the_classifier_is_a_misfit(tmp_path, file):
    SAVERS[file](network(include_top=False), tmp_path / file)

    with pytest.raises(InvalidArgumentError, match=r"nothing for layer 'classes' \(5, 3\), \(3,\)"):
        load_keras_file("net", network().layers, tmp_path / file)


@pytest.mark.parametrize("file", SAVERS)
def test_a_fresh_classifier_keeps_its_weights_and_says_so(tmp_path, file, caplog):
    theirs = randomize_weights(network(), preprocessing="unit")
    SAVERS[file](theirs, tmp_path / file)
    ours = network(classes=7)
    before = np.array(ours.get_layer("classes").kernel)

    load_keras_file("net", ours.layers, tmp_path / file, fresh="classes")

    np.testing.assert_array_equal(ours.get_layer("classes").kernel, before)
    np.testing.assert_array_equal(
        ours.get_layer("hidden").kernel, theirs.get_layer("hidden").kernel
    )
    assert "the classifier 'classes' is new" in caplog.text


@pytest.mark.parametrize("file", SAVERS)
def test_the_structure_alone_says_how_many_weights_there_are(tmp_path, file):
    model = network()
    SAVERS[file](model, tmp_path / file)

    assert count_weights(tmp_path / file) == model.count_params()


def test_more_than_ten_layers_of_a_class_keep_their_order(tmp_path):
    def deep():
        inputs = x = keras.Input((4,))
        for _ in range(12):
            x = layers.Dense(4)(x)
        return keras.Model(inputs, x)

    theirs = deep()
    theirs.save_weights(tmp_path / "deep.weights.h5")
    ours = deep()

    load_keras_file("net", ours.layers, tmp_path / "deep.weights.h5")

    for weight, value in zip(ours.weights, theirs.weights, strict=True):
        np.testing.assert_array_equal(weight, value)


def test_models_in_the_model_load(tmp_path):
    def nested(filters=4):
        inputs = keras.Input((8, 6, 3))
        x = layers.Conv2D(3, 1, name="stem")(inputs)
        for number in (1, 2):
            part_in = keras.Input(x.shape[1:])
            part = layers.Conv2D(filters if number == 2 else 3, 3, name="conv")(part_in)
            x = keras.Model(part_in, part, name=f"part{number}")(x)
        return keras.Model(inputs, x)

    theirs = randomize_weights(nested(), preprocessing="unit")
    theirs.save_weights(tmp_path / "nested.weights.h5")
    ours = nested()

    load_keras_file("net", ours.layers, tmp_path / "nested.weights.h5")

    for weight, value in zip(ours.weights, theirs.weights, strict=True):
        np.testing.assert_array_equal(weight, value)
    assert count_weights(tmp_path / "nested.weights.h5") == theirs.count_params()
    with pytest.raises(
        InvalidArgumentError, match=r"layer 'conv'.*3, 3, 3, 6.*functional_1/conv2d"
    ):
        load_keras_file("net", nested(filters=6).layers, tmp_path / "nested.weights.h5")


@pytest.mark.parametrize("policy", ["float16", "bfloat16", "float64"])
def test_other_precisions_load(tmp_path, policy):
    keras.config.set_dtype_policy(policy)
    try:
        theirs = network()
    finally:
        keras.config.set_dtype_policy("float32")
    theirs.save_weights(tmp_path / "other.weights.h5")
    ours = network()

    load_keras_file("net", ours.layers, tmp_path / "other.weights.h5")

    for weight, value in zip(ours.weights, theirs.weights, strict=True):
        expected = keras.ops.convert_to_numpy(value).astype(np.float32)
        np.testing.assert_array_equal(weight, expected)
    assert np.ptp(ours.get_layer("hidden").kernel) > 0.1
