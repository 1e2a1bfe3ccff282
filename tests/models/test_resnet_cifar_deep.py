"""ResNets of up to 1202 layers: submodels, which change nothing, and what depth costs."""

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
from mobilezoo.models.resnet_cifar import resnet_cifar
from tests.models.test_resnet_cifar import TABLE_4, TABLE_6, abstract, leaves, weights_of

# the function has the name of its module and hides it
module = importlib.import_module("mobilezoo.models.resnet_cifar")


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


def test_without_a_top_the_sides_may_stay_free(nested):
    assert abstract(8, include_top=False).output_shape == (None, None, None, 64)


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
