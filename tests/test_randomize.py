import keras
import numpy as np
import pytest

from mobilezoo import export_coreml, mnist_mlp, mobilenet, randomize_weights, verify


@pytest.mark.parametrize("build", [lambda: mobilenet((64, 96, 3), alpha=0.25), mnist_mlp])
def test_the_output_moves_with_the_input(build):
    model = randomize_weights(build())
    rng = np.random.default_rng(0)
    inputs = rng.uniform(-1, 1, (2, 1, 1, 1)) * np.ones((2, *model.input_shape[1:]))

    a, b = model.predict(inputs.astype(np.float32), verbose=0)

    assert np.abs(a - b).max() > 0.1 * max(a.max(), b.max())


def test_the_same_seed_gives_the_same_weights_whatever_was_there():
    first = randomize_weights(mobilenet((64, 96, 3), alpha=0.25), seed=3)
    keras.utils.set_random_seed(9)
    second = randomize_weights(mobilenet((64, 96, 3), alpha=0.25), seed=3)

    for a, b in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("preprocessing", ["none", "unit", "tf", "caffe", "torch"])
def test_a_small_network_with_any_preprocessing_can_be_verified(tmp_path, preprocessing):
    model = keras.Sequential(
        [
            keras.Input((48, 32, 3)),
            keras.layers.Conv2D(8, 3, activation="relu"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(2, activation="softmax"),
        ]
    )
    randomize_weights(model, preprocessing=preprocessing)

    export_coreml(model, tmp_path / "m.mlpackage", preprocessing=preprocessing)

    assert verify(model, tmp_path / "m.mlpackage").top1_agreement == 1.0


def test_no_layer_drowns_or_overflows():
    model = randomize_weights(mobilenet((64, 96, 3), alpha=0.25))
    hidden = keras.Model(model.inputs, [layer.output for layer in model.layers[1:]])

    outputs = hidden.predict(np.random.default_rng(0).uniform(-1, 1, (2, 64, 96, 3)), verbose=0)

    deviations = [float(np.std(output)) for output in outputs[:-1]]
    assert min(deviations) > 0.05
    assert max(deviations) < 20
