import keras
import pytest

from mobilezoo import randomize_weights
from mobilezoo.benchmark import count
from mobilezoo.data.preprocessing import preprocessing_of
from mobilezoo.errors import InvalidArgumentError
from mobilezoo.graph.abstract import without_weights
from mobilezoo.models.inception_v3 import inception_v3
from tests.models.same_answers import assert_same_answers

SHAPE = (75, 139, 3)  # the last feature map is 1 x 3


def abstract(*args, **options):
    with without_weights():
        return inception_v3(*args, **options)


def with_weights(model):
    return [
        (type(layer).__name__, [tuple(weight.shape) for weight in layer.weights])
        for layer in model.layers
        if layer.weights
    ]


def test_counts_are_those_of_other_zoos_and_below_the_papers_bound():
    counts = count(abstract())

    assert counts.parameters == 23_851_784  # keras.applications
    assert round(counts.mult_adds / 1e9, 3) == 5.713  # torchvision
    assert counts.parameters < 25e6  # the paper's abstract


@pytest.mark.parametrize("include_top", [True, False])
def test_layers_with_weights_stand_in_the_order_of_keras_applications(include_top):
    with without_weights():
        theirs = keras.applications.InceptionV3(weights=None, include_top=include_top)

    assert with_weights(abstract(include_top=include_top)) == with_weights(theirs)


# Layers of equal shapes could still be exchanged: only numbers tell.
@pytest.mark.parametrize(("include_top", "ending"), [(True, ".weights.h5"), (False, ".h5")])
def test_weights_of_keras_applications_load_and_compute_the_same(weight_file, include_top, ending):
    theirs = keras.applications.InceptionV3(
        input_shape=SHAPE, weights=None, classes=7, include_top=include_top
    )
    randomize_weights(theirs)

    ours = inception_v3(
        SHAPE, classes=7, include_top=include_top, weights=weight_file(theirs, ending)
    )

    assert_same_answers(ours, theirs)


def test_feature_maps_have_the_papers_sizes():
    model = abstract()

    # Table 1 where the network keeps to it, else the sizes in keras.applications' source
    for layer, shape in {
        "stem_conv1": (149, 149, 32),
        "stem_conv2": (147, 147, 32),
        "stem_conv3": (147, 147, 64),
        "stem_pool1": (73, 73, 64),
        "stem_pool2": (35, 35, 192),
        "mixed0": (35, 35, 256),
        "mixed2": (35, 35, 288),
        "mixed3": (17, 17, 768),
        "mixed7": (17, 17, 768),
        "mixed8": (8, 8, 1280),
        "mixed10": (8, 8, 2048),
    }.items():
        assert model.get_layer(layer).output.shape == (None, *shape), layer


def test_a_branch_names_its_layers_after_itself():
    names = [layer.name for layer in abstract().layers if "mixed9_branch3x3_" in layer.name]

    assert sorted(names) == [
        "mixed9_branch3x3_conv1",
        "mixed9_branch3x3_conv1_bn",
        "mixed9_branch3x3_conv1_relu",
        "mixed9_branch3x3_conv2_1x3",
        "mixed9_branch3x3_conv2_1x3_bn",
        "mixed9_branch3x3_conv2_1x3_relu",
        "mixed9_branch3x3_conv2_3x1",
        "mixed9_branch3x3_conv2_3x1_bn",
        "mixed9_branch3x3_conv2_3x1_relu",
        "mixed9_branch3x3_conv2_concat",
    ]


@pytest.mark.parametrize(
    ("pooling", "shape"), [(None, (None, 1, 3, 2048)), ("avg", (None, 2048)), ("max", (None, 2048))]
)
def test_without_a_top_it_gives_features(pooling, shape):
    assert abstract(SHAPE, include_top=False, pooling=pooling).output_shape == shape


def test_without_a_top_the_sides_may_stay_free():
    model = abstract(include_top=False)

    assert model.input_shape == (None, None, None, 3)
    assert model.output_shape == (None, None, None, 2048)


def test_it_builds_on_a_tensor():
    inputs = keras.Input(SHAPE)

    model = abstract(input_tensor=keras.layers.Rescaling(2.0)(inputs))

    assert model.input_shape == (None, *SHAPE)
    assert isinstance(model.layers[1], keras.layers.Rescaling)


def test_classifier_name_and_dropout_are_the_callers():
    model = abstract(classes=7, classifier_activation=None, dropout=0.2, name="mine")

    assert (model.name, model.output_shape) == ("mine", (None, 7))
    assert model.layers[-1].activation is keras.activations.linear
    assert model.get_layer("dropout").rate == 0.2


def test_pixels_are_scaled_to_one():
    assert preprocessing_of(abstract()).name == "tf"


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"input_shape": (75, 74, 3)}, r"input_shape=\(75, 74, 3\) is below 75 px"),
        ({"input_shape": (None, 75, 3)}, "has free sides, but include_top=True"),
        ({"dropout": -0.1}, "dropout=-0.1 must be at least 0 and below 1"),
        ({"classes": 0}, "classes=0 must be a whole number"),
        ({"pooling": "avg"}, "pooling='avg' needs include_top=False"),
        ({"classifier_activation": "sofmax"}, "classifier_activation='sofmax' is unknown"),
        ({"weights": "no/such.h5"}, "is not a file"),
    ],
)
def test_a_bad_argument_says_what_to_do(options, match):
    with pytest.raises(InvalidArgumentError, match=match):
        abstract(**options)
