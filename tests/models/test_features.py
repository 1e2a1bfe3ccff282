"""Backbones: several feature maps of one network."""

import sys

import keras
import numpy as np
import pytest

from mobilezoo import Preprocessing, build, list_models, randomize_weights
from mobilezoo.data.preprocessing import preprocessing_of
from mobilezoo.errors import InvalidArgumentError
from mobilezoo.graph.abstract import without_weights
from mobilezoo.models.registry import entry
from tests.models.test_options import FAMILIES

resnet_cifar = sys.modules[entry("resnet_cifar").builder.__module__]  # not the function
WITH_FEATURES = [name for name in list_models() if entry(name).endpoints]


@pytest.mark.parametrize("name", WITH_FEATURES)
def test_features_have_one_map_per_resolution_the_finest_first(name):
    with without_weights():
        model = build(name, features_only=True, input_shape=(128, 192, 3))

    strides = [(128 // map_.shape[1], 192 // map_.shape[2]) for map_ in model.outputs]

    wanted = {"mnist_cnn": [2, 4], "resnet_cifar": [1, 2, 4]}.get(name, [2, 4, 8, 16, 32])
    if name == "inception_v3":  # pads nothing in its stem and between its stages
        assert [map_.shape[1:3] for map_ in model.outputs] == [
            (61, 93), (28, 44), (13, 21), (6, 10), (2, 4),
        ]  # fmt: skip
    else:
        assert strides == [(stride, stride) for stride in wanted]


@pytest.mark.parametrize("name", [name for name in WITH_FEATURES if name in FAMILIES])
def test_features_end_at_the_deepest_layer_of_each_resolution(name):
    with without_weights():
        model = build(name, features_only=True, input_shape=(128, 192, 3))
        whole = build(name, include_top=False, input_shape=(128, 192, 3))

    assert model.outputs[-1].shape == whole.output.shape


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("mobilenet_v2", {"alpha": 0.35}),
        ("mobilenet_v3_small", {"minimalistic": True}),
        ("mobilenet_v3_large", {"minimalistic": True}),
        ("mobilenet_v3_large", {"alpha": 0.5}),
        ("mobilenet_v3_large", {"alpha": 1.25}),
        ("vgg11", {"batch_norm": True}),
        ("inception_v1", {"batch_norm": True, "reduce": False}),
        ("resnet50", {"convention": "torch"}),
    ],
)
def test_features_follow_the_options(name, options):
    with without_weights():
        model = build(name, features_only=True, input_shape=(128, 192, 3), **options)

    assert [128 // map_.shape[1] for map_ in model.outputs] == [2, 4, 8, 16, 32]


@pytest.mark.parametrize("version", [1, 2])
def test_features_of_networks_of_submodels_are_those_of_the_flat_ones(version, monkeypatch):
    options = {"depth": 29, "block": "bottleneck", "version": version, "input_shape": (16, 24, 3)}
    flat = randomize_weights(build("resnet_cifar", features_only=True, **options))
    monkeypatch.setattr(resnet_cifar, "MOST_BLOCKS_IN_A_ROW", 0)
    nested = build("resnet_cifar", features_only=True, **options)
    nested.set_weights(flat.get_weights())

    x = np.random.default_rng(0).uniform(-1, 1, (2, 16, 24, 3)).astype(np.float32)
    for ours, theirs in zip(nested(x), flat(x), strict=True):
        assert np.ptp(theirs) > 0.1
        np.testing.assert_allclose(ours, theirs, atol=1e-5 * np.abs(theirs).max())


def test_a_backbone_returns_what_the_layers_return():
    whole = randomize_weights(build("mobilenet", input_shape=(64, 96, 3), alpha=0.25))
    x = np.random.default_rng(0).uniform(-1, 1, (1, 64, 96, 3)).astype(np.float32)
    expected = keras.Model(whole.input, whole.get_layer("block3_pointwise_relu").output)(x)

    part = build(
        "mobilenet", input_shape=(64, 96, 3), alpha=0.25,
        endpoints=["block3_pointwise_relu", "block13*_relu"],
    )  # fmt: skip
    part.set_weights(whole.get_weights()[: len(part.weights)])

    assert np.ptp(expected) > 0.1
    np.testing.assert_allclose(part(x)[0], expected, rtol=1e-6, atol=1e-6)
    assert part(x)[1].shape == (1, 2, 3, 256)


def test_a_backbone_keeps_preprocessing_and_weights(tmp_path):
    whole = randomize_weights(build("mobilenet", input_shape=(64, 96, 3), alpha=0.25))
    whole.save_weights(tmp_path / "whole.weights.h5")

    part = build(
        "mobilenet", input_shape=(64, 96, 3), alpha=0.25, include_top=True,
        weights=tmp_path / "whole.weights.h5", endpoints=["block3_pointwise_relu"],
    )  # fmt: skip

    assert preprocessing_of(part) == Preprocessing("tf", (127.5,), (1 / 127.5,))
    np.testing.assert_array_equal(
        part.get_layer("block3_pointwise_conv").kernel,
        whole.get_layer("block3_pointwise_conv").kernel,
    )


def test_endpoints_work_without_a_top_to_leave_out():
    model = build("mnist_mlp", endpoints=["hidden1"])

    assert [output.shape for output in model.outputs] == [(None, 512)]


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"endpoints": ["block3_relu"]}, r"no layer 'block3_relu'.*Did you mean 'block3_"),
        ({"endpoints": ["logits"]}, "classifier need include_top=True"),
        ({"endpoints": "block3"}, "must be a list of at least one layer name"),
        ({"endpoints": []}, "must be a list of at least one layer name"),
        ({"endpoints": ["stem_conv"], "features_only": True}, "not both"),
    ],
)
def test_a_bad_endpoint_says_what_to_do(options, match):
    with pytest.raises(InvalidArgumentError, match=match):
        build("mobilenet", **options)


