"""A network without a top takes a file that has one; nothing else passes for a top."""

import sys

import keras
import numpy as np
import pytest
from keras import layers

from mobilezoo import build
from mobilezoo.errors import InvalidArgumentError
from mobilezoo.models.registry import entry
from mobilezoo.weights.keras_file import load_keras_file
from mobilezoo.weights.top import is_top
from tests.weights.test_keras_file import SAVERS

COLOUR = (33, 48, 3)
# builder -> options that make it small; together every form of top, flat and of submodels
FAMILIES = {
    "mnist_cnn": {"input_shape": (8, 12, 1)},
    "vgg11": {"input_shape": COLOUR, "fc_units": 16},
    "inception_v1": {"input_shape": COLOUR},
    "resnet_cifar": {"input_shape": COLOUR, "depth": 8},
    "mobilenet": {"input_shape": COLOUR, "alpha": 0.25},
    "mobilenet_v2": {"input_shape": COLOUR, "alpha": 0.35},
    "mobilenet_v3_small": {"input_shape": COLOUR, "alpha": 0.35},
}
LARGE = {
    "inception_v3": {"input_shape": (75, 80, 3)},
    "mobilenet_v3_large": {"input_shape": COLOUR, "alpha": 0.35},
    "resnet50": {"input_shape": COLOUR},
    "resnet18_v2": {"input_shape": COLOUR},
}


def saved(tmp_path, file, name, **options):
    """A network with a top, and the path of its file."""
    theirs = build(name, classes=7, **options)
    SAVERS[file](theirs, tmp_path / file)
    return theirs, tmp_path / file


def leaves(model):
    """The layers with weights, those of submodels in their place."""
    return [
        layer
        for layer in model._flatten_layers(include_self=False)
        if layer.weights and not layer._layers
    ]


def assert_same_features(theirs, ours):
    """The layers of ours hold the weights of their first ones; theirs go on."""
    assert 0 < len(leaves(ours)) < len(leaves(theirs))
    for layer, source in zip(leaves(ours), leaves(theirs), strict=False):
        assert layer.name == source.name
        for weight, value in zip(layer.weights, source.weights, strict=True):
            np.testing.assert_array_equal(weight, value)


@pytest.mark.parametrize("name", FAMILIES)
def test_the_top_of_a_file_is_left_out(tmp_path, name):
    theirs, path = saved(tmp_path, "new.weights.h5", name, **FAMILIES[name])
    options = {key: value for key, value in FAMILIES[name].items() if key != "fc_units"}

    ours = build(name, include_top=False, weights=path, **options)

    assert_same_features(theirs, ours)


@pytest.mark.slow
@pytest.mark.parametrize("name", LARGE)
def test_the_top_of_a_large_networks_file_is_left_out(tmp_path, name):
    theirs, path = saved(tmp_path, "new.weights.h5", name, **LARGE[name])

    assert_same_features(theirs, build(name, include_top=False, weights=path, **LARGE[name]))


@pytest.mark.parametrize(
    ("file", "nested"),
    [*((file, False) for file in SAVERS), ("new.weights.h5", True), ("new.keras", True)],
)
def test_the_top_is_left_out_of_every_kind_of_file(tmp_path, file, nested, monkeypatch):
    if nested:
        module = sys.modules[entry("resnet_cifar").builder.__module__]
        monkeypatch.setattr(module, "MOST_BLOCKS_IN_A_ROW", 0)
    theirs, path = saved(tmp_path, file, "resnet_cifar", **FAMILIES["resnet_cifar"])
    assert any(isinstance(layer, keras.Model) for layer in theirs.layers) == nested

    ours = build("resnet_cifar", depth=8, include_top=False, pooling="avg", weights=path)

    assert_same_features(theirs, ours)


def test_backbones_take_files_with_a_top(tmp_path):
    theirs, path = saved(tmp_path, "new.keras", "mnist_cnn", **FAMILIES["mnist_cnn"])

    ours = build("mnist_cnn", features_only=True, weights=path)

    assert len(ours.outputs) == 2
    assert_same_features(theirs, ours)


@pytest.mark.parametrize("file", SAVERS)
@pytest.mark.parametrize("include_top", [False, True])
def test_a_deeper_networks_file_is_refused(tmp_path, file, include_top):
    _, path = saved(tmp_path, file, "resnet_cifar", depth=14, include_top=include_top)

    with pytest.raises(InvalidArgumentError, match="do not fit 'resnet8_cifar'"):
        build("resnet_cifar", depth=8, include_top=False, weights=path)


