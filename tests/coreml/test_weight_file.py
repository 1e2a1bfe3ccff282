"""What stands in the weight file of a program, and how often."""

import keras
import numpy as np
import pytest
from keras import layers

from mobilezoo import benchmark, export_coreml, load_coreml, randomize_weights, verify
from mobilezoo.coreml.weight_file import WeightFile
from mobilezoo.errors import MobilezooError


def weight_bytes(path):
    return (path / "Data/com.apple.CoreML/weights/weight.bin").stat().st_size


def network(convolution, norm, dense):
    """Two pictures that go through the same layers, if these are the same."""
    first, second = keras.Input((11, 8, 5), name="first"), keras.Input((11, 8, 5), name="second")
    pairs = zip(convolution, norm, (first, second), strict=True)
    pooled = [layers.GlobalAveragePooling2D()(n(c(x))) for c, n, x in pairs]
    answers = [d(x) for d, x in zip(dense, pooled, strict=True)]
    return randomize_weights(keras.Model([first, second], layers.Subtract()(answers)))


def test_the_kernels_of_a_layer_that_is_called_twice_are_written_once(tmp_path):
    shared = [layers.Conv2D(32, 3), layers.BatchNormalization(), layers.Dense(64)]
    twice = network(*([layer, layer] for layer in shared))
    apart = network(
        [layers.Conv2D(32, 3), layers.Conv2D(32, 3)],
        [layers.BatchNormalization(), layers.BatchNormalization()],
        [layers.Dense(64), layers.Dense(64)],
    )

    for name, model in {"twice": twice, "apart": apart}.items():
        export_coreml(model, tmp_path / f"{name}.mlpackage", precision="float32")

    kernels = (3 * 3 * 5 * 32 + 32 * 64) * 4  # bytes
    sizes = {name: weight_bytes(tmp_path / f"{name}.mlpackage") for name in ("twice", "apart")}
    assert kernels <= sizes["apart"] - sizes["twice"] <= kernels + 4 * 64  # and their headers
    assert verify(twice, tmp_path / "twice.mlpackage").largest_difference < 1e-5
    for name, model in {"twice": twice, "apart": apart}.items():
        predicted = benchmark.predict_size_bytes(model, "float32")
        saved = benchmark.size_bytes(tmp_path / f"{name}.mlpackage")
        assert predicted == pytest.approx(saved, rel=0.02)


def test_a_shared_kernel_with_another_norm_behind_it_is_written_again(tmp_path):
    convolution = layers.Conv2D(32, 3)
    model = network(
        [convolution, convolution],
        [layers.BatchNormalization(), layers.BatchNormalization()],
        [layers.Dense(64), layers.Dense(64)],
    )

    export_coreml(model, tmp_path / "m.mlpackage", precision="float32")

    assert verify(model, tmp_path / "m.mlpackage").largest_difference < 1e-5


def test_one_kernel_in_two_orders_is_written_in_both(tmp_path):
    dense = layers.Dense(6)
    x = inputs = keras.Input((3, 4, 5))
    flat = layers.Flatten()(layers.Conv2D(5, 1)(x))  # channels first, for the dense layer alone
    model = randomize_weights(
        keras.Model(inputs, layers.Add()([dense(flat), dense(layers.Flatten()(x))]))
    )

    export_coreml(model, tmp_path / "m.mlpackage", precision="float32", inputs="array")

    assert verify(model, tmp_path / "m.mlpackage").largest_difference < 1e-5


def test_a_network_without_large_weights_has_no_weight_file(tmp_path):
    inputs = keras.Input((3, 4, 2))
    model = keras.Model(inputs, layers.ReLU(name="y")(inputs))

    export_coreml(model, tmp_path / "m.mlpackage", precision="float32")

    assert not (tmp_path / "m.mlpackage/Data/com.apple.CoreML/weights").exists()
    made = load_coreml(tmp_path / "m.mlpackage").predict(
        {load_coreml(tmp_path / "m.mlpackage").inputs[0].name: np.full((1, 3, 4, 2), -1.0)}
    )
    assert not made["y"].any()


def test_a_weight_that_is_promised_and_never_poured_is_a_bug(tmp_path):
    weights = WeightFile(tmp_path)
    hollow = weights.later(lambda: [np.ones((4, 5), np.float32)], (4, 5), np.float32)

    assert hollow.shape == (4, 5)
    with pytest.raises(MobilezooError, match=r"1 weight\(s\) are in no constant"):
        weights.write()
