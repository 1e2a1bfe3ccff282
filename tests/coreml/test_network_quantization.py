"""Weights of few bits in a neural network: literal bytes, and whole files."""

import numpy as np
import pytest
from coremltools.proto import NeuralNetwork_pb2
from keras import layers

from mobilezoo import export_coreml, load_coreml, randomize_weights
from mobilezoo.coreml.neural_network.quantization import (
    linear_codes,
    packed,
    quantize_linearly,
    store_palette,
)
from mobilezoo.errors import InvalidArgumentError


def test_codes_lie_one_behind_the_other_highest_bit_first():
    assert packed(np.array([1, 2, 3, 0, 3]), 2) == bytes([0b01101100, 0b11000000])
    assert packed(np.array([[1, 0], [1, 1]]), 1) == bytes([0b10110000])
    assert packed(np.array([5, 255]), 8) == bytes([5, 255])


def test_each_channel_has_its_own_scale():
    kernel = np.array([[-1.0, 0.0, 0.5, 2.0], [3.0, 3.0, 3.0, 3.0]], np.float32)

    codes, scale, offset = linear_codes(kernel, 2)

    np.testing.assert_array_equal(codes, [[0, 1, 2, 3], [0, 0, 0, 0]])  # 1.5 rounds to even
    np.testing.assert_array_equal(scale, [1.0, 0.0])
    np.testing.assert_array_equal(offset, [-1.0, 3.0])


def test_a_palette_is_stored_with_its_table():
    message = NeuralNetwork_pb2.WeightParams(floatValue=[1.0, 2.0])

    store_palette(message, np.array([3, 0, 1]), np.array([0.0, 0.5, 1.0, 9.0]), 2)

    assert message.rawValue == bytes([0b11000100])
    assert list(message.quantization.lookupTableQuantization.floatValue) == [0.0, 0.5, 1.0, 9.0]
    assert list(message.floatValue) == []


@pytest.mark.parametrize("precision", ["float32", "float16"])
@pytest.mark.parametrize(("bits", "limit"), [(8, 0.02), (5, 0.1)])
def test_a_file_with_few_bits_stays_near(functional, tmp_path, bits, limit, precision):
    model = functional(
        layers.Conv2D(8, (3, 2), groups=1, name="conv"),
        layers.DepthwiseConv2D(3, name="depthwise"),
        layers.Conv2DTranspose(4, 2, name="transposed"),
        layers.Flatten(),
        layers.Dense(5, name="dense"),
    )
    randomize_weights(model)
    exported = export_coreml(model, tmp_path / "m.mlmodel", precision=precision, inputs="array")
    spec = exported.get_spec()

    count = quantize_linearly(spec, bits)

    (tmp_path / "few.mlmodel").write_bytes(spec.SerializeToString())
    assert (count, spec.specificationVersion) == (3, 3)
    x = np.random.default_rng(0).normal(size=(9, 7, 3)).astype(np.float32)
    made = load_coreml(tmp_path / "few.mlmodel").predict({"x": x})["dense"]
    expected = model.predict_on_batch(x[None])[0]
    difference = np.abs(made - expected).max() / np.abs(expected).max()
    assert 0 < difference < limit  # of rounding to so many bits


@pytest.mark.parametrize("bits", [0, 9])
def test_other_numbers_of_bits_are_refused(functional, bits):
    exported = export_coreml(functional(layers.ReLU()), inputs="array",
                             minimum_deployment_target="iOS13")  # fmt: skip

    with pytest.raises(InvalidArgumentError, match="must be 1 to 8"):
        quantize_linearly(exported.get_spec(), bits)
