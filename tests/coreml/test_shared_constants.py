"""Equal arguments of operations stand in a program once, and only equal ones."""

import keras
import numpy as np
from keras import layers

from mobilezoo import export_coreml, randomize_weights, verify
from mobilezoo.coreml.emit.builder import _key


def constants(exported):
    (block,) = exported.get_spec().mlProgram.functions["main"].block_specializations.values()
    return [item for item in block.operations if item.type == "const"]


def test_a_second_convolution_of_a_kind_brings_its_weights_only(tmp_path):
    def network(count):
        x = inputs = keras.Input((11, 8, 12), name="x")
        for index in range(count):
            x = layers.Conv2D(12, 3, padding="same", name=f"c{index}")(x)
        return randomize_weights(keras.Model(inputs, x))

    one, three = (export_coreml(network(n), inputs="array") for n in (1, 3))

    assert len(constants(three)) == len(constants(one)) + 2 * 2  # kernel and bias each


def test_what_differs_stays_apart(tmp_path):
    x = inputs = keras.Input((23, 19, 3), name="x")
    x = layers.Conv2D(4, 3, strides=1, dilation_rate=2)(x)
    x = layers.Conv2D(4, 3, strides=2, dilation_rate=1)(x)
    x = layers.LeakyReLU(negative_slope=1.0)(layers.LeakyReLU(negative_slope=0.5)(x))
    model = randomize_weights(keras.Model(inputs, x))

    export_coreml(model, tmp_path / "m.mlpackage", precision="float32", inputs="array")

    assert verify(model, tmp_path / "m.mlpackage").largest_difference < 1e-5


def test_numbers_of_another_type_are_other_constants():
    values = [1, 1.0, True, np.float16(1), np.float32(1), np.int32(1), "1", 0.0, -0.0]

    assert len({_key(value) for value in values}) == len(values)
    assert len({_key((value,)) for value in values}) == len(values)
    assert _key([2, 3]) == _key((2, 3)) != _key((3, 2))
    assert _key(np.ones(3)) is None
    assert _key([np.ones(3), 1]) is None
