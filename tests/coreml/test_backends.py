"""The exporter reads the Keras model, whatever backend computes it."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import sys, keras
from keras import layers
from mobilezoo import export_coreml, randomize_weights, verify

inputs = keras.Input((20, 16, 3))
x = layers.Conv2D(6, 3, use_bias=False)(inputs)
x = layers.PReLU()(layers.BatchNormalization()(x))
x = layers.SeparableConv2D(8, 3, activation="silu")(x)
x = layers.Conv2DTranspose(4, 3, strides=2)(x)
x = layers.Resizing(9, 11)(layers.LayerNormalization()(x))
x = layers.Reshape((99, 4))(x)
x = layers.MultiHeadAttention(2, 3)(x, x)
model = randomize_weights(keras.Model(inputs, layers.Dense(4)(layers.UpSampling1D(2)(x))))
export_coreml(model, sys.argv[1], precision="float32", inputs="array")
print(keras.backend.backend(), verify(model, sys.argv[1]).largest_difference)
"""


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_a_model_of_another_backend_agrees(backend, tmp_path: Path):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"needs {backend}")

    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, tmp_path / "m.mlpackage"],
        env={**os.environ, "KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr[-2000:]
    used, difference = done.stdout.split()[-2:]
    assert used == backend
    assert float(difference) < 1e-5
