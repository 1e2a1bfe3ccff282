"""Networks that fit several sizes of pictures."""

import keras
import pytest
from keras import layers

from mobilezoo import mobilenet, randomize_weights


@pytest.fixture(scope="module")
def classifier():
    return randomize_weights(mobilenet((64, 96, 3), alpha=0.25, classes=3))


@pytest.fixture(scope="module")
def segmenter():
    """Pictures of sides divisible by 4 to masks; built for one size."""
    image = keras.Input((32, 48, 3), name="picture")
    fine = layers.Conv2D(5, 3, padding="same", activation="relu", name="fine")(image)
    coarse = layers.Conv2D(6, 3, strides=2, padding="same", name="coarse")(fine)
    coarse = layers.BatchNormalization(name="norm")(coarse)
    coarse = layers.MaxPooling2D(3, 2, padding="same", name="pool")(coarse)
    coarse = layers.GroupNormalization(2, name="groups")(coarse)
    up = layers.UpSampling2D(2, interpolation="bilinear", name="up")(coarse)
    up = layers.Conv2DTranspose(4, 3, strides=2, padding="same", name="back")(up)
    joined = layers.Concatenate(name="joined")([fine, up])
    mask = layers.Conv2D(2, 1, activation="sigmoid", name="mask")(joined)
    return randomize_weights(keras.Model(image, mask, name="segmenter"), preprocessing="unit")
