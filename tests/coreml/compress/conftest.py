"""A network of kernels of every kind, and its file in float16."""

import keras
import pytest
from keras import layers

from mobilezoo import export_coreml, randomize_weights


@pytest.fixture(scope="session")
def network():
    """Pictures (19, 13, 6) -> 30 numbers; convolutions of every kind, and dense layers."""
    x = inputs = keras.Input((19, 13, 6), name="x")
    x = layers.Conv2D(48, (3, 5), name="first")(x)
    x = layers.BatchNormalization(name="norm")(layers.Conv2D(64, 1, name="point")(x))
    x = layers.DepthwiseConv2D(5, depth_multiplier=2, padding="same", name="depthwise")(x)
    x = layers.Conv2DTranspose(24, 3, strides=2, activation="relu", name="back")(x)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    x = layers.Dense(90, activation="relu", name="hidden")(x)
    x = layers.Dense(30, name="dense")(x)
    return randomize_weights(keras.Model(inputs, x, name="kinds"))


@pytest.fixture(scope="session")
def package(network, tmp_path_factory):
    """The file in float16."""
    path = tmp_path_factory.mktemp("kinds") / "kinds.mlpackage"
    export_coreml(network, path, inputs="array")
    return path
