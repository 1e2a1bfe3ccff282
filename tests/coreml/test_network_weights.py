"""Weights in a neural network's protobuf: literal bytes, and shapes that Core ML takes."""

import numpy as np
import pytest
from coremltools.proto import NeuralNetwork_pb2
from keras import layers

from mobilezoo import export_coreml
from mobilezoo.coreml.neural_network.weights import store

from .custom import Apply
from .layer_kinds import network_of


def test_float16_values_are_stored_lowest_byte_first():
    message = NeuralNetwork_pb2.WeightParams()

    store(message, np.array([1.0, -2.0], np.float16))

    assert message.float16Value == bytes([0x00, 0x3C, 0x00, 0xC0])


# where another byte of the length begins: 128 and 16384 bytes
@pytest.mark.parametrize("count", [31, 32, 33, 4095, 4096, 4097])
def test_float32_values_come_back_at_every_length(count):
    values = np.arange(count, dtype=np.float32)
    message = NeuralNetwork_pb2.WeightParams()

    store(message, values)

    assert list(message.floatValue) == list(values)


@pytest.mark.parametrize(
    ("shape", "stored"),
    [
        ((3,), [3]),
        ((9, 1, 1), [1, 9, 7]),
        ((7, 1), [1, 9, 7]),
        ((9, 1, 3), [3, 9, 7]),
        ((9, 7, 3), [3, 9, 7]),
    ],
)
def test_constants_have_a_shape_that_core_ml_takes(shape, stored, functional):
    values = np.linspace(1, 2, int(np.prod(shape)), dtype=np.float32).reshape(shape)
    model = functional(layers.ReLU(), Apply(lambda x: x * values), Apply(lambda x: x + values))

    exported = export_coreml(model, minimum_deployment_target="iOS13", inputs="array")

    network = network_of(exported).layers
    assert [list(item.scale.shapeScale) for item in network if item.HasField("scale")] == [stored]
    assert [list(item.bias.shape) for item in network if item.HasField("bias")] == [stored]
