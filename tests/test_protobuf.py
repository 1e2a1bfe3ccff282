"""Networks are serialised in pieces that are the whole, byte for byte."""

import keras
import pytest
from keras import layers

from mobilezoo import export_coreml, randomize_weights
from mobilezoo._protobuf import pieces, variable_length


@pytest.fixture(scope="module")
def model():
    inputs = keras.Input((9, 7, 3))
    x = layers.Conv2D(8, 3, activation="relu")(inputs)
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

    parts = list(pieces(specification))

    assert b"".join(parts) == specification.SerializeToString(deterministic=True)
    assert (len(parts) > 5) == (specification.WhichOneof("Type") != "mlProgram")


def test_whole_numbers_take_seven_bits_a_byte():
    assert variable_length(0) == b"\x00"
    assert variable_length(127) == b"\x7f"
    assert variable_length(300) == b"\xac\x02"  # the example of protobuf's own documentation