def features(*tail, pooled=True):
    """A convolution of 4 filters and its features, then `tail`."""
    inputs = keras.Input((8, 6, 3))
    x = layers.Conv2D(4, 3, name="conv")(inputs)
    x = layers.GlobalAveragePooling2D(keepdims=True)(x) if pooled else x
    for layer in tail:
        x = layer(x)
    return keras.Model(inputs, x)


TAILS = {
    "a batch norm": [layers.BatchNormalization(), layers.Conv2D(5, 1)],
    "a 3x3 convolution": [layers.Conv2D(5, 3, padding="same")],
    "no bias": [layers.Conv2D(5, 1, use_bias=False)],
    "four layers": [layers.Dense(5) for _ in range(4)],
    "a transposed convolution": [layers.Conv2DTranspose(6, 1)],
    "other features": [layers.Reshape((2, 2, 1)), layers.Conv2D(5, 1)],
}


@pytest.mark.parametrize("file", SAVERS)
@pytest.mark.parametrize("tail", TAILS)
def test_other_layers_than_a_classifier_are_no_top(tmp_path, file, tail):
    SAVERS[file](features(*TAILS[tail]), tmp_path / file)
    ours = features(pooled=False)
    before = np.array(ours.get_layer("conv").kernel)

    with pytest.raises(InvalidArgumentError, match="the file goes on with"):
        load_keras_file("net", ours.layers, tmp_path / file)

    np.testing.assert_array_equal(ours.get_layer("conv").kernel, before)


def test_a_network_that_ends_in_a_classifier_takes_no_longer_file(tmp_path):
    features(layers.Flatten(), layers.Dense(5), layers.Dense(2)).save_weights(
        tmp_path / "x.weights.h5"
    )
    ours = features(layers.Flatten(), layers.Dense(5))

    with pytest.raises(InvalidArgumentError, match=r"the file goes on with '.*' \(5, 2\), \(2,\)"):
        load_keras_file("net", ours.layers, tmp_path / "x.weights.h5")


@pytest.mark.parametrize(
    ("shapes", "channels", "expected"),
    [
        ([[(64, 9), (9,)]], 64, True),
        ([[(6 * 64, 32), (32,)], [(32, 32), (32,)], [(32, 9), (9,)]], 64, True),  # flattened
        ([[(1, 1, 64, 32), (32,)], [(1, 1, 32, 9), (9,)]], 64, True),
        ([[(64, 9), (9,)]], None, True),
        ([], 64, False),
        ([[(65, 9), (9,)]], 64, False),  # reads other features
        ([[(1, 1, 128, 9), (9,)]], 64, False),  # a convolution reads no flattened ones
        ([[(64, 32), (32,)], [(64, 9), (9,)]], 64, False),  # side by side, not in a row
        ([[(64, 32), (32,)], [(1, 1, 64, 9), (9,)]], 64, False),
        ([[(64, 9)]], 64, False),
        ([[(64, 9), (8,)]], 64, False),
        ([[(64,), (64,), (64,), (64,)]], 64, False),
        ([[(3, 1, 64, 9), (9,)]], 64, False),
        ([[(64, 64), (64,)]] * 4, 64, False),
    ],
)
def test_a_top_is_told_by_its_shapes(shapes, channels, expected):
    assert is_top(shapes, channels) is expected


@pytest.mark.parametrize("name", ["mnist_cnn", "vgg11", "mobilenet", "mobilenet_v3_small"])
def test_a_file_without_the_top_says_what_to_do(tmp_path, name):
    options = {key: value for key, value in FAMILIES[name].items() if key != "fc_units"}
    build(name, include_top=False, **options).save_weights(tmp_path / "x.weights.h5")

    with pytest.raises(InvalidArgumentError, match=r"without its top: .*include_top=False"):
        build(name, weights=tmp_path / "x.weights.h5", **FAMILIES[name])


def test_a_shallower_networks_file_is_not_said_to_lack_the_top(tmp_path):
    _, path = saved(tmp_path, "new.weights.h5", "resnet_cifar", depth=8)

    with pytest.raises(InvalidArgumentError, match="Build it with the options"):
        build("resnet_cifar", depth=14, classes=7, weights=path)
