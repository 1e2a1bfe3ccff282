"""The table of layers and Apple's list of them."""

import inspect

import pytest

from mobilezoo import _environment
from mobilezoo.runtime.layers import LAYERS
from mobilezoo.runtime.network.parameters import snake_case

_environment.coremltools()

from coremltools.proto import NeuralNetwork_pb2  # noqa: E402

MESSAGES = {
    field.name: field.message_type
    for field in NeuralNetwork_pb2.NeuralNetworkLayer.DESCRIPTOR.oneofs_by_name["layer"].fields
}
# fields that only say how large the weights are, or how a device may compute
SILENT = {
    "channels", "embeddingSize", "hasBias", "inputChannels", "inputDim", "int8DynamicQuantize",
    "kernelChannels", "outputChannels", "shape", "shapeBias", "shapeScale", "vocabSize",
    "weightMatrixFirstDimension", "weightMatrixSecondDimension",
}  # fmt: skip


def test_every_name_is_one_of_apples():
    assert LAYERS.keys() <= MESSAGES.keys()


@pytest.mark.parametrize("name", LAYERS)
def test_every_plain_field_is_a_parameter(name):
    known = inspect.signature(LAYERS[name]).parameters
    fields = [field.name for field in MESSAGES[name].fields if field.message_type is None]
    merged = {"convolution": {"kernelSize"}, "upsample": {"fractionalScalingFactor"}}

    missing = {field for field in fields if snake_case(field) not in known}

    assert missing - SILENT - merged.get(name, set()) == set()


@pytest.mark.parametrize("name", LAYERS)
def test_every_layer_says_what_it_does(name):
    assert inspect.getdoc(LAYERS[name])
