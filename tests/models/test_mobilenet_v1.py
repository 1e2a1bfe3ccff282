import keras
import numpy as np
import pytest

from mobilezoo import mobilenet, randomize_weights
from mobilezoo.benchmark import count
from mobilezoo.errors import InvalidArgumentError
from mobilezoo.graph.abstract import without_weights
from tests.models.same_answers import assert_same_answers

# keras.applications counts 4,253,864 parameters; Table 8 of the paper prints 4.2 million.
# Mult-adds in millions: Table 6 and 7 of the paper, which round.
TABLE_6_AND_7 = [
    (1.0, 224, 569), (0.75, 224, 325), (0.5, 224, 149), (0.25, 224, 41),
    (1.0, 192, 418), (1.0, 160, 290), (1.0, 128, 186),
]  # fmt: skip


def abstract(**options):
    with without_weights():
        return mobilenet(**options)


def test_parameters_are_those_of_keras_applications():
    assert abstract().count_params() == 4_253_864
    theirs = keras.applications.MobileNet(alpha=0.5, classes=10, weights=None)
    assert abstract(alpha=0.5, classes=10).count_params() == theirs.count_params()


@pytest.mark.parametrize(("alpha", "side", "published"), TABLE_6_AND_7)
def test_mult_adds_are_those_of_the_papers_tables(alpha, side, published):
    counts = count(abstract(alpha=alpha, input_shape=(side, side, 3)))

    assert counts.mult_adds / 1e6 == pytest.approx(published, abs=1)


@pytest.mark.parametrize("shape", [(64, 96, 3), (47, 33, 3)])
@pytest.mark.parametrize("options", [{}, {"depth_multiplier": 2}, {"include_top": False}])
def test_weights_of_keras_applications_load_and_compute_the_same(weight_file, shape, options):
    theirs = keras.applications.MobileNet(shape, alpha=0.25, weights=None, classes=7, **options)
    randomize_weights(theirs)

    path = weight_file(theirs, ".weights.h5")
    ours = mobilenet(shape, alpha=0.25, classes=7, weights=path, **options)

    assert_same_answers(ours, theirs)


@pytest.mark.parametrize(
    ("pooling", "shape"), [(None, (None, 2, 3, 256)), ("avg", (None, 256)), ("max", (None, 256))]
)
def test_without_a_top_it_gives_features(pooling, shape):
    assert abstract(
        input_shape=(64, 96, 3), alpha=0.25, include_top=False, pooling=pooling
    ).output_shape == shape  # fmt: skip


def test_without_a_top_the_sides_may_stay_free():
    assert abstract(include_top=False).input_shape == (None, None, None, 3)


def test_it_builds_on_a_tensor():
    inputs = keras.Input((64, 96, 3))

    model = mobilenet(input_tensor=keras.layers.Rescaling(2.0)(inputs), alpha=0.25)

    assert model.input_shape == (None, 64, 96, 3)
    assert isinstance(model.layers[1], keras.layers.Rescaling)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"input_shape": (16, 16, 3)}, r"input_shape=\(16, 16, 3\) is below 32 px"),
        ({"input_shape": (64, 64)}, r"must be \(height, width, channels\)"),
        ({"input_shape": (None, 64, 3)}, "has free sides, but include_top=True"),
        ({"input_tensor": np.zeros((1, 64, 64, 3))}, "input_tensor is a ndarray; pass "),
        ({"alpha": 0}, "alpha=0 must be a number greater than 0"),
        ({"alpha": "1"}, "alpha='1' must be a number"),
        ({"alpha": float("inf")}, "alpha=inf must be a number"),
        ({"alpha": 0.01}, "alpha=0.01 leaves no filter"),
        ({"depth_multiplier": 1.5}, "depth_multiplier=1.5 must be a whole number"),
        ({"classes": 2.5}, "classes=2.5 must be a whole number"),
        ({"dropout": 1.5}, "dropout=1.5 must be at least 0 and below 1"),
        ({"classifier_activation": "sofmax"}, "classifier_activation='sofmax' is unknown"),
        ({"pooling": "avg"}, "pooling='avg' needs include_top=False"),
        ({"pooling": "sum", "include_top": False}, "choose None, 'avg' or 'max'"),
        ({"weights": "imagenet", "alpha": 0.3}, "no published file for mobilenet with alpha=0.3"),
        ({"weights": "no/such.h5"}, "is not a file"),
    ],
)  # fmt: skip
def test_a_bad_argument_says_what_to_do(options, match):
    with pytest.raises(InvalidArgumentError, match=match):
        mobilenet(**options)


def test_weights_of_another_width_are_refused(tmp_path):
    mobilenet((32, 32, 3), alpha=0.5, classes=3).save_weights(tmp_path / "half.weights.h5")

    with pytest.raises(InvalidArgumentError, match=r"do not fit 'mobilenet_0\.25_32'"):
        mobilenet((32, 32, 3), alpha=0.25, classes=3, weights=tmp_path / "half.weights.h5")


def test_channels_first_is_refused(monkeypatch):
    monkeypatch.setattr(keras.config, "image_data_format", lambda: "channels_first")

    with pytest.raises(InvalidArgumentError, match="builds channels-last networks"):
        mobilenet()
