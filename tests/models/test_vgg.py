import keras
import numpy as np
import pytest

from mobilezoo import randomize_weights
from mobilezoo.benchmark import count
from mobilezoo.data.preprocessing import preprocessing_of
from mobilezoo.errors import InvalidArgumentError
from mobilezoo.graph.abstract import without_weights
from mobilezoo.models.vgg import vgg11, vgg13, vgg16, vgg19
from tests.models.same_answers import assert_same_answers

# Parameters: 16 and 19 as keras.applications counts, 11 and 13 as torchvision. Mult-adds in
# billions: torchvision. Table 2 of the paper prints 133, 133, 138 and 144 million parameters.
PUBLISHED = [
    (vgg11, 132_863_336, 7.609, 133),
    (vgg13, 133_047_848, 11.308, 133),
    (vgg16, 138_357_544, 15.470, 138),
    (vgg19, 143_667_240, 19.632, 144),
]
SHAPE = (32, 71, 3)  # the last feature map is 1 x 2


def abstract(builder, *args, **options):
    with without_weights():
        return builder(*args, **options)


@pytest.mark.parametrize(("builder", "parameters", "mult_adds", "table_2"), PUBLISHED)
def test_counts_are_those_of_the_paper_and_of_other_zoos(builder, parameters, mult_adds, table_2):
    counts = count(abstract(builder))

    assert counts.parameters == parameters
    assert round(counts.mult_adds / 1e9, 3) == mult_adds
    assert round(counts.parameters / 1e6) == table_2


def test_mult_adds_of_vgg16_are_exact():
    assert count(abstract(vgg16)).mult_adds == 15_470_264_320


def test_batch_norms_add_four_parameters_per_filter():
    # torchvision's vgg11_bn trains 132,868,840; its 2 x 2,752 moving statistics come on top
    assert abstract(vgg11, batch_norm=True).count_params() == 132_868_840 + 2 * 2_752


def test_a_small_head_makes_a_small_network():
    # 14,714,688 of the convolutions, then 512 -> 512 -> 512 -> 10
    model = abstract(vgg16, (32, 32, 3), fc_units=512, classes=10)

    assert model.count_params() == 14_714_688 + 512 * 513 + 512 * 513 + 10 * 513


@pytest.mark.parametrize(
    ("builder", "application", "include_top", "ending"),
    [
        (vgg16, keras.applications.VGG16, True, ".weights.h5"),
        (vgg16, keras.applications.VGG16, False, ".h5"),
        (vgg19, keras.applications.VGG19, True, ".h5"),
        (vgg19, keras.applications.VGG19, False, ".weights.h5"),
    ],
)
def test_weights_of_keras_applications_load_and_compute_the_same(
    weight_file, builder, application, include_top, ending
):
    theirs = application(
        input_shape=SHAPE, weights=None, classes=7, include_top=include_top, pooling=None
    )
    randomize_weights(theirs)

    ours = builder(SHAPE, classes=7, include_top=include_top, weights=weight_file(theirs, ending))

    assert_same_answers(ours, theirs, low=-2, high=2)


@pytest.mark.parametrize(
    ("batch_norm", "names"),
    [
        (False, ["block1_conv1", "block1_pool", "block2_conv1", "block2_pool"]),
        (
            True,
            [
                "block1_conv1", "block1_conv1_bn", "block1_conv1_relu", "block1_pool",
                "block2_conv1", "block2_conv1_bn", "block2_conv1_relu", "block2_pool",
            ],
        ),
    ],
)  # fmt: skip
def test_layers_follow_configuration_a(batch_norm, names):
    model = abstract(vgg11, batch_norm=batch_norm, include_top=False)

    assert [layer.name for layer in model.layers[1 : len(names) + 1]] == names


@pytest.mark.parametrize("batch_norm", [False, True])
def test_every_convolution_has_a_bias_and_ends_in_a_relu(batch_norm):
    model = randomize_weights(vgg11(SHAPE, batch_norm=batch_norm, include_top=False))
    ends = [
        layer.name.removesuffix("_relu" if batch_norm else "")
        for layer in model.layers
        if getattr(layer, "activation", None) is keras.activations.relu
        or isinstance(layer, keras.layers.ReLU)
    ]
    convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]

    assert ends == [layer.name for layer in convolutions]
    assert all(layer.use_bias for layer in convolutions)
    assert len(ends) == 8


def test_dropout_acts_in_training_only():
    model = randomize_weights(vgg11(SHAPE, fc_units=40, classes=7))
    x = np.random.default_rng(0).uniform(-2, 2, (2, *SHAPE)).astype(np.float32)

    inferred, trained = (np.asarray(model(x, training=mode)) for mode in (False, True))

    np.testing.assert_array_equal(inferred, np.asarray(model(x, training=False)))
    assert np.abs(trained - inferred).max() > 0.01
    assert [model.get_layer(f"fc{i}_dropout").rate for i in (1, 2)] == [0.5, 0.5]


