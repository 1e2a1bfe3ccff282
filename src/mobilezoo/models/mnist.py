"""Networks for handwritten digits, 28x28x1.

Source: the Keras examples of 2015. mnist_mlp.py, which the talk behind this library trained:
784-512-512-10 with dropout 0.2. cifar10_cnn.py, a small VGG-style stack: two 3x3 convolutions,
pool, two 3x3 convolutions, pool, a hidden layer of 512.
Differs: mnist_cnn pads every convolution, as in VGG, where cifar10_cnn.py leaves out the padding
of every second one.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import keras
from keras import layers

from mobilezoo.models._build import Network
from mobilezoo.models._options import BareOptions, InputShape, TopOptions
from mobilezoo.models._signature import network_builder

if TYPE_CHECKING:
    from typing_extensions import Unpack

HIDDEN_UNITS = (512, 512)
STACK_FILTERS = (32, 64)  # of two 3x3 convolutions each, then 2x2 max pooling
CNN_HIDDEN_UNITS = 512
DEFAULT_SHAPE = (28, 28, 1)


@network_builder(without=("include_top", "pooling"))
def mnist_mlp(
    input_shape: tuple[int, int, int] | None = None,
    *,
    dropout: float = 0.2,
    classes: int = 10,
    **options: Unpack[BareOptions],
) -> keras.Model:
    """Build the multilayer perceptron 784-512-512-10: exactly 669,706 parameters.

    Args:
        input_shape: (height, width, channels) in pixels; default (28, 28, 1).
        dropout: rate after each hidden layer, 0 <= dropout < 1.
        weights: None for random ones, or the path of a Keras weight file.
        classes: outputs of the classifier.

    Returns:
        A model from pixels scaled to [0, 1], (batch, 28, 28, 1), to (batch, classes).
    """
    network = Network(input_shape, DEFAULT_SHAPE, 1, dropout=dropout, classes=classes, **options)

    x = layers.Flatten(name="pixels")(network.inputs)
    for number, units in enumerate(HIDDEN_UNITS, start=1):
        x = layers.Dense(units, activation="relu", name=f"hidden{number}")(x)
        x = layers.Dropout(dropout, name=f"dropout{number}")(x)
    x = network.classify(x)

    return network.finish(x, "mnist_mlp", preprocessing="unit")


@network_builder()
def mnist_cnn(
    input_shape: InputShape | None = None,
    *,
    dropout: float = 0.5,
    classes: int = 10,
    **options: Unpack[TopOptions],
) -> keras.Model:
    """Build a small VGG-style network: 1,676,266 parameters and 20 million mult-adds.

    Args:
        input_shape: (height, width, channels) in pixels, each side at least 4. Default
            (28, 28, 1); free sides with `include_top=False`.
        dropout: rate after the hidden layer, 0 <= dropout < 1; after each pooling it is half
            of that.
        include_top: whether the hidden layer and the classifier are part of the network.
        weights: None for random ones, or the path of a Keras weight file.
        classes: outputs of the classifier.

    Returns:
        A model from pixels scaled to [0, 1], (batch, 28, 28, 1), to (batch, classes), or
        without a top to (batch, 7, 7, 64) or its pooled vector.
    """
    network = Network(input_shape, DEFAULT_SHAPE, 4, dropout=dropout, classes=classes, **options)

    x = network.inputs
    for number, filters in enumerate(STACK_FILTERS, start=1):
        for conv in (1, 2):
            x = layers.Conv2D(
                filters, 3, padding="same", activation="relu", name=f"block{number}_conv{conv}"
            )(x)
        x = layers.MaxPooling2D(2, name=f"block{number}_pool")(x)
        x = layers.Dropout(dropout / 2, name=f"block{number}_dropout")(x)
    x = network.head(x, partial(_classify, network=network))

    return network.finish(x, "mnist_cnn", preprocessing="unit")


def _classify(x: Any, *, network: Network) -> Any:
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(CNN_HIDDEN_UNITS, activation="relu", name="hidden")(x)
    x = layers.Dropout(network.dropout, name="dropout")(x)
    return network.classify(x)
