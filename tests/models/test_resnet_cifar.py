import keras
import numpy as np
import pytest

from mobilezoo import randomize_weights
from mobilezoo.benchmark import count
from mobilezoo.data.preprocessing import preprocessing_of
from mobilezoo.errors import InvalidArgumentError
from mobilezoo.graph.abstract import without_weights
from mobilezoo.models.resnet_cifar import resnet_cifar

# Table 6 of arXiv:1512.03385: depth -> millions of parameters (n = 3, 5, 7, 9, 18, 200)
TABLE_6 = {20: 0.27, 32: 0.46, 44: 0.66, 56: 0.85, 110: 1.7, 1202: 19.4}
# Table 4 of arXiv:1603.05027: depth -> millions of parameters
TABLE_4 = {164: 1.7, 1001: 10.2}


def abstract(*args, **options):
    with without_weights():
        return resnet_cifar(*args, **options)


def leaves(model):
    """Path -> layer, of a model and of the models in it."""
    found = {}
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            found |= {f"{layer.name}/{path}": inner for path, inner in leaves(layer).items()}
        else:
            found[layer.name] = layer
    return found


def weights_of(model, *classes):
    """Elements of the trainable weights of layers of these classes."""
    chosen = [layer for layer in leaves(model).values() if isinstance(layer, classes)]
    return sum(int(np.prod(w.shape)) for layer in chosen for w in layer.trainable_weights)


@pytest.mark.parametrize("depth", [20, 32, 44, 56, 110])
def test_parameters_are_those_of_the_first_papers_table(depth):
    model = abstract(depth)

    trainable = weights_of(model, keras.layers.Layer)
    assert trainable / 1e6 == pytest.approx(TABLE_6[depth], rel=0.02)  # the paper cuts digits off
    assert count(model).parameters == model.count_params()


def test_parameters_of_164_layers_are_those_of_the_second_paper():
    # which does not count batch norms
    parameters = weights_of(abstract(164, 2), keras.layers.Conv2D, keras.layers.Dense)

    assert round(parameters / 1e6, 1) == TABLE_4[164]


def test_20_layers_cost_what_their_shapes_say():
    # 3x3 convolutions: 3 -> 16 once, then 6 of 16, 1 + 5 of 32, 1 + 5 of 64; 10 classes
    stem, first = 9 * 3 * 16, 6 * 9 * 16 * 16
    second, third = 9 * 32 * (16 + 5 * 32), 9 * 64 * (32 + 5 * 64)

    model = abstract(20)

    assert weights_of(model, keras.layers.Conv2D) == stem + first + second + third
    assert count(model).mult_adds == 32**2 * (stem + first) + 16**2 * second + 8**2 * third + 640


@pytest.mark.parametrize(
    ("depth", "version", "block", "convolutions"),
    [(20, 1, None, 19), (29, 2, None, 28 + 3), (26, 2, "basic", 25 + 2), (29, 1, "bottleneck", 28)],
)
def test_depth_counts_convolutions_and_the_classifier(depth, version, block, convolutions):
    model = abstract(depth, version, block=block)

    # projections, which version 2 has by default, are not on the way
    made = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    assert len(made) == convolutions
    assert not any(layer.use_bias for layer in made)


@pytest.mark.parametrize("shape", [(12, 20, 3), (11, 7, 3)])
def test_an_identity_shortcut_keeps_every_second_pixel_and_adds_channels_of_zeros(shape):
    model = randomize_weights(resnet_cifar(8, input_shape=shape))
    before = model.get_layer("stage1_block1_out").output
    after = model.get_layer("stage2_block1_shortcut_pad").output
    x = np.random.default_rng(0).normal(0, 1, (2, *shape)).astype(np.float32)

    given, shortcut = (value.numpy() for value in keras.Model(model.input, [before, after])(x))

    assert np.ptp(given) > 0.1
    np.testing.assert_array_equal(shortcut[..., :16], given[:, ::2, ::2])
    np.testing.assert_array_equal(shortcut[..., 16:], 0)
    assert shortcut.shape[-1] == 32


