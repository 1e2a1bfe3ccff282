"""Weights of few bits in a neural network: literal bytes, and whole files."""

import contextlib
import io

import keras
import numpy as np
import pytest
from coremltools.models.neural_network import quantization_utils
from coremltools.proto import NeuralNetwork_pb2
from keras import layers

from mobilezoo import (
    benchmark,
    export_coreml,
    inspect_coreml,
    load_coreml,
    randomize_weights,
    verify,
)
from mobilezoo.coreml.neural_network.quantization import (
    is_compressed,
    linear_codes,
    packed,
    store_palette,
)
from mobilezoo.coreml.precision import PALETTES, precision
from mobilezoo.errors import VerificationError

FEW_BITS = ("int8", "palette8", "palette4", "palette3", "palette1")
SHAPE = (17, 13, 6)


def network():
    """Every kind of kernel, all but one of them large."""
    x = inputs = keras.Input(SHAPE, name="x")
    x = layers.ReLU()(layers.Conv2D(40, (3, 5), name="conv")(x))
    x = layers.DepthwiseConv2D((7, 5), depth_multiplier=2, name="depthwise")(x)
    x = layers.ReLU()(layers.Conv2D(24, 3, groups=4, name="grouped", padding="same")(x))
    x = layers.Conv2DTranspose(30, (2, 3), strides=2, name="transposed")(x)
    x = layers.Conv2D(9, 1, name="small")(x)
    x = layers.Flatten(name="flat")(x)
    return randomize_weights(keras.Model(inputs, layers.Dense(11, name="dense")(x), name="all"))


# Keras's kernel -> (output channels, weights of each), and back.
TO_ROWS = {
    "conv": lambda k: k.reshape(-1, k.shape[-1]).T,
    "depthwise": lambda k: k.reshape(k.shape[0] * k.shape[1], -1).T,
    "grouped": lambda k: k.reshape(-1, k.shape[-1]).T,
    "transposed": lambda k: np.moveaxis(k, 2, 0).reshape(k.shape[2], -1),  # HWOI
    "dense": lambda k: k.T,
}
FROM_ROWS = {
    "conv": lambda rows, shape: rows.T.reshape(shape),
    "depthwise": lambda rows, shape: rows.T.reshape(shape),
    "grouped": lambda rows, shape: rows.T.reshape(shape),
    "transposed": lambda rows, shape: np.moveaxis(
        rows.reshape(shape[2], *shape[:2], shape[3]), 0, 2
    ),
    "dense": lambda rows, shape: rows.T,
}


def linear(rows):
    """8 bits between the smallest and the largest weight of each row."""
    rows = rows.astype(np.float16).astype(np.float64)
    low, high = rows.min(axis=1, keepdims=True), rows.max(axis=1, keepdims=True)
    return low + np.round(255 * (rows - low) / (high - low)) * (high - low) / 255


def nearest(table):
    """Every weight becomes the entry of the table that is nearest to it."""

    def to_table(rows):
        rows = rows.astype(np.float16).astype(np.float64)
        return table[np.abs(rows[..., None] - table).argmin(axis=-1)]

    return to_table


def dequantized(model, quantize):
    """A clone of the model whose large kernels went through `quantize(name)(rows)`."""
    clone = keras.models.clone_model(model)
    clone.set_weights(model.get_weights())
    for name, to_rows in TO_ROWS.items():
        kernel, *rest = clone.get_layer(name).get_weights()
        rows = quantize(name)(to_rows(kernel))
        clone.get_layer(name).set_weights([FROM_ROWS[name](rows, kernel.shape), *rest])
    return clone


def stored(spec, name):
    layer = next(item for item in spec.neuralNetwork.layers if item.name == name)
    return getattr(layer, layer.WhichOneof("layer"))


def relative(values, reference):
    return np.abs(values - reference).max() / np.abs(reference).max()


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


@pytest.mark.parametrize(
    ("shape", "name", "compressed"),
    [
        ((32, 16, 2, 2), "palette1", True),  # 2,048 weights
        ((31, 11, 2, 3), "palette1", False),  # 2,046
        ((32, 16, 2, 2), "palette8", True),  # 1 byte each and a table of 1,024: 3/4 of float16
        ((512, 1, 3, 3), "palette8", True),
        ((512, 1, 3, 3), "int8", False),  # 9 codes, a scale and an offset: 17 bytes, not 18
        ((512, 1, 5, 5), "int8", True),  # 33 bytes, not 50
        ((512, 1, 5, 5), "float16", False),
    ],
)
def test_kernels_that_are_small_or_would_not_shrink_stay_in_float16(shape, name, compressed):
    assert is_compressed(shape, precision(name)) is compressed


@pytest.mark.parametrize("name", FEW_BITS)
def test_the_file_computes_what_keras_computes_with_the_weights_it_stands_for(tmp_path, name):
    model = network()
    exported = export_coreml(model, tmp_path / "m.mlmodel", precision=name, inputs="array")
    spec = exported.get_spec()
    x = np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)

    def quantize(layer):
        if name == "int8":
            return linear
        quantization = stored(spec, layer).weights.quantization
        return nearest(np.array(quantization.lookupTableQuantization.floatValue))

    made = load_coreml(tmp_path / "m.mlmodel").predict({"x": x})["dense"]

    reference = dequantized(model, quantize).predict_on_batch(x[None])[0]
    assert relative(made, reference) < 2e-3  # biases and the small kernel are rounded to float16
    assert relative(made, model.predict_on_batch(x[None])[0]) > 5e-3  # which differs by more
    assert spec.specificationVersion == 3
    assert exported.user_defined_metadata["com.mobilezoo.precision"] == name
    assert len(stored(spec, "small").weights.float16Value) == 2 * 30 * 9
    assert all(stored(spec, layer).bias.float16Value for layer in TO_ROWS)