@pytest.mark.parametrize(
    ("convention", "epsilon", "preprocessing"),
    [(None, 1e-5, "torch"), ("keras", 1e-3, "caffe"), ("torch", 1e-5, "torch")],
)
def test_the_convention_decides_epsilon_and_preprocessing(convention, epsilon, preprocessing):
    model = abstract(vgg13, batch_norm=True, convention=convention)

    assert model.get_layer("block5_conv2_bn").epsilon == epsilon
    assert preprocessing_of(model).name == preprocessing


@pytest.mark.parametrize(
    ("builder", "batch_norm", "preprocessing"),
    [(vgg16, False, "caffe"), (vgg16, True, "torch"), (vgg11, False, "torch")],
)
def test_published_weights_bring_their_convention(monkeypatch, builder, batch_norm, preprocessing):
    # keras.applications hosts 16 and 19 without batch norm, torchvision the others
    files = []
    monkeypatch.setattr("mobilezoo.models._build.fetch", lambda record: record)
    monkeypatch.setattr(
        "mobilezoo.models._build._load", lambda _name, _own, file, *_: files.append(file)
    )

    model = abstract(builder, batch_norm=batch_norm, weights="imagenet")

    assert preprocessing_of(model).name == preprocessing
    assert [file.preprocessing for file in files] == [preprocessing]


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"convention": "torch"}, "no published file for vgg19 with .*convention='torch'"),
        ({"fc_units": 512}, "no published file for vgg19 with fc_units=512"),
    ],
)
def test_published_weights_are_refused_where_they_do_not_fit(options, match):
    with pytest.raises(InvalidArgumentError, match=match):
        abstract(vgg19, weights="imagenet", **options)


@pytest.mark.parametrize(
    ("pooling", "shape"), [(None, (None, 2, 3, 512)), ("avg", (None, 512)), ("max", (None, 512))]
)
def test_without_a_top_it_gives_features(pooling, shape):
    model = abstract(vgg11, (70, 96, 3), include_top=False, pooling=pooling)

    assert model.output_shape == shape


def test_without_a_top_the_sides_may_stay_free():
    model = abstract(vgg11, include_top=False)

    assert model.input_shape == (None, None, None, 3)
    assert model.output_shape == (None, None, None, 512)


def test_the_hidden_layers_read_the_flattened_feature_map():
    model = abstract(vgg11, (70, 96, 3), fc_units=40)

    assert model.get_layer("flatten").input.shape == (None, 2, 3, 512)
    assert tuple(model.get_layer("fc1").kernel.shape) == (2 * 3 * 512, 40)


def test_it_builds_on_a_tensor():
    inputs = keras.Input((64, 96, 3))

    model = abstract(vgg11, input_tensor=keras.layers.Rescaling(2.0)(inputs))

    assert model.input_shape == (None, 64, 96, 3)
    assert isinstance(model.layers[1], keras.layers.Rescaling)


def test_name_and_activation_are_the_callers():
    model = abstract(vgg11, classes=7, classifier_activation=None, name="mine")

    assert (model.name, model.output_shape) == ("mine", (None, 7))
    assert model.layers[-1].activation is keras.activations.linear
    assert abstract(vgg11).name == "vgg11"


def test_help_shows_the_arguments():
    assert "fc_units: of the two hidden fully connected layers" in vgg16.__doc__
    assert "variant:" not in vgg16.__doc__.split("Args:")[0]


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"input_shape": (64, 31, 3)}, r"input_shape=\(64, 31, 3\) is below 32 px"),
        ({"input_shape": (None, 64, 3)}, "has free sides, but include_top=True"),
        ({"fc_units": 0}, "fc_units=0 must be a whole number of at least 1"),
        ({"dropout": 1}, "dropout=1 must be at least 0 and below 1"),
        ({"classes": 0}, "classes=0 must be a whole number"),
        ({"pooling": "avg"}, "pooling='avg' needs include_top=False"),
        ({"convention": "caffe"}, "convention='caffe': choose None, 'keras', 'torch'"),
        ({"weights": "no/such.h5"}, "is not a file"),
    ],
)
def test_a_bad_argument_says_what_to_do(options, match):
    with pytest.raises(InvalidArgumentError, match=match):
        abstract(vgg16, **options)


def test_weights_of_another_configuration_are_refused(weight_file):
    path = weight_file(vgg11(SHAPE, include_top=False), ".weights.h5")

    with pytest.raises(InvalidArgumentError, match=r"do not fit 'vgg13'.*'block1_conv2'"):
        vgg13(SHAPE, include_top=False, weights=path)
