import cProfile
import importlib
import inspect
import pstats
import sys
import time

import keras
import numpy as np
import pytest

from mobilezoo import export_coreml, load_coreml, randomize_weights, verify
from mobilezoo.benchmark import count
from mobilezoo.data.preprocessing import preprocessing_of
from mobilezoo.errors import InvalidArgumentError
from mobilezoo.models.resnet_cifar import resnet_cifar

# the function has the name of its module and hides it
module = importlib.import_module("mobilezoo.models.resnet_cifar")

# Table 6 of arXiv:1512.03385: depth -> millions of parameters (n = 3, 5, 7, 9, 18, 200)
TABLE_6 = {20: 0.27, 32: 0.46, 44: 0.66, 56: 0.85, 110: 1.7, 1202: 19.4}
# Table 4 of arXiv:1603.05027: depth -> millions of parameters
TABLE_4 = {164: 1.7, 1001: 10.2}


def abstract(*args, **options):
    with keras.StatelessScope(initialize_variables=False):
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


@pytest.fixture
def nested(monkeypatch):
    """All networks are made of submodels, however few their blocks."""
    monkeypatch.setattr(module, "MOST_BLOCKS_IN_A_ROW", 0)


@pytest.fixture
def few_frames():
    """Python's recursion limit is 250 frames from here on: a quarter of the usual."""
    usual = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack()) + 250)
    yield
    sys.setrecursionlimit(usual)


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


def flat_and_nested(monkeypatch, version, block, shortcut):
    """The same network as one model and as submodels, with the same lively weights."""
    depth = 14 if block == "basic" else 20
    options = {"block": block, "shortcut": shortcut, "input_shape": (12, 20, 3), "classes": 5}
    flat = randomize_weights(resnet_cifar(depth, version, **options))
    monkeypatch.setattr(module, "MOST_BLOCKS_IN_A_ROW", 0)
    deep = resnet_cifar(depth, version, **options)
    inside = leaves(deep)
    for name, layer in leaves(flat).items():
        path = "/".join(name.split("_", 2)) if name.startswith("stage") else name
        inside[path].set_weights(layer.get_weights())
    return flat, deep


@pytest.mark.parametrize(
    ("version", "block", "shortcut"),
    [(1, "basic", "identity"), (1, "bottleneck", "projection"), (2, "basic", "identity"),
     (2, "bottleneck", "projection")],
)  # fmt: skip
def test_submodels_change_nothing(monkeypatch, version, block, shortcut):
    flat, deep = flat_and_nested(monkeypatch, version, block, shortcut)

    x = np.random.default_rng(0).uniform(-1, 1, (2, 12, 20, 3)).astype(np.float32)
    expected = flat.predict(x, verbose=0)
    assert np.ptp(expected, axis=0).max() > 0.01
    np.testing.assert_array_equal(deep.predict(x, verbose=0), expected)
    assert deep.count_params() == flat.count_params()
    assert count(deep) == count(flat)


@pytest.mark.parametrize("version", [1, 2])
def test_files_of_submodels_agree_and_name_layers_alike(monkeypatch, tmp_path, version):
    values = []
    for model in flat_and_nested(monkeypatch, version, "basic", "identity"):
        export_coreml(model, tmp_path / "m.mlpackage", precision="float32", overwrite=True)
        # rounding, as it grows over six blocks
        assert verify(model, tmp_path / "m.mlpackage").largest_difference < 1e-5
        program = load_coreml(tmp_path / "m.mlpackage")
        values.append([name for name, _ in program.layers({"image": np.zeros((12, 20, 3))})])

    flat, deep = values
    last = "out" if version == 1 else "add"
    # a block's last layer is called like the block, a stage's last block like the stage
    renamed = [name.removesuffix(f"_{last}").replace("_block2", "") if name.endswith(last) else name
               for name in flat]  # fmt: skip
    assert deep == renamed


def test_a_deep_network_needs_few_frames(few_frames):
    model = abstract(218)

    assert [layer.name for layer in model.layers if isinstance(layer, keras.Model)] == [
        "stage1", "stage2", "stage3",
    ]  # fmt: skip
    assert len(leaves(model)) > 750
    assert count(model).parameters == model.count_params()


def test_110_layers_build_count_export_and_load(tmp_path):
    model = randomize_weights(resnet_cifar(110))

    export_coreml(model, tmp_path / "m.mlpackage")

    program = load_coreml(tmp_path / "m.mlpackage")
    picture = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    (probabilities,) = program.predict({"image": picture}).values()
    expected = model.predict(preprocessing_of(model)(picture)[np.newaxis], verbose=0)
    assert np.ptp(expected) > 0.01
    # float16 weights, through 54 additions
    np.testing.assert_allclose(probabilities, expected, rtol=0, atol=0.02 * expected.max())
    assert program.op_types()["conv"] == 109


