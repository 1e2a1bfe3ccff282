import re
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from mobilezoo import export_coreml, randomize_weights, verify
from mobilezoo._layers import LocalResponseNormalization
from mobilezoo.benchmark import count
from mobilezoo.data.preprocessing import preprocessing_of
from mobilezoo.errors import InvalidArgumentError
from mobilezoo.graph.abstract import without_weights
from mobilezoo.models.inception_v1 import googlenet, inception_v1

PAGE = Path(__file__).parents[2] / "docs" / "inception-modules.md"

# arXiv:1409.4842, Table 1: output size, "params" in K = 1024, "ops" in millions
TABLE_1 = {
    "conv1": ((112, 112, 64), 2.7, 34),
    "conv2": ((56, 56, 192), 112, 360),
    "inception3a": ((28, 28, 256), 159, 128),
    "inception3b": ((28, 28, 480), 380, 304),
    "inception4a": ((14, 14, 512), 364, 73),
    "inception4b": ((14, 14, 512), 437, 88),
    "inception4c": ((14, 14, 512), 463, 100),
    "inception4d": ((14, 14, 528), 580, 119),
    "inception4e": ((14, 14, 832), 840, 170),
    "inception5a": ((7, 7, 832), 1072, 54),
    "inception5b": ((7, 7, 1024), 1388, 71),
}
# the cells that contradict the filters of their row, recomputed
OTHER_PARAMETERS = {
    "conv1": 9.2, "inception4a": 367, "inception4c": 498, "inception4d": 591, "inception4e": 847,
    "inception5a": 1018, "inception5b": 1409,
}  # fmt: skip
OTHER_OPERATIONS = {"conv1": 118, "inception5a": 51}


def abstract(**options):
    with without_weights():
        return inception_v1(**options)


@pytest.fixture(scope="module")
def network():
    """The network at its defaults, without weights; only to look at."""
    return abstract()


def pixels(*shape):
    return np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)


def convolutions(model, row):
    return [
        layer
        for layer in model.layers
        if isinstance(layer, layers.Conv2D) and layer.name.startswith(f"{row}_")
    ]


def test_parameters_are_those_of_the_released_networks():
    # bvlc_googlenet with its two auxiliary classifiers: 51 MB of float32 words,
    # albanie/convnet-burden; GoogLeNetPlaces, 205 classes: 24.8 MB, Apple's list of models
    assert abstract().count_params() == 6_998_552
    assert abstract(auxiliary=True).count_params() == 13_378_280 == pytest.approx(51 * 2**18, 1e-3)
    assert abstract(classes=205).count_params() == 6_183_677 == pytest.approx(24.8e6 / 4, rel=3e-3)


@pytest.mark.parametrize("row", TABLE_1)
def test_a_row_is_that_of_table_1_but_for_cells_that_contradict_its_filters(network, row):
    output, parameters, operations = TABLE_1[row]

    found = convolutions(network, row)

    sizes = [np.prod(layer.kernel.shape) for layer in found]
    work = [np.prod(layer.output.shape[1:3]) * n for layer, n in zip(found, sizes, strict=True)]
    assert found[-1].output.shape[1:3] == output[:2]
    assert sum(sizes) / 1024 == pytest.approx(OTHER_PARAMETERS.get(row, parameters), abs=1)
    assert sum(work) / 1e6 == pytest.approx(OTHER_OPERATIONS.get(row, operations), abs=1)


@pytest.mark.parametrize("row", [row for row in TABLE_1 if row.startswith("inception")])
def test_a_module_gives_the_channels_of_table_1(network, row):
    assert network.get_layer(f"{row}_concat").output.shape == (None, *TABLE_1[row][0])


def test_mult_adds_are_the_papers_1_5_billion(network):
    counts = count(network)

    assert counts.mult_adds == 1_582_671_872
    assert counts.not_counted["local_response_norm"] == 2


def test_the_5x5_branch_is_5x5(network):
    assert all(network.get_layer(f"{row}_5x5_conv").kernel.shape[:2] == (5, 5)
               for row in TABLE_1 if row.startswith("inception"))  # fmt: skip


def test_local_responses_are_normalized_after_the_first_and_before_the_second_pooling(network):
    names = [layer.name for layer in network.layers]

    assert names[:13] == [
        "image", "conv1_conv", "conv1_relu", "conv1_pool", "conv1_lrn", "conv2_3x3_reduce_conv",
        "conv2_3x3_reduce_relu", "conv2_3x3_conv", "conv2_3x3_relu", "conv2_lrn", "conv2_pool",
        "inception3a_3x3_reduce_conv", "inception3a_5x5_reduce_conv",
    ]  # fmt: skip


def test_batch_norm_stands_after_each_convolution_instead():
    model = abstract(batch_norm=True, auxiliary=True)

    norms = {layer.name for layer in model.layers if isinstance(layer, layers.BatchNormalization)}
    found = [layer for layer in model.layers if isinstance(layer, layers.Conv2D)]
    assert norms == {layer.name.replace("_conv", "_bn") for layer in found}
    assert not any(layer.use_bias for layer in found)
    assert not any(isinstance(layer, LocalResponseNormalization) for layer in model.layers)