@pytest.mark.parametrize("name", FEW_BITS)
def test_coremltools_reads_the_same_weights(tmp_path, name):
    spec = export_coreml(
        network(), tmp_path / "m.mlmodel", precision=name, inputs="array"
    ).get_spec()
    x = np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)
    for layer in TO_ROWS:  # it reads a deconvolution's channels from the second axis, as here
        assert stored(spec, layer).weights.rawValue
    for layer in spec.neuralNetwork.layers:  # its expansion reads float32 or codes
        parameters = getattr(layer, layer.WhichOneof("layer"))
        for role in ("weights", "bias"):
            message = getattr(parameters, role, None)
            if (
                layer.WhichOneof("layer") in ("convolution", "innerProduct")
                and message.float16Value
            ):
                numbers = np.frombuffer(message.float16Value, np.float16).tolist()
                message.ClearField("float16Value")
                message.floatValue.extend(numbers)
    with contextlib.redirect_stdout(io.StringIO()):  # coremltools reports its progress
        quantization_utils._dequantize_nn_spec(spec.neuralNetwork)
    assert stored(spec, "conv").weights.floatValue
    (tmp_path / "expanded.mlmodel").write_bytes(spec.SerializeToString())

    made, expected = (
        load_coreml(tmp_path / file).predict({"x": x})["dense"]
        for file in ("m.mlmodel", "expanded.mlmodel")
    )

    assert relative(made, expected) < 1e-5


def test_a_kernel_in_eight_bits_loses_less_by_a_palette_than_by_a_scale_for_all(tmp_path):
    kernel = randomize_weights(network()).get_layer("conv").get_weights()[0]
    one_row = linear(kernel.reshape(1, -1))
    model = network()
    exported = export_coreml(model, tmp_path / "m.mlmodel", precision="palette8", inputs="array")
    spec = exported.get_spec()
    table = stored(spec, "conv").weights.quantization.lookupTableQuantization.floatValue

    by_palette = nearest(np.array(table))(kernel.reshape(1, -1)) - kernel.reshape(1, -1)
    by_scale = one_row - kernel.reshape(1, -1)

    assert 0 < np.square(by_palette).sum() < 0.8 * np.square(by_scale).sum()


def test_files_shrink_with_the_bits(tmp_path, small_mobilenet):
    sizes = {}
    for name in ("float16", "int8", *PALETTES):
        path = tmp_path / f"{name}.mlmodel"
        export_coreml(small_mobilenet, path, precision=name)
        sizes[name] = benchmark.size_bytes(path)

    ordered = [sizes[name] for name in (*PALETTES, "float16")]
    assert ordered == sorted(set(ordered))
    exported = export_coreml(
        small_mobilenet, precision="palette8", minimum_deployment_target="iOS12"
    )
    kernels = [
        len(layer.convolution.weights.rawValue)
        for layer in exported.get_spec().neuralNetwork.layers
        if layer.convolution.weights.rawValue
    ]
    saved = sum(kernels) / 2 + len(kernels) * 4 * (256 - 16)  # half of the codes, and of tables
    assert sizes["palette8"] - sizes["palette4"] == pytest.approx(saved, rel=1e-3)
    assert sizes["int8"] < 0.6 * sizes["float16"]
    assert sizes["palette1"] < 0.16 * sizes["float16"]


def test_verify_knows_how_far_eight_bits_may_depart(tmp_path, small_mobilenet):
    export_coreml(small_mobilenet, tmp_path / "m.mlmodel", precision="int8")

    agreement = verify(small_mobilenet, tmp_path / "m.mlmodel")

    assert (agreement.precision, agreement.limit) == ("int8", 0.2)
    assert 0.005 < agreement.largest_difference < 0.2
    with pytest.raises(VerificationError, match="first at layer"):
        verify(small_mobilenet, tmp_path / "m.mlmodel", limit=0.005)


def test_verify_needs_no_limit_below_eight_bits(tmp_path, small_mobilenet):
    export_coreml(small_mobilenet, tmp_path / "m.mlmodel", precision="palette4")

    agreement = verify(small_mobilenet, tmp_path / "m.mlmodel")

    assert agreement.before_rounding < 0.02  # the limit of float16
    assert agreement.largest_difference > 0.2


def test_inspect_shows_the_bits_of_each_layer(tmp_path):
    export_coreml(network(), tmp_path / "m.mlmodel", precision="palette3", inputs="array")

    shown = {
        item.name: item.precision for item in inspect_coreml(tmp_path / "m.mlmodel").operations
    }

    assert {shown[name] for name in TO_ROWS} == {"palette3"}
    assert shown["small"] == "float16"


def test_a_sequence_keeps_the_order_of_its_codes(tmp_path):
    inputs = keras.Input((23, 14), name="x")
    x = layers.Conv1D(36, 5, name="conv")(inputs)
    model = randomize_weights(keras.Model(inputs, layers.Dense(70, name="dense")(x)))
    export_coreml(model, tmp_path / "m.mlmodel", precision="palette8", inputs="array")

    assert verify(model, tmp_path / "m.mlmodel", limit=0.05).largest_difference > 0
