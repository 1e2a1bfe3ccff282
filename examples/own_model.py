"""Export a subclassed model with a custom layer in `keras.ops`, and check every layer of it.

python examples/own_model.py
"""

import keras
import numpy as np
from keras import layers, ops

from mobilezoo import export_coreml, randomize_weights, verify


class SqueezeExcite(layers.Layer):
    """Weighs the channels by what they hold: x * sigmoid(mean over the picture * scale)."""

    def build(self, input_shape):
        """One scale per channel."""
        self.scale = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="scale")

    def call(self, x):
        """(batch, height, width, channels) -> the same shape."""
        return x * ops.sigmoid(ops.mean(x, axis=(1, 2), keepdims=True) * self.scale)


class Net(keras.Model):
    """A small classifier of pictures."""

    def __init__(self):
        super().__init__(name="net")
        self.conv = layers.Conv2D(16, 3, strides=2, activation="relu", name="conv")
        self.gate = SqueezeExcite(name="gate")
        self.pool = layers.GlobalAveragePooling2D(name="pool")
        self.dense = layers.Dense(3, activation="softmax", name="scores")

    def call(self, x):
        """(batch, height, width, 3) -> (batch, 3)."""
        return self.dense(self.pool(self.gate(self.conv(x))))


model = Net()
model(np.zeros((1, 96, 64, 3), np.float32))  # builds it
randomize_weights(model, preprocessing="unit")  # stands in for training

export_coreml(
    model, "net.mlpackage", preprocessing="unit", labels=["cat", "dog", "rabbit"], overwrite=True
)
agreement = verify(model, "net.mlpackage")
print(agreement)
for layer, difference in agreement.layers.items():
    print(f"{layer:8} {difference:.1e}")