def test_naive_modules_grow_by_what_the_pooling_hands_on():
    model = abstract(reduce=False)

    channels = [
        model.get_layer(f"{row}_concat").output.shape[-1] for row in TABLE_1 if "inception" in row
    ]
    # 192 + 64 + 128 + 32, and so on
    assert channels == [416, 832, 1280, 1728, 2176, 2640, 3344, 4048, 4944]
    assert not [
        layer.name for layer in model.layers if re.search("inception.*(red|proj)", layer.name)
    ]


@pytest.mark.parametrize(
    ("options", "row"), [({}, "inception_v1()"), ({"reduce": False}, "inception_v1(reduce=False)")]
)
def test_the_page_on_inception_modules_says_what_is_counted(options, row):
    (line,) = [line for line in PAGE.read_text().splitlines() if line.startswith(f"| `{row}`")]
    parameters, mult_adds, size = (cell.strip().replace(",", "") for cell in line.split("|")[2:5])

    counts = count(abstract(**options))

    assert (counts.parameters, counts.mult_adds) == (int(parameters), int(mult_adds))
    # two bytes a parameter, and about 2 kB of program per convolution
    assert float(size.removesuffix(" MB")) == pytest.approx(2e-6 * counts.parameters, rel=0.02)


@pytest.mark.parametrize(
    ("shape", "output"), [((64, 96, 3), (2, 3)), ((33, 47, 3), (2, 2)), ((32, 32, 3), (1, 1))]
)
def test_without_a_top_it_gives_features(shape, output):
    assert abstract(input_shape=shape, include_top=False).output_shape == (None, *output, 1024)


@pytest.mark.parametrize("pooling", ["avg", "max"])
def test_without_a_top_it_may_pool(pooling):
    model = abstract(input_shape=(64, 96, 3), include_top=False, pooling=pooling)

    assert model.output_shape == (None, 1024)


def test_without_a_top_the_sides_may_stay_free():
    model = inception_v1(include_top=False)

    assert model.input_shape == (None, None, None, 3)
    assert model(pixels(2, 40, 70, 3)).shape == (2, 2, 3, 1024)


def test_it_builds_on_a_tensor():
    inputs = keras.Input((64, 96, 3))

    model = abstract(input_tensor=layers.Rescaling(2.0)(inputs), classes=5)

    assert model.input_shape == (None, 64, 96, 3)
    assert isinstance(model.layers[1], layers.Rescaling)
    assert model.output_shape == (None, 5)


def test_googlenet_is_another_name(network):
    assert googlenet is inception_v1
    assert network.name == "inception_v1"
    assert abstract(name="mine").name == "mine"


def test_pixels_are_scaled_as_in_slim(network):
    assert preprocessing_of(network).name == "tf"
    assert preprocessing_of(abstract(auxiliary=True)).name == "tf"


@pytest.mark.parametrize("options", [{}, {"batch_norm": True}, {"auxiliary": True}])
def test_saved_weights_load(tmp_path, options):
    shape = (65, 97, 3)
    theirs = randomize_weights(inception_v1(shape, classes=7, **options))
    theirs.save_weights(tmp_path / "w.weights.h5")

    ours = inception_v1(shape, classes=7, weights=tmp_path / "w.weights.h5", **options)

    expected = theirs(pixels(2, *shape))
    assert np.ptp(expected) > 0.01
    np.testing.assert_array_equal(ours(pixels(2, *shape)), expected)


@pytest.fixture(
    scope="module",
    params=[{}, {"batch_norm": True}, pytest.param({"reduce": False}, marks=pytest.mark.slow)],
    ids=str,
)
def lively(request):
    """Options, and the network that they make, with lively weights."""
    return request.param, randomize_weights(inception_v1((33, 47, 3), classes=7, **request.param))


@pytest.mark.parametrize(("precision", "limit"), [("float32", 1e-5), ("float16", 1e-2)])
def test_the_exported_file_agrees_with_keras(tmp_path, lively, precision, limit):
    options, model = lively

    export_coreml(model, tmp_path / "m.mlpackage", precision=precision)

    agreement = verify(model, tmp_path / "m.mlpackage")
    assert agreement.largest_difference < limit  # about three times what is seen
    assert ("conv2_lrn" in agreement.layers) == ("batch_norm" not in options)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"input_shape": (31, 64, 3)}, r"input_shape=\(31, 64, 3\) is below 32 px"),
        ({"input_shape": (64, 80, 3), "auxiliary": True}, "is below 65 px"),
        ({"input_shape": (None, 64, 3)}, "has free sides, but include_top=True"),
        ({"auxiliary": True, "include_top": False}, "auxiliary=True adds classifiers; pass inc"),
        ({"dropout": 1.0}, "dropout=1.0 must be at least 0 and below 1"),
        ({"classes": 0}, "classes=0 must be a whole number"),
        ({"classifier_activation": "sofmax"}, "classifier_activation='sofmax' is unknown"),
        ({"pooling": "avg"}, "pooling='avg' needs include_top=False"),
        ({"weights": "imagenet"}, "There are no published weights for inception_v1"),
        ({"weights": "no/such.h5"}, "is not a file"),
    ],
)
def test_a_bad_argument_says_what_to_do(options, match):
    with pytest.raises(InvalidArgumentError, match=match):
        abstract(**options)
