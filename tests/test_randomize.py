import keras
import numpy as np
import pytest

from mobilezoo import (
    export_coreml,
    mnist_mlp,
    mobilenet,
    mobilenet_v3_large,
    mobilenet_v3_small,
    randomize_weights,
    verify,
)
from mobilezoo.errors import InvalidArgumentError


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


@pytest.mark.parametrize("build", [mobilenet_v3_large, mobilenet_v3_small])
def test_float16_stays_close_where_gates_and_swishes_follow_each_other(build, tmp_path):
    model = build((64, 96, 3), alpha=0.75, classes=7, classifier_activation=None)
    randomize_weights(model)

    export_coreml(model, tmp_path / "m.mlpackage")

    agreement = verify(model, tmp_path / "m.mlpackage")
    # logits, of which softmax would hide a part; seen: 0.5 to 1.0 %, by rounding of 50 layers
    assert agreement.largest_difference < 0.015
    assert max(agreement.layers.values()) < 0.015


def test_inputs_other_than_those_it_was_scaled_on_do_not_explode():
    model = mobilenet_v3_small((64, 96, 3), alpha=0.75, classes=7, classifier_activation=None)
    randomize_weights(model, seed=1)
    pictures = np.random.default_rng(5).integers(0, 256, (6, 4, 4, 3)).repeat(16, 1).repeat(24, 2)

    logits = model.predict(pictures.astype(np.float32), verbose=0)

    assert 0.2 < logits.std() < 20


def test_what_a_swish_or_a_sum_reads_is_scaled_for_it():
    inputs = keras.Input((12, 16, 3))
    x = keras.layers.Conv2D(24, 3, name="conv")(inputs)
    shortcut = keras.layers.Activation("silu")(keras.layers.BatchNormalization(name="bn")(x))
    x = keras.layers.Conv2D(24, 3, padding="same", activation="hard_silu")(shortcut)
    branch = keras.layers.BatchNormalization(name="branch")(x)
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Add()([branch, shortcut]))
    model = randomize_weights(keras.Model(inputs, keras.layers.Dense(5)(x)))
    names = ("conv", "bn", "branch")
    layers = keras.Model(inputs, [model.get_layer(name).output for name in names])

    pictures = np.random.default_rng(0).uniform(-2, 2, (8, 12, 16, 3))
    deviations = [float(np.std(made)) for made in layers.predict(pictures, verbose=0)]

    # the pictures are others than those of randomize_weights, the gammas from 0.5 to 1.5
    np.testing.assert_allclose(deviations, [1.0, 4.0, 0.3], rtol=0.4)


@pytest.mark.parametrize("given", ["m.keras", None, keras.layers.Dense(3), keras.Sequential()])
def test_what_is_no_built_model_is_refused(given):
    with pytest.raises(InvalidArgumentError, match=r"Expected a keras\.Model|has no weights yet"):
        randomize_weights(given)


def test_a_recurrent_network_gets_lively_weights():
    model = keras.Sequential([keras.Input((5, 4)), keras.layers.LSTM(3)])

    randomize_weights(model)

    x = np.random.default_rng(0).normal(size=(6, 5, 4)).astype("float32")
    assert np.ptp(model.predict(x, verbose=0), axis=0).min() > 0.05
