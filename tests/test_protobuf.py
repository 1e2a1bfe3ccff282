"""Networks are serialised in pieces that are the whole, byte for byte."""

import keras
import pytest
from coremltools.proto import Model_pb2
from keras import layers

from mobilezoo import export_coreml, randomize_weights
from mobilezoo._protobuf import Pieces, variable_length


@pytest.fixture(scope="module")
def model():
    inputs = keras.Input((9, 7, 3))
    x = layers.Conv2D(8, 3, activation="relu", name="conv2d")(inputs)
    x = layers.Dense(4, name="last")(layers.GlobalAveragePooling2D()(x))
    return randomize_weights(keras.Model(inputs, layers.Softmax()(x)), preprocessing="torch")


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"labels": list("abcd")},
        {"labels": list("abcd"), "updatable": ["last"]},
        {"precision": "float16"},
        {"minimum_deployment_target": "iOS15"},
    ],
    ids=["network", "classifier", "updatable", "float16", "program"],
)
def test_the_pieces_are_the_whole(model, options):
    settings = {"precision": "float32", "minimum_deployment_target": "iOS13", **options}
    specification = export_coreml(model, preprocessing="torch", **settings).get_spec()

    pieces = Pieces(specification)
    parts = list(pieces)

    assert b"".join(parts) == specification.SerializeToString(deterministic=True)
    assert pieces.size_bytes == sum(map(len, parts))
    assert (len(parts) > 5) == (specification.WhichOneof("Type") != "mlProgram")


def test_whole_numbers_take_seven_bits_a_byte():
    assert variable_length(0) == b"\x00"
    assert variable_length(127) == b"\x7f"
    assert variable_length(300) == b"\xac\x02"  # the example of protobuf's own documentation


def test_networks_in_a_pipeline_are_in_pieces_too(model):
    network = export_coreml(
        model, preprocessing="torch", minimum_deployment_target="iOS13"
    ).get_spec()
    pipeline = Model_pb2.Model(specificationVersion=4)
    pipeline.description.metadata.userDefined.update({"b": "2", "a": "1"})
    for _ in range(2):
        pipeline.pipeline.models.add().CopyFrom(network)

    pieces = Pieces(pipeline)

    parts = list(pieces)
    assert b"".join(parts) == pipeline.SerializeToString(deterministic=True)
    convolution = next(
        layer for layer in network.neuralNetwork.layers if layer.name == "conv2d_conv"
    )
    assert parts.count(convolution.convolution.weights.float16Value) == 2


def test_what_holds_no_weights_is_one_piece():
    description = Model_pb2.ModelDescription(predictedFeatureName="x")

    assert list(Pieces(description)) == [description.SerializeToString()]