NO_CLASSIFIER = "is of the classifier, which this backbone does not have. Leave it out"


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"classes": 5}, rf"classes=5 {NO_CLASSIFIER}\."),
        ({"dropout": 0.5}, rf"dropout=0.5 {NO_CLASSIFIER}\."),
        ({"classifier_activation": None}, rf"classifier_activation=None {NO_CLASSIFIER}\."),
        ({"pooling": "avg"}, "pooling='avg' makes one vector; a backbone returns the outputs"),
        ({"include_top": True}, "include_top=True adds a classifier, which a backbone of feat"),
    ],
)
def test_a_backbone_of_features_takes_nothing_of_the_classifier(options, match):
    with pytest.raises(InvalidArgumentError, match=match):
        build("mobilenet", features_only=True, **options)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"classes": 5}, rf"classes=5 {NO_CLASSIFIER}, or pass include_top=True"),
        ({"pooling": "max"}, "pooling='max' makes one vector"),
        ({"pooling": "max", "include_top": True}, "pooling='max' makes one vector"),
    ],
)
def test_a_backbone_of_endpoints_takes_nothing_without_effect(options, match):
    with pytest.raises(InvalidArgumentError, match=match):
        build("mobilenet", endpoints=["stem_conv"], **options)


def test_hidden_units_are_of_the_classifier_too():
    with pytest.raises(InvalidArgumentError, match="fc_units=64 is of the classifier"):
        build("vgg11", features_only=True, fc_units=64)


def test_endpoints_may_be_of_the_classifier():
    with without_weights():
        model = build(
            "resnet18", input_shape=(32, 64, 3), endpoints=["stem_relu", "logits"],
            include_top=True, classes=5, classifier_activation=None, dropout=0.5,
        )  # fmt: skip

    assert [output.shape for output in model.outputs] == [(None, 16, 32, 64), (None, 5)]


def test_the_features_of_the_small_vgg_have_a_dropout_of_their_own():
    model = build("mnist_cnn", features_only=True, dropout=0.4)

    assert model.get_layer("block1_dropout").rate == 0.2


def test_a_network_without_feature_maps_says_so():
    with pytest.raises(InvalidArgumentError, match="mnist_mlp has no feature maps"):
        build("mnist_mlp", features_only=True)
