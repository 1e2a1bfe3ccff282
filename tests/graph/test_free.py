"""What fits some sizes of pictures only is told apart from what fits all."""

import keras
import numpy as np
import pytest
from keras import layers

from mobilezoo.errors import UnsupportedLayersError
from mobilezoo.graph import capture, fold
from mobilezoo.graph.free import check_free_sides

FREE = (None, None, 3)


class Positions(layers.Layer):
    """Adds a number for each pixel of a picture of 9 x 7."""

    def call(self, x):
        return x + np.arange(63, dtype=np.float32).reshape(9, 7, 1)


def free(*stack):
    x = inputs = keras.Input((9, 7, 3))
    for layer in stack:
        x = layer(x)
    return fold(capture(keras.Model(inputs, x), FREE, any_size=True))[0]


def test_a_network_of_convolutions_and_global_pooling_fits_all_sizes():
    graph = free(layers.Conv2D(4, 3, strides=2), layers.GlobalAveragePooling2D(), layers.Dense(2))

    check_free_sides(graph)

    assert graph.inputs[0].shape == (None, None, None, 3)
    assert graph.nodes[0].output.shape == (None, None, None, 4)


@pytest.mark.parametrize(
    ("stack", "reason"),
    [
        ([layers.Flatten(name="it"), layers.Dense(2)], "it puts height or width into the channels"),
        ([Positions(name="it")], "it combines a free side with one of a fixed size"),
        ([layers.BatchNormalization(axis=1, name="it")], "its weights belong to one size"),
        ([layers.LayerNormalization(axis=1, name="it")], "its weights belong to one size"),
        ([layers.Permute((3, 1, 2), name="it")], "it puts height or width into the channels"),
    ],
)
def test_what_fits_one_size_is_named(stack, reason):
    graph = free(*stack)

    with pytest.raises(UnsupportedLayersError, match=f"it: {reason}"):
        check_free_sides(graph)
