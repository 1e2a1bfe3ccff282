"""Networks that coremltools converted compute what Keras computes."""

import keras
import numpy as np
import pytest

from mobilezoo.runtime import load_coreml

from .conftest import ct, leave_folders_to_python

pytestmark = pytest.mark.skipif(
    tuple(map(int, keras.__version__.split(".")[:2])) < (3, 13),
    reason="coremltools converts Keras models from Keras 3.13",
)


def network():
    """Convolutions, depthwise convolution, residual, concatenation; (29, 22, 3) -> 5 classes."""
    keras.utils.set_random_seed(1)
    x = inputs = keras.Input((29, 22, 3), name="x")
    x = keras.layers.ZeroPadding2D(((0, 1), (0, 1)))(x)
    x = keras.layers.Conv2D(8, (3, 2), strides=2)(x)
    x = keras.layers.ReLU(6.0)(keras.layers.BatchNormalization()(x))
    shortcut = x
    x = keras.layers.DepthwiseConv2D(3, padding="same")(x)
    x = keras.layers.BatchNormalization()(keras.layers.Activation("silu")(x))
    x = keras.layers.Add()([keras.layers.Conv2D(8, 1, use_bias=False)(x), shortcut])
    pooled = keras.layers.AveragePooling2D(3, strides=1, padding="same")(x)
    x = keras.layers.Concatenate()([pooled, keras.layers.MaxPooling2D(3, 1, "same")(x)])
    x = keras.layers.LeakyReLU(0.25)(keras.layers.Conv2D(6, 3, 2, padding="same")(x))
    gate = keras.layers.GlobalAveragePooling2D(keepdims=True)(x)
    x = x * keras.layers.Dense(6, activation="sigmoid")(gate)
    x = keras.layers.Dense(5)(keras.layers.Flatten()(x))
    model = keras.Model(inputs, x)
    rng = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            size = layer.gamma.shape[0]
            layer.set_weights(
                [rng.uniform(0.5, 1.5, size), rng.normal(0, 0.3, size), rng.normal(0, 0.1, size),
                 rng.uniform(0.1, 0.4, size)]
            )  # fmt: skip
    return model


@pytest.fixture(scope="module")
def model():
    return network()


def convert(model, path, precision, shape):
    with leave_folders_to_python():
        ct.convert(
            model,
            convert_to="mlprogram",
            compute_precision=precision,
            inputs=[ct.TensorType("x", shape)],
            skip_model_load=True,
        ).save(str(path))
    return load_coreml(path)


@pytest.mark.parametrize(
    ("precision", "tolerance"),
    # float32: sums in another order; float16: weights of 11 bits, through five layers
    [(ct.precision.FLOAT32, 1e-5), (ct.precision.FLOAT16, 1e-2)],
)
def test_a_converted_network_computes_what_keras_computes(model, tmp_path, precision, tolerance):
    program = convert(model, tmp_path / "m.mlpackage", precision, (1, 29, 22, 3))
    x = np.random.default_rng(2).uniform(-1.0, 1.0, (3, 29, 22, 3)).astype(np.float32)

    (y,) = program.predict({"x": x}).values()

    expected = model.predict_on_batch(x)
    peak = np.abs(expected).max()
    assert peak > 0.1  # a tiny reference would agree with anything
    assert np.abs(expected - expected[0]).max() > 0.01 * peak  # and so would a constant one
    np.testing.assert_allclose(y, expected, atol=tolerance * peak, rtol=0)


def test_a_network_with_an_open_batch_runs_as_declared(model, tmp_path):
    flexible = ct.Shape((ct.RangeDim(1, 8, default=1), 29, 22, 3))
    program = convert(model, tmp_path / "m.mlpackage", ct.precision.FLOAT32, flexible)
    x = np.random.default_rng(2).uniform(-1.0, 1.0, (3, 29, 22, 3)).astype(np.float32)

    (y,) = program.predict({"x": x}).values()

    expected = model.predict_on_batch(x)
    assert program.inputs[0].shape == (None, 29, 22, 3)
    np.testing.assert_allclose(y, expected, atol=1e-5 * np.abs(expected).max(), rtol=0)