def test_a_bottleneck_of_the_first_stage_widens_without_a_stride():
    model = abstract(11, 1, block="bottleneck")

    assert model.get_layer("stage1_block1_shortcut_pad").output.shape[1:] == (32, 32, 64)
    assert "stage1_block1_shortcut_pool" not in leaves(model)


def test_version_1_activates_after_the_addition_and_version_2_before_the_convolutions():
    one, two = abstract(8, 1), abstract(11, 2)

    assert [x.name for x in one.layers[-5:]] == [
        "stage3_block1_add", "stage3_block1_out", "global_average_pool", "dropout", "probabilities",
    ]  # fmt: skip
    assert [x.name for x in two.layers[-6:]] == [
        "stage3_block1_add", "post_bn", "post_relu", "global_average_pool", "dropout",
        "probabilities",
    ]  # fmt: skip
    assert [x.name for x in two.layers[:5]] == [
        "image", "stem_conv", "stage1_block1_preact_bn", "stage1_block1_preact_relu",
        "stage1_block1_conv1",
    ]  # fmt: skip
    projection = two.get_layer("stage2_block1_shortcut_conv")
    assert projection.input is two.get_layer("stage2_block1_preact_relu").output


def test_projections_take_the_place_of_identities():
    model = abstract(20, shortcut="projection")

    # 16 -> 32 and 32 -> 64 channels, each with a batch norm
    more = weights_of(model, keras.layers.Layer) - weights_of(abstract(20), keras.layers.Layer)
    assert more == 16 * 32 + 2 * 32 + 32 * 64 + 2 * 64


@pytest.mark.parametrize(
    ("options", "shape"),
    [
        ({}, (None, 3, 5, 64)),
        ({"pooling": "avg"}, (None, 64)),
        ({"block": "bottleneck", "pooling": "max"}, (None, 256)),
        ({"version": 2}, (None, 3, 5, 256)),
    ],
)
def test_without_a_top_it_gives_features(options, shape):
    depth = 11 if "bottleneck" in options.values() or 2 in options.values() else 8
    model = abstract(depth, input_shape=(12, 20, 3), include_top=False, **options)

    assert model.output_shape == shape


def test_its_name_preprocessing_and_dropout():
    model = abstract(11, 2, dropout=0.25, classes=100)

    assert (model.name, abstract(8).name) == ("resnet11_v2_cifar", "resnet8_cifar")
    assert preprocessing_of(model).name == "tf"
    assert model.get_layer("dropout").rate == 0.25
    assert model.output_shape == (None, 100)


@pytest.mark.parametrize(
    ("args", "options", "match"),
    [
        ((21,), {}, r"depth=21 .* must be 6n \+ 2, 8 to 1202\. Choose 20 or 26\."),
        ((1001,), {}, r"Choose 998 or 1004, or block='bottleneck'\."),
        ((1001, 2), {"block": "basic"}, r"Choose 998 or 1004, or block='bottleneck'\."),
        ((1202, 2), {}, r"must be 9n \+ 2, 11 to 1199\. Choose 1190 or 1199, or block='basic'\."),
        ((1208,), {}, r"Choose 1196 or 1202\."),
        ((2,), {}, r"Choose 8 or 14\."),
        (((32, 32, 3),), {}, r"depth=\(32, 32, 3\) .*pass input_shape=\(32, 32, 3\)"),
        (("20",), {}, "depth='20' must be a whole number"),
        ((20, 3), {}, "version=3: choose 1, 2"),
        ((20,), {"block": "wide"}, "block='wide': choose None, 'basic', 'bottleneck'"),
        ((20,), {"shortcut": "A"}, "shortcut='A': choose None, 'identity', 'projection'"),
        ((20,), {"input_shape": (2, 2, 3)}, "is below 4 px"),
        ((20,), {"weights": "imagenet"}, "There are no published weights for resnet20_cifar"),
        ((20,), {"classes": 0}, "classes=0 must be"),
    ],
)
def test_a_bad_argument_says_what_to_do(args, options, match):
    with pytest.raises(InvalidArgumentError, match=match):
        abstract(*args, **options)
