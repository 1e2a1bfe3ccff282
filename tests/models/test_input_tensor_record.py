"""The preprocessing record of a network behind the caller's own layers."""

import keras

from mobilezoo import mobilenet
from mobilezoo.data.preprocessing import preprocessing_of

SMALL = {"alpha": 0.25, "include_top": False}


def test_a_network_on_the_callers_input_keeps_its_record():
    model = mobilenet(input_tensor=keras.Input((32, 48, 3)), **SMALL)

    assert preprocessing_of(model).name == "tf"


def test_a_network_behind_the_callers_layers_has_no_record():
    """Their pixels are not the network's: its record would prepare them twice."""
    inputs = keras.Input((32, 48, 3))

    model = mobilenet(input_tensor=keras.layers.Rescaling(1 / 127.5, -1.0)(inputs), **SMALL)

    assert preprocessing_of(model) is None
