"""A whole model says how its layers compute: weights go nowhere else."""

import json
import zipfile

import keras
import numpy as np
import pytest
from keras import layers

from mobilezoo import build
from mobilezoo.errors import InvalidArgumentError
from mobilezoo.weights.keras_file import load_keras_file

SHAPE = (33, 48, 3)


def network(epsilon=1e-3, strides=1, padding="same", dilation=1, pointwise="same"):
    inputs = keras.Input((12, 9, 3))
    x = layers.Conv2D(4, 3, strides, padding, dilation_rate=dilation, name="conv")(inputs)
    x = layers.BatchNormalization(name="first_bn")(x)
    x = layers.Conv2D(4, 1, padding=pointwise, name="pointwise")(x)
    x = layers.BatchNormalization(epsilon=epsilon, name="bn")(x)
    return keras.Model(inputs, layers.GlobalAveragePooling2D()(x), name="net")


def nested(**options):
    inputs = keras.Input((12, 9, 3))
    return keras.Model(inputs, network(**options)(inputs))


@pytest.mark.parametrize("build_it", [network, nested])
@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"epsilon": 1e-5}, r"epsilon=1e-05 at layer 'bn'; 'ours' has epsilon=0.001 there \('bn'"),
        ({"strides": 2}, r"strides=\[2, 2\] at layer 'conv'; 'ours' has strides=\[1, 1\]"),
        ({"padding": "valid"}, "padding=valid at layer 'conv'; 'ours' has padding=same"),
        ({"dilation": 2}, r"dilation_rate=\[2, 2\] at layer 'conv'"),
    ],
)
def test_a_layer_that_computes_otherwise_is_named(tmp_path, build_it, options, match):
    build_it(**options).save(tmp_path / "x.keras")
    ours = build_it()
    before = [np.array(weight) for weight in ours.weights]

    with pytest.raises(InvalidArgumentError, match=match):
        load_keras_file("ours", ours.layers, tmp_path / "x.keras")

    for weight, value in zip(ours.weights, before, strict=True):
        np.testing.assert_array_equal(weight, value)


def test_padding_of_a_convolution_that_never_pads_does_not_matter(tmp_path):
    theirs = network(pointwise="valid")
    theirs.save(tmp_path / "x.keras")
    ours = network()

    load_keras_file("ours", ours.layers, tmp_path / "x.keras")

    np.testing.assert_array_equal(ours.weights[0], theirs.weights[0])


def test_shapes_that_do_not_fit_are_said_first(tmp_path):
    theirs = keras.Sequential([keras.Input((12, 9, 3)), layers.Conv2D(5, 3, 2)])
    theirs.save(tmp_path / "x.keras")

    with pytest.raises(InvalidArgumentError, match="first at layer 'conv', which needs"):
        load_keras_file("ours", network().layers, tmp_path / "x.keras")


@pytest.mark.parametrize(
    ("name", "options", "match"),
    [
        ("mobilenet_v2", {"alpha": 0.35}, "padding=valid at layer 'stem_conv'"),
        ("mobilenet_v3_small", {"alpha": 0.35}, "padding=valid at layer 'stem_conv'"),
        ("vgg11", {"batch_norm": True, "fc_units": 8}, "epsilon=1e-05 at layer 'block1_conv1_bn'"),
    ],
)
def test_the_other_convention_is_refused_and_its_own_loads(tmp_path, name, options, match):
    options = {"input_shape": SHAPE, **options}
    theirs = build(name, convention="torch", **options)
    theirs.save(tmp_path / "x.keras")

    with pytest.raises(InvalidArgumentError, match=match + r"(.|\n)*convention='torch' or 'keras'"):
        build(name, weights=tmp_path / "x.keras", convention="keras", **options)
    ours = build(name, weights=tmp_path / "x.keras", convention="torch", **options)

    for weight, value in zip(ours.weights, theirs.weights, strict=True):
        np.testing.assert_array_equal(weight, value)


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("mobilenet", lambda **o: keras.applications.MobileNet(SHAPE, alpha=0.25, **o)),
        ("mobilenet_v2", lambda **o: keras.applications.MobileNetV2(SHAPE, alpha=0.35, **o)),
        ("mobilenet_v3_small", lambda **o: keras.applications.MobileNetV3Small(SHAPE, 0.75, **o)),
    ],
)
def test_models_of_keras_applications_load(tmp_path, name, theirs):
    theirs = theirs(weights=None, classes=7)
    theirs.save(tmp_path / "x.keras")
    alpha = {"mobilenet": 0.25, "mobilenet_v2": 0.35}.get(name, 0.75)

    ours = build(name, alpha=alpha, input_shape=SHAPE, classes=7, weights=tmp_path / "x.keras")

    x = np.random.default_rng(0).normal(0, 1, (1, *SHAPE)).astype(np.float32)
    expected = np.asarray(theirs(x))
    np.testing.assert_allclose(ours(x), expected, rtol=0, atol=1e-5 * expected.max())


def rewritten(path, change):
    """The file with another config.json; `change`: old -> new text, or None to leave it out."""
    other = path.with_name("other.keras")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(other, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "config.json":
                content = change(content)
            if content is not None:
                new.writestr(name, content)
    return other


@pytest.mark.parametrize(
    "change",
    [
        lambda content: None,
        lambda content: b"[]",
        lambda content: json.dumps({"class_name": "Mine", "config": {"units": 3}}),
        lambda content: json.dumps({"config": {"layers": [1, {"class_name": "Conv2D"}]}}),
    ],
)
def test_a_model_that_does_not_list_its_layers_loads_by_its_weights(tmp_path, change):
    theirs = network()
    theirs.save(tmp_path / "x.keras")
    ours = network()

    load_keras_file("ours", ours.layers, rewritten(tmp_path / "x.keras", change))

    np.testing.assert_array_equal(ours.weights[0], theirs.weights[0])


def test_a_damaged_config_is_refused(tmp_path):
    network().save(tmp_path / "x.keras")

    with pytest.raises(InvalidArgumentError, match=r"damaged: its config.json cannot be read"):
        load_keras_file(
            "ours", network().layers, rewritten(tmp_path / "x.keras", lambda content: content[:50])
        )
