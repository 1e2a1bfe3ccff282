"""Networks for handwritten digits, 28x28x1.

Source: the Keras examples of 2015. mnist_mlp.py, which the talk behind this library trained:
784-512-512-10 with dropout 0.2. cifar10_cnn.py, a small VGG-style stack: two 3x3 convolutions,
pool, two 3x3 convolutions, pool, a hidden layer of 512.
Differs: cifar10_cnn.py leaves out the padding of every second convolution; here all keep the
size, as in VGG.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from mobilezoo.models._build import finish, network_input, pool_features
from mobilezoo.models._options import (
    InputShape,
    Weights,
    check_classifier,
    check_counts,
    check_options,
)

HIDDEN_UNITS = (512, 512)
STACK_FILTERS = (32, 64)  # of two 3x3 convolutions each, then 2x2 max pooling
CNN_HIDDEN_UNITS = 512
DEFAULT_SHAPE = (28, 28, 1)


def mnist_mlp(
    input_shape: tuple[int, int, int] | None = None,
    *,
    dropout: float = 0.2,
    weights: Weights = None,
    input_tensor: Any = None,
    classes: int = 10,
    classifier_activation: str | None = "softmax",
    name: str | None = None,
) -> keras.Model:
    """Build the multilayer perceptron 784-512-512-10: exactly 669,706 parameters.

    Args:
        input_shape: (height, width, channels) in pixels; default (28, 28, 1).
        dropout: rate after each hidden layer, 0 <= dropout < 1.
        weights: None for random ones, or the path of a Keras weight file.
        input_tensor: symbolic tensor to build on, instead of `input_shape`.
        classes: outputs of the classifier.
        classifier_activation: of the classifier; None returns logits.
        name: of the model; default "mnist_mlp".

    Returns:
        A model from pixels scaled to [0, 1], (batch, 28, 28, 1), to (batch, classes).

    Raises:
        InvalidArgumentError: says which argument, what is required and what to do.
    """
    check_counts(classes=classes)
    check_classifier(dropout, classifier_activation)
    inputs = network_input(
        input_shape, input_tensor, include_top=True, default=DEFAULT_SHAPE, minimum=1
    )

    x = layers.Flatten(name="pixels")(inputs)
    for number, units in enumerate(HIDDEN_UNITS, start=1):
        x = layers.Dense(units, activation="relu", name=f"hidden{number}")(x)
        x = layers.Dropout(dropout, name=f"dropout{number}")(x)
    x = layers.Dense(classes, activation=classifier_activation, name="probabilities")(x)

    return finish(name or "mnist_mlp", inputs, x, weights=weights, preprocessing="unit")


def mnist_cnn(
    input_shape: InputShape | None = None,
    *,
    dropout: float = 0.5,
    include_top: bool = True,
    weights: Weights = None,
    input_tensor: Any = None,
    pooling: str | None = None,
    classes: int = 10,
    classifier_activation: str | None = "softmax",
    name: str | None = None,
) -> keras.Model:
    """Build a small VGG-style network: 1,676,266 parameters and 20 million mult-adds.

    Args:
        input_shape: (height, width, channels) in pixels, each side at least 4. Default
            (28, 28, 1); free sides with `include_top=False`.
        dropout: rate after the hidden layer, 0 <= dropout < 1; after each pooling it is half
            of that.
        include_top: whether the hidden layer and the classifier are part of the network.
        weights: None for random ones, or the path of a Keras weight file.
        input_tensor: symbolic tensor to build on, instead of `input_shape`.
        pooling: without a top: "avg" or "max" for a vector, None for the last feature map.
        classes: outputs of the classifier.
        classifier_activation: of the classifier; None returns logits.
        name: of the model; default "mnist_cnn".

    Returns:
        A model from pixels scaled to [0, 1], (batch, 28, 28, 1), to (batch, classes), or
        without a top to (batch, 7, 7, 64) or its pooled vector.

    Raises:
        InvalidArgumentError: says which argument, what is required and what to do.
    """
    check_options(
        include_top=include_top,
        pooling=pooling,
        classes=classes,
        classifier_activation=classifier_activation,
        dropout=dropout,
    )
    inputs = network_input(
        input_shape, input_tensor, include_top=include_top, default=DEFAULT_SHAPE, minimum=4
    )

    x = inputs
    for number, filters in enumerate(STACK_FILTERS, start=1):
        for conv in (1, 2):
            x = layers.Conv2D(
                filters, 3, padding="same", activation="relu", name=f"block{number}_conv{conv}"
            )(x)
        x = layers.MaxPooling2D(2, name=f"block{number}_pool")(x)
        x = layers.Dropout(dropout / 2, name=f"block{number}_dropout")(x)
    if include_top:
        x = layers.Flatten(name="flatten")(x)
        x = layers.Dense(CNN_HIDDEN_UNITS, activation="relu", name="hidden")(x)
        x = layers.Dropout(dropout, name="dropout")(x)
        x = layers.Dense(classes, activation=classifier_activation, name="probabilities")(x)
    else:
        x = pool_features(x, pooling)

    return finish(name or "mnist_cnn", inputs, x, weights=weights, preprocessing="unit")