def test_build_time_grows_linearly(nested):
    """Counted in Python calls, which the machine's load does not change."""

    def calls(depth):
        profile = cProfile.Profile()
        profile.runcall(abstract, depth)
        return pstats.Stats(profile).total_calls

    calls(8)  # what is imported or cached once
    first, second, third = calls(20), calls(56), calls(92)

    # as many for the next 36 layers as for those before: 5 % for what is cached on the way
    assert third - second == pytest.approx(second - first, rel=0.05)


@pytest.mark.parametrize("ending", ["m.weights.h5", "m.keras"])
def test_submodels_are_saved_and_loaded(nested, tmp_path, ending):
    options = {"input_shape": (12, 20, 3), "classes": 5}
    model = randomize_weights(resnet_cifar(11, 2, **options))
    path = tmp_path / ending
    (model.save_weights if ending == "m.weights.h5" else model.save)(path)

    loaded = resnet_cifar(11, 2, weights=path, **options)

    x = np.random.default_rng(0).uniform(-1, 1, (2, 12, 20, 3)).astype(np.float32)
    expected = model.predict(x, verbose=0)
    assert np.ptp(expected, axis=0).max() > 0.01
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), expected)
    if ending == "m.keras":
        np.testing.assert_array_equal(keras.models.load_model(path).predict(x, verbose=0), expected)


def test_submodels_compute_in_mixed_precision(nested):
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = abstract(8)
    finally:
        keras.config.set_dtype_policy("float32")

    assert model.get_layer("stage3").output.dtype == "float16"


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


def test_without_a_top_the_sides_may_stay_free(nested):
    assert abstract(8, include_top=False).output_shape == (None, None, None, 64)


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


# random weights of version 2 amplify rounding some hundred times in 333 blocks: that of float16
# could not be told from a mistake
@pytest.mark.slow
@pytest.mark.parametrize(
    ("depth", "version", "verified", "limit"),
    [(1202, 1, "float16", 2e-2), (1001, 2, "float32", 1e-3)],
)
def test_a_thousand_layers_build_count_export_load_and_agree(
    depth, version, verified, limit, tmp_path
):
    recursion_limit = sys.getrecursionlimit()
    model = randomize_weights(resnet_cifar(depth, version))

    assert count(model).parameters == model.count_params()
    export_coreml(model, tmp_path / "m.mlpackage")
    program = load_coreml(tmp_path / "m.mlpackage")

    picture = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    (probabilities,) = program.predict({"image": picture}).values()
    assert probabilities.sum() == pytest.approx(1, abs=1e-3)
    export_coreml(model, tmp_path / "m.mlpackage", precision=verified, overwrite=True)
    assert verify(model, tmp_path / "m.mlpackage", limit=limit).top1_agreement == 1.0
    assert sys.getrecursionlimit() == recursion_limit


@pytest.mark.slow
def test_parameters_of_a_thousand_layers_are_those_of_the_papers():
    # the second paper does not count batch norms
    first = weights_of(abstract(1202), keras.layers.Layer)
    second = weights_of(abstract(1001, 2), keras.layers.Conv2D, keras.layers.Dense)

    assert (round(first / 1e6, 1), round(second / 1e6, 1)) == (TABLE_6[1202], TABLE_4[1001])


@pytest.mark.slow
@pytest.mark.parametrize(("depth", "version"), [(1202, 1), (1001, 2)])
def test_a_thousand_layers_are_saved_and_read_by_keras(depth, version, tmp_path):
    model = resnet_cifar(depth, version)
    model.save(tmp_path / "m.keras")

    read = keras.models.load_model(tmp_path / "m.keras")

    pairs = zip(model.weights, read.weights, strict=True)
    assert all(np.array_equal(ours.numpy(), theirs.numpy()) for ours, theirs in pairs)


@pytest.mark.slow
def test_four_times_the_depth_takes_about_four_times_the_time():
    """CPU time, the better of two: quadratic growth would be 16 times, here up to 8 pass."""

    def seconds(depth):
        runs = []
        for _ in range(2):
            started = time.process_time()
            abstract(depth)
            runs.append(time.process_time() - started)
            keras.backend.clear_session()
        return min(runs)

    seconds(20)  # what is imported or cached once

    assert seconds(866) < 8 * seconds(218)
