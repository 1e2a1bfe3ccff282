"""The table of layers and Apple's list of them."""

import inspect

import pytest

from mobilezoo import _environment
from mobilezoo.runtime.layers import LAYERS

_environment.coremltools()

from coremltools.proto import NeuralNetwork_pb2  # noqa: E402

MESSAGES = {
    field.name: field.message_type
    for field in NeuralNetwork_pb2.NeuralNetworkLayer.DESCRIPTOR.oneofs_by_name["layer"].fields
}


def test_every_name_is_one_of_apples():
    assert LAYERS.keys() <= MESSAGES.keys()


@pytest.mark.parametrize("name", LAYERS)
def test_every_layer_says_what_it_does(name):
    assert inspect.getdoc(LAYERS[name])
