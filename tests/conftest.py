"""Shared fixtures: small networks whose output depends on their input."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import pytest

from mobilezoo import mobilenet, randomize_weights


@pytest.fixture(autouse=True)
def _same_random_numbers():
    keras.utils.set_random_seed(0)


@pytest.fixture
def small_mobilenet():
    """MobileNet, every axis another size, lively weights; shape (64, 96, 3) -> 7 classes."""
    return randomize_weights(mobilenet((64, 96, 3), alpha=0.25, classes=7))


@pytest.fixture
def functional():
    """`functional(layer, ..., shape=...)` -> model that applies the layers in turn."""

    def build(*layers, shape=(9, 7, 3), name="net"):
        x = inputs = keras.Input(shape, name="x")
        for layer in layers:
            x = layer(x)
        return keras.Model(inputs, x, name=name)

    return build
