import subprocess
import sys

import keras
import numpy as np
import pytest

from mobilezoo._layers import LocalResponseNormalization, WithAuxiliaryClassifiers
from mobilezoo.errors import InvalidArgumentError


def formula(x, size, alpha, beta, k):
    """x / (k + alpha / size * s) ^ beta in float64, channel by channel."""
    x = np.asarray(x, np.float64)
    y = np.empty_like(x)
    for c in range(x.shape[-1]):
        near = x[..., max(0, c - size // 2) : c + size // 2 + 1]
        y[..., c] = x[..., c] / (k + alpha / size * (near**2).sum(-1)) ** beta
    return y


def test_channels_are_divided_by_their_neighbours_squares():
    x = np.array([1.0, 2.0, 3.0, 4.0], np.float32).reshape(1, 1, 1, 4)

    y = LocalResponseNormalization(3, alpha=3.0, beta=1.0, k=1.0)(x)

    # 1 + sums of squares: 1+1+4, 1+1+4+9, 1+4+9+16, 1+9+16
    np.testing.assert_allclose(np.ravel(y), [1 / 6, 2 / 15, 3 / 30, 4 / 26], rtol=1e-6)


def test_by_default_the_constants_are_those_of_caffe():
    x = np.random.default_rng(0).uniform(-300, 300, (2, 3, 4, 7)).astype(np.float32)

    y = np.asarray(LocalResponseNormalization()(x))

    np.testing.assert_allclose(y, formula(x, 5, 1e-4, 0.75, 1.0), rtol=1e-6)
    assert np.abs(y / x).min() < 0.4  # the normalisation does something


@pytest.mark.parametrize("channels", [1, 2])
def test_fewer_channels_than_the_sum_spans_are_fine(channels):
    x = np.arange(1.0, 1.0 + 6 * channels, dtype=np.float32).reshape(1, 2, 3, channels)

    y = LocalResponseNormalization(5, 0.5, 0.6, 2.0)(x)

    np.testing.assert_allclose(y, formula(x, 5, 0.5, 0.6, 2.0), rtol=1e-6)


def test_sides_and_batch_may_be_free():
    inputs = keras.Input((None, None, 6))

    outputs = LocalResponseNormalization()(inputs)

    assert outputs.shape == (None, None, None, 6)
    model = keras.Model(inputs, outputs)
    for shape in ((1, 2, 3, 6), (2, 5, 4, 6)):
        assert model.predict(np.ones(shape), verbose=0).shape == shape


def test_squares_beyond_float16_do_not_overflow_under_mixed_precision():
    x = np.linspace(-3e4, 3e4, 60, dtype=np.float16).reshape(1, 2, 3, 10)

    y = LocalResponseNormalization(dtype="mixed_float16")(x)

    assert keras.backend.standardize_dtype(y.dtype) == "float16"
    np.testing.assert_allclose(y, formula(x, 5, 1e-4, 0.75, 1.0), rtol=1e-3)  # float16 has 2^-11


def test_it_is_saved_and_loaded_with_its_constants(tmp_path):
    layer = LocalResponseNormalization(3, alpha=0.5, beta=0.6, k=2.0, name="lrn")
    model = keras.Sequential([keras.Input((5, 4, 3)), layer])
    x = np.random.default_rng(0).normal(size=(2, 5, 4, 3)).astype(np.float32)

    model.save(tmp_path / "m.keras")
    loaded = keras.models.load_model(tmp_path / "m.keras")

    assert loaded.get_layer("lrn").get_config() == layer.get_config()
    np.testing.assert_array_equal(loaded(x), model(x))


def test_keras_finds_what_a_file_names_once_the_exporter_is_imported(tmp_path):
    inputs = keras.Input((5, 4, 3))
    x = keras.layers.GlobalAveragePooling2D()(LocalResponseNormalization()(inputs))
    WithAuxiliaryClassifiers(inputs, [x, x]).save(tmp_path / "m.keras")
    script = (
        "import keras; from mobilezoo import export_coreml; "
        f"print(type(keras.models.load_model({str(tmp_path / 'm.keras')!r})).__name__)"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)

    assert done.stdout.split() == ["WithAuxiliaryClassifiers"], done.stderr


@pytest.mark.parametrize(
    ("constants", "match"),
    [
        ({"size": 4}, "size=4 must be an odd number"),
        ({"size": 0}, "size=0 must be an odd number"),
        ({"size": 2.5}, "size=2.5 must be an odd number"),
        ({"k": 0}, "k=0: alpha must be at least 0 and k above 0"),
        ({"alpha": -1}, "alpha=-1, k=1.0: alpha must be at least 0"),
    ],
)
def test_constants_without_meaning_are_refused(constants, match):
    with pytest.raises(InvalidArgumentError, match=match):
        LocalResponseNormalization(**constants)
