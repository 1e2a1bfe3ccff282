"""The arguments that all networks for pictures share, as in keras.applications."""

import inspect

import keras
import numpy as np
import pytest

from mobilezoo import build, list_models
from mobilezoo.data.preprocessing import preprocessing_of
from mobilezoo.errors import InvalidArgumentError
from mobilezoo.models.registry import entry

# One of each family; its variants share the code that takes the arguments.
FAMILIES = [
    "vgg11", "inception_v1", "inception_v3", "resnet18", "resnet18_v2", "resnet_cifar",
    "mobilenet", "mobilenet_v2", "mobilenet_v3_small",
]  # fmt: skip
SHAPE = (96, 128, 3)  # large enough for all, and not square
every_family = pytest.mark.parametrize("name", FAMILIES)


def abstract(name, /, **options):
    with keras.StatelessScope(initialize_variables=False):
        return build(name, **options)


@every_family
def test_the_classifier_follows_the_options(name):
    model = abstract(name, input_shape=SHAPE, classes=7, classifier_activation=None, name="mine")

    assert model.input_shape == (None, *SHAPE)
    assert model.output_shape == (None, 7)
    assert model.name == "mine"
    assert not any(isinstance(layer, keras.layers.Softmax) for layer in model.layers)
    last = model.layers[-1]
    assert getattr(last, "activation", keras.activations.linear) is keras.activations.linear


@every_family
def test_the_default_answer_is_a_probability_of_each_class(name):
    model = abstract(name, input_shape=SHAPE)

    assert model.layers[-1].activation is keras.activations.softmax
    assert preprocessing_of(model) is not None


@every_family
def test_features_are_maps_or_vectors(name):
    maps = abstract(name, input_shape=SHAPE, include_top=False)
    mean = abstract(name, input_shape=SHAPE, include_top=False, pooling="avg")
    peak = abstract(name, input_shape=SHAPE, include_top=False, pooling="max")

    batch, height, width, channels = maps.output_shape
    assert batch is None
    assert height < width
    assert mean.output_shape == peak.output_shape == (None, channels)
    assert isinstance(mean.layers[-1], keras.layers.GlobalAveragePooling2D)
    assert isinstance(peak.layers[-1], keras.layers.GlobalMaxPooling2D)


@every_family
def test_sides_may_stay_free_without_a_top(name):
    assert abstract(name, include_top=False).input_shape == (None, None, None, 3)
    part = abstract(name, include_top=False, input_shape=(None, 128, 3))
    assert part.input_shape == (None, None, 128, 3)


@every_family
def test_other_channels_are_possible(name):
    assert abstract(name, input_shape=(96, 128, 5)).input_shape == (None, 96, 128, 5)


@every_family
def test_it_builds_on_a_tensor_of_the_users(name):
    inputs = keras.Input((96, 128, 1), name="gray")
    x = keras.layers.Conv2D(3, 1, name="colour")(inputs)

    model = build(name, input_tensor=x, include_top=False)

    assert model.input_shape == (None, 96, 128, 1)
    assert model.get_layer("colour") is model.layers[1]


@every_family
def test_dropout_is_before_the_classifier(name):
    model = abstract(name, input_shape=SHAPE, dropout=0.25)

    rates = [layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)]
    assert rates
    assert set(rates) == {0.25}


@every_family
def test_layers_have_names_of_our_own_which_are_unique(name):
    names = [layer.name for layer in abstract(name, input_shape=SHAPE).layers]

    assert len(set(names)) == len(names)
    assert not [
        layer for layer in names if layer.startswith(("conv2d", "batch_norm", "re_lu", "dense"))
    ]


@every_family
@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"input_shape": (2, 2, 3)}, r"input_shape=\(2, 2, 3\) is below \d+ px"),
        ({"input_shape": (128, 128)}, r"must be \(height, width, channels\)"),
        ({"input_shape": (None, 128, 3)}, "has free sides, but include_top=True"),
        ({"input_tensor": np.zeros((1, 128, 128, 3))}, "input_tensor is a ndarray; pass "),
        ({"input_shape": 224}, r"input_shape=224 must be \(height, width, channels\)"),
        ({"input_shape": (64.5, 128, 3)}, "must be whole numbers of pixels"),
        ({"input_shape": (128, 128, 0)}, "at least 1 channel"),
        (
            {"input_shape": (128, 128, 3), "input_tensor": keras.Input((96, 128, 3))},
            "contradicts input_tensor of shape",
        ),
        ({"weights": 5}, "weights=5: pass None, 'imagenet' or the path"),
        ({"classes": 0}, "classes=0 must be a whole number"),
        ({"dropout": 1.5}, "dropout=1.5 must be at least 0 and below 1"),
        ({"classifier_activation": "sofmax"}, "classifier_activation='sofmax' is unknown"),
        ({"pooling": "avg"}, "pooling='avg' needs include_top=False"),
        ({"pooling": "sum", "include_top": False}, "choose None, 'avg' or 'max'"),
        ({"weights": "no/such.h5"}, "is not a file"),
        ({"alphabet": 1}, "takes no argument 'alphabet'"),
    ],
)
def test_a_bad_argument_says_what_to_do(name, options, match):
    with pytest.raises(InvalidArgumentError, match=match):
        build(name, **options)


def test_a_family_of_every_network_is_tested():
    modules = {entry(name).builder.__module__ for name in FAMILIES}

    for name in list_models():
        if not name.startswith("mnist"):  # tested by themselves
            assert entry(name).builder.__module__ in modules, name


@pytest.mark.parametrize("name", list_models())
def test_help_shows_the_arguments_and_no_other(name):
    builder = entry(name).builder

    _, _, documented = inspect.getdoc(builder).partition("Args:\n")
    documented = documented.split("\n\n")[0]
    names = [
        line.strip().split(":")[0]
        for line in documented.splitlines()
        if line.startswith("    ") and not line.startswith("     ")
    ]
    assert sorted(names) == sorted(inspect.signature(builder).parameters)


@pytest.mark.parametrize("name", list_models("resnet*"))
def test_help_says_where_the_stride_sits_and_whether_there_are_biases(name):
    text = inspect.getdoc(entry(name).builder)

    assert "halves the sides" in text
    assert "biases" in text


def test_numbers_of_numpy_are_numbers():
    model = abstract("mobilenet", input_shape=SHAPE, classes=np.int64(5), alpha=np.float32(0.5))

    assert model.output_shape == (None, 5)


def test_networks_are_built_in_the_convention_of_their_published_weights():
    with keras.StatelessScope(initialize_variables=False):
        names = {
            "torch": [build("vgg11"), build("vgg16", batch_norm=True), build("resnet18")],
            "caffe": [build("vgg16"), build("resnet50"), build("resnet200")],
        }

    for name, models in names.items():
        assert [preprocessing_of(model).name for model in models] == [name] * 3
