import pytest

from mobilezoo import build, list_models
from mobilezoo.data.labels import find_labels
from mobilezoo.data.preprocessing import preprocessing_of
from mobilezoo.errors import InvalidArgumentError
from mobilezoo.models.registry import entry


def test_every_listed_model_builds_and_knows_its_preprocessing_and_labels():
    for name in list_models():
        model = build(name)

        assert preprocessing_of(model) is not None
        assert model.output_shape == (None, len(find_labels(entry(name).labels)))


def test_wildcards_find_models():
    assert list_models("mobile*") == ["mobilenet"]
    assert list_models("nothing*") == []


def test_an_unknown_name_suggests_another():
    with pytest.raises(InvalidArgumentError, match=r"Unknown model 'mobilnet'.*Did you mean 'mobi"):
        build("mobilnet")


def test_an_unknown_option_is_named():
    with pytest.raises(InvalidArgumentError, match=r"mnist_mlp takes no argument 'alpha'"):
        build("mnist_mlp", alpha=0.5)
