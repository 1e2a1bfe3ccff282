import pytest

import mobilezoo
from mobilezoo import build, list_models
from mobilezoo.data.labels import find_labels
from mobilezoo.data.preprocessing import preprocessing_of
from mobilezoo.errors import InvalidArgumentError
from mobilezoo.graph.abstract import without_weights
from mobilezoo.models.registry import entry


def test_every_listed_model_builds_and_knows_its_preprocessing_and_labels():
    for name in list_models():
        with without_weights():
            model = build(name)

        assert preprocessing_of(model) is not None
        assert model.output_shape == (None, len(find_labels(entry(name).labels)))


def test_wildcards_find_models():
    assert list_models("mobilenet_v3*") == ["mobilenet_v3_large", "mobilenet_v3_small"]
    assert list_models("resnet[12]??") == ["resnet101", "resnet152", "resnet200"]
    assert list_models("nothing*") == []


def test_published_weights_narrow_the_list():
    published = list_models(pretrained=True)

    assert "resnet18" in published
    assert "resnet50_v2" in published
    assert not {"mnist_mlp", "inception_v1", "resnet200", "resnet_cifar"} & set(published)


def test_googlenet_is_inception_v1():
    assert entry("googlenet") is entry("inception_v1")
    assert list_models("googlenet") == ["inception_v1"]
    assert mobilezoo.googlenet is mobilezoo.inception_v1


def test_every_network_is_importable_by_its_name():
    for name in list_models():
        assert getattr(mobilezoo, name) is entry(name).builder
        assert name in mobilezoo.__all__


def test_an_unknown_name_suggests_another():
    with pytest.raises(InvalidArgumentError, match=r"Unknown model 'mobilnet'.*Did you mean 'mobi"):
        build("mobilnet")


def test_an_unknown_option_is_named():
    with pytest.raises(InvalidArgumentError, match=r"mnist_mlp takes no argument 'alpha'"):
        build("mnist_mlp", alpha=0.5)
