import numpy as np
import pytest
from coremltools.models.neural_network.quantization_utils import (
    _convert_array_to_nbit_quantized_bytes,
)
from coremltools.proto import NeuralNetwork_pb2

from mobilezoo.errors import CoreMLFileError
from mobilezoo.runtime.network.weights import locate_weights, unpack_bits


def stored(**fields):
    return NeuralNetwork_pb2.WeightParams(**fields)


def quantized(bits, data, *, table=None, scale=None, bias=None, field="rawValue"):
    message = stored(**{field: bytes(data)})
    message.quantization.numberOfBits = bits
    if table is not None:
        message.quantization.lookupTableQuantization.floatValue.extend(table)
    if scale is not None:
        message.quantization.linearQuantization.scale.extend(scale)
        message.quantization.linearQuantization.bias.extend(bias or [])
    return message


def test_float32_and_float16_are_read():
    single = locate_weights(stored(floatValue=[1, 2, 3, 4, 5, 6]), (2, 3), "w").read()
    half = np.array([0.5, 1.5], "<f2")

    np.testing.assert_array_equal(single, [[1, 2, 3], [4, 5, 6]])
    np.testing.assert_array_equal(
        locate_weights(stored(float16Value=half.tobytes()), (2, 1), "w").read(), [[0.5], [1.5]]
    )


@pytest.mark.parametrize("bits", range(1, 9))
def test_bits_are_unpacked_as_coremltools_packs_them(bits):
    values = np.random.default_rng(bits).integers(0, 1 << bits, 77, dtype=np.uint8)
    packed = values if bits == 8 else _convert_array_to_nbit_quantized_bytes(values, bits)

    np.testing.assert_array_equal(unpack_bits(packed, bits, 77), values)


def test_three_bits_are_packed_the_highest_first():
    # 101 001 11|0 000 00..
    np.testing.assert_array_equal(
        unpack_bits(np.array([0b10100111, 0], np.uint8), 3, 4), [5, 1, 6, 0]
    )


def test_a_table_is_looked_up():
    message = quantized(2, [0b00011011, 0b10000000], table=[0.0, 1.0, 10.0, 100.0])

    np.testing.assert_array_equal(
        locate_weights(message, (5, 1), "w").read(), [[0], [1], [10], [100], [10]]
    )


@pytest.mark.parametrize(("axis", "shape"), [(0, (2, 3)), (1, (3, 2))])
def test_linear_scales_belong_to_output_channels(axis, shape):
    message = quantized(8, range(6), scale=[1.0, 10.0], bias=[0.5, -0.5])

    whole = np.arange(6).reshape(shape)
    scale, bias = np.array([1.0, 10.0]), np.array([0.5, -0.5])
    if axis == 0:
        scale, bias = scale[:, None], bias[:, None]
    np.testing.assert_array_equal(
        locate_weights(message, shape, "w", axis=axis).read(), whole * scale + bias
    )


def test_one_scale_may_serve_all_channels():
    message = quantized(4, [0x1F, 0x80], scale=[2.0], bias=[-1.0])

    np.testing.assert_array_equal(locate_weights(message, (3, 1), "w").read(), [[1], [29], [15]])


def test_signed_weights_need_no_bias():
    message = quantized(8, [255, 2], scale=[0.5], field="int8RawValue")

    np.testing.assert_array_equal(locate_weights(message, (2,), "w").read(), [-0.5, 1.0])


@pytest.mark.parametrize(
    ("message", "complaint"),
    [
        (stored(), r"w: no weights are stored; 6 are required"),
        (stored(floatValue=[1.0], float16Value=b"ab"), "floatValue and float16Value"),
        (stored(floatValue=[1.0] * 5), r"floatValue has 5 numbers, the shape \(2, 3\) needs 6"),
        (stored(float16Value=bytes(11)), "float16Value has 11 bytes.* needs 12"),
        (stored(rawValue=bytes(6)), "0 bits and no quantization"),
        (quantized(9, range(6), scale=[1.0], bias=[0.0]), "9 bits and linearQuantization"),
        (quantized(8, range(7), scale=[1.0], bias=[0.0]), "rawValue has 7 bytes.* needs 6"),
        (quantized(2, [0], table=[0.0] * 4), "rawValue has 1 bytes.* needs 2"),
        (quantized(2, [0, 0], table=[0.0] * 3), "has 3 entries; 4 are required for 2 bits"),
        (quantized(8, range(6), scale=[1.0] * 3, bias=[0.0] * 3), "3 scales and 3 biases; 1 or 2"),
        (quantized(8, range(6), scale=[1.0]), "1 scales and 0 biases"),
        (quantized(4, range(6), scale=[1.0], field="int8RawValue"), "4 bits"),
    ],
)  # fmt: skip
def test_weights_that_do_not_fit_are_named(message, complaint):
    with pytest.raises(CoreMLFileError, match=complaint):
        locate_weights(message, (2, 3), "w")


def test_a_declared_size_that_nothing_could_hold_is_refused_at_once():
    with pytest.raises(CoreMLFileError, match="floatValue has 1 numbers"):
        locate_weights(stored(floatValue=[1.0]), (1 << 62, 1 << 62), "w")
