"""The arguments that all networks for pictures share, as in keras.applications."""

import inspect

import keras
import numpy as np
import pytest

import mobilezoo
from mobilezoo import build, list_models
from mobilezoo.data.preprocessing import preprocessing_of
from mobilezoo.errors import InvalidArgumentError
from mobilezoo.graph.abstract import without_weights
from mobilezoo.models.registry import entry

# One of each family; its variants share the code that takes the arguments.
FAMILIES = [
    "vgg11", "inception_v1", "inception_v3", "resnet18", "resnet18_v2", "resnet_cifar",
    "mobilenet", "mobilenet_v2", "mobilenet_v3_small",
]  # fmt: skip
SHAPE = (96, 128, 3)  # large enough for all, and not square
every_family = pytest.mark.parametrize("name", FAMILIES)


def abstract(name, /, **options):
    with without_weights():
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
        ({"weights": "no/such.h5"}, r"is not a file\. Pass None, 'imagenet' or a path\.$"),
        ({"weights": "imagnet"}, r"is not a file.*Did you mean 'imagenet'\?"),
        ({"weights": "ImageNet"}, r"is not a file.*Did you mean 'imagenet'\?"),
        (
            {"input_shape": (3, 96, 128)},
            r"channels last\. Did you mean \(96, 128, 3\)\?",
        ),
        (
            {"input_tensor": keras.Input((3, 96, 128))},
            r"Shapes are \(height, width, channels\).*Did you mean \(96, 128, 3\)\?",
        ),
        ({"alphabet": 1}, "takes no argument 'alphabet'"),
    ],
)
def test_a_bad_argument_says_what_to_do(name, options, match):
    with pytest.raises(InvalidArgumentError, match=match):
        build(name, **options)


def test_a_wrong_keyword_of_a_function_is_named():
    with pytest.raises(InvalidArgumentError) as error:
        mobilezoo.mobilenet(aplha=0.5)

    assert str(error.value) == (
        "mobilenet takes no argument 'aplha'; it takes input_shape, alpha, depth_multiplier, "
        "dropout, include_top, weights, input_tensor, pooling, classes, classifier_activation, "
        "name. Did you mean 'alpha'?"
    )


@pytest.mark.parametrize("name", list_models())
def test_every_function_refuses_a_wrong_keyword_under_its_own_name(name):
    with pytest.raises(InvalidArgumentError, match=f"^{name} takes no argument 'clases'; .*'clas"):
        getattr(mobilezoo, name)(clases=5)


def test_a_network_of_digits_cannot_leave_out_its_classifier():
    with pytest.raises(InvalidArgumentError, match="mnist_mlp takes no argument 'include_top'"):
        mobilezoo.mnist_mlp(include_top=False)


@pytest.mark.parametrize("name", [*FAMILIES, "mnist_mlp", "mnist_cnn"])
@pytest.mark.parametrize("activation", [None, "linear"])
def test_the_layer_of_the_answer_is_called_after_what_it_gives(name, activation):
    shape = (28, 36, 1) if name.startswith("mnist") else SHAPE

    logits = abstract(name, input_shape=shape, classifier_activation=activation)
    probabilities = abstract(name, input_shape=shape)

    assert logits.layers[-1].name == "logits"
    assert probabilities.layers[-1].name == "probabilities"


def test_help_shows_shared_arguments_with_their_defaults_after_the_familys_own():
    def shown(builder):
        return {item.name: item.default for item in inspect.signature(builder).parameters.values()}

    shared = {
        "include_top": True, "weights": None, "input_tensor": None, "pooling": None,
        "classes": 1000, "classifier_activation": "softmax", "name": None,
    }  # fmt: skip
    own = {"input_shape": None, "alpha": 1.0, "depth_multiplier": 1, "dropout": 1e-3}
    cifar = shown(mobilezoo.resnet_cifar)
    assert list(shown(mobilezoo.mobilenet).items()) == list((own | shared).items())
    assert list(cifar)[:2] == ["depth", "version"]
    assert list(cifar.items())[-7:] == list((shared | {"classes": 10}).items())
    assert "include_top" not in shown(mobilezoo.mnist_mlp)
    kinds = [item.kind for item in inspect.signature(mobilezoo.vgg16).parameters.values()]
    assert kinds == [inspect.Parameter.POSITIONAL_OR_KEYWORD] + [inspect.Parameter.KEYWORD_ONLY] * (
        len(kinds) - 1
    )


def test_a_family_of_every_network_is_tested():
    modules = {entry(name).builder.__module__ for name in FAMILIES}

    for name in list_models():
        if not name.startswith("mnist"):  # tested by themselves
            assert entry(name).builder.__module__ in modules, name


@pytest.mark.parametrize("name", list_models())
def test_help_shows_the_arguments_and_no_other(name):
    builder = entry(name).builder

    assert inspect.getdoc(builder).count("Raises:") == 1
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
    with without_weights():
        names = {
            "torch": [build("vgg11"), build("vgg16", batch_norm=True), build("resnet18")],
            "caffe": [build("vgg16"), build("resnet50"), build("resnet200")],
        }

    for name, models in names.items():
        assert [preprocessing_of(model).name for model in models] == [name] * 3
