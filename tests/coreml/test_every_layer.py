"""What docs/operations.md says of each layer of Keras is so: the file agrees with Keras."""

import importlib.util
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from mobilezoo import export_coreml, randomize_weights, verify
from mobilezoo.errors import UnsupportedLayersError
from mobilezoo.graph import capture

SAMPLES = Path(__file__).parents[2] / "docs" / "layer_samples.py"


def load():
    spec = importlib.util.spec_from_file_location("layer_samples", SAMPLES)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


samples = load()
NAMES = [name for name in samples.names() if name not in samples.ELSEWHERE]


def can_be_captured(name):
    try:
        capture(samples.sample(name))
    except UnsupportedLayersError:
        return False
    return True


def examples(model, rows):
    rng = np.random.default_rng(0)
    shapes = [(4, *tensor.shape[1:]) for tensor in model.inputs]
    if rows:
        return [rng.integers(0, 10, shape).astype(np.float32) for shape in shapes]
    return [rng.normal(size=shape).astype(np.float32) for shape in shapes]


@pytest.mark.parametrize("name", NAMES)
def test_a_layer_agrees_with_keras(name, tmp_path):
    if not can_be_captured(name):
        pytest.skip(f"{name} is listed as not supported")
    model = samples.sample(name, abstract=False)
    if model.weights:
        randomize_weights(model)

    export_coreml(model, tmp_path / "m.mlpackage", precision="float32", inputs="array")

    agreement = verify(model, tmp_path / "m.mlpackage", examples(model, "Embedding" in name))
    assert agreement.largest_difference < 3e-6


def test_every_layer_of_keras_has_a_sample():
    assert set(samples.ELSEWHERE) <= set(samples.names())
    for name in NAMES:
        assert isinstance(samples.sample(name), keras.Model)
