"""Every activation of Keras by name, and the layers with parameters."""

import keras
from keras import layers

CONV = layers.Conv2D
NAMES = sorted(
    name for name in dir(keras.activations) if name.islower() and not name.startswith("_")
    and name not in {"deserialize", "get", "serialize", "threshold"}
)  # fmt: skip


def case(name):
    return [CONV(4, 2), layers.Activation(name)]


CASES = {
    **{name: case(name) for name in NAMES},
    "softmax over channels": [CONV(4, (3, 2)), layers.Softmax()],
    "softmax over rows": [CONV(4, (3, 2)), layers.Softmax(axis=1)],
    "softmax over pixels": [CONV(4, (3, 2)), layers.Softmax(axis=(1, 2))],
    "threshold": [layers.Activation(lambda x: keras.activations.threshold(x, 0.5, 2.0))],
    "relu slope": [layers.ReLU(negative_slope=0.2)],
    "relu ceiling": [layers.ReLU(max_value=1.5)],
    "relu with all": [layers.ReLU(max_value=1.5, negative_slope=0.2, threshold=0.3)],
    "relu threshold": [layers.ReLU(threshold=0.7)],
    "relu layer with a function": [CONV(4, 2, activation=keras.activations.relu6)],
    "leaky relu layer": [layers.LeakyReLU(0.3)],
    "elu layer": [layers.ELU(0.7)],
    "prelu": [CONV(4, 2), layers.PReLU()],
    "prelu per channel": [CONV(4, 2), layers.PReLU(shared_axes=[1, 2])],
    "gelu, approximate": [layers.Activation(lambda x: keras.activations.gelu(x, approximate=True))],
}
