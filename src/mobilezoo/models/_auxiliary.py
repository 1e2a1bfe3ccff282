"""Auxiliary classifiers: heads on inner feature maps that push gradients into the early layers.

Source: Szegedy et al., 2014, arXiv:1409.4842, section 5. What they do in training is
`mobilezoo._layers.WithAuxiliaryClassifiers`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras import layers

from mobilezoo.models._build import Network

POOL_SIZE, POOL_STRIDE = 5, 3  # average pooling: 14 x 14 -> 4 x 4
FILTERS = 128  # of the 1x1 convolution
UNITS = 1024  # of the hidden layer
DROPOUT = 0.7
MINIMUM_SIDE = 16 * (POOL_SIZE - 1) + 1  # one window fits into a map 16 times smaller


def auxiliary_classifier(
    x: Any, name: str, network: Network, convolution: Callable[..., Any]
) -> Any:
    """A head: pool, 1x1 convolution, hidden layer, classes.

    Args:
        x: (batch, height, width, channels), each side at least POOL_SIZE.
        name: prefix of its layers.
        network: whose classes and activation it has.
        convolution: (x, name, filters, kernel_size) -> x, with the network's normalisation.

    Returns:
        (batch, classes).
    """
    x = layers.AveragePooling2D(POOL_SIZE, POOL_STRIDE, name=f"{name}_pool")(x)
    x = convolution(x, name, FILTERS, 1)
    x = layers.Flatten(name=f"{name}_flatten")(x)
    x = layers.Dense(UNITS, activation="relu", name=f"{name}_hidden")(x)
    x = layers.Dropout(DROPOUT, name=f"{name}_dropout")(x)
    return network.classify(x, f"{name}_")
