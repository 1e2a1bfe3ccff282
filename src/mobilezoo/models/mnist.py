"""Networks for handwritten digits, 28x28x1.

Source: the Keras example mnist_mlp.py (2015), which the talk behind this library trained:
784-512-512-10 with dropout 0.2.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from mobilezoo.models._build import finish, network_input
from mobilezoo.models._options import Weights, check_classifier, check_counts

HIDDEN_UNITS = (512, 512)
DEFAULT_SHAPE = (28, 28, 1)


def mnist_mlp(
    input_shape: tuple[int, int, int] | None = None,
    *,
    dropout: float = 0.2,
    weights: Weights = None,
    input_tensor: Any = None,
    classes: int = 10,
    classifier_activation: str | None = "softmax",
    name: str = "mnist_mlp",
) -> keras.Model:
    """Build the multilayer perceptron 784-512-512-10: exactly 669,706 parameters.

    Args:
        input_shape: (height, width, channels) in pixels; default (28, 28, 1).
        dropout: rate after each hidden layer, 0 <= dropout < 1.
        weights: None for random ones, or the path of a Keras weight file.
        input_tensor: symbolic tensor to build on, instead of `input_shape`.
        classes: outputs of the classifier.
        classifier_activation: of the classifier; None returns logits.
        name: of the model.

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

    return finish(name, inputs, x, weights=weights, preprocessing="unit")
