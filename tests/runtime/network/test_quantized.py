"""Files that coremltools quantizes, against the same files that coremltools expands again."""

import contextlib
import io

import numpy as np
import pytest
from coremltools.models.neural_network import quantization_utils as utils

from mobilezoo.runtime import load_coreml

from .conftest import builder

RNG = np.random.default_rng(21)
X = RNG.normal(size=(3, 2, 6, 5)).astype(np.float32)


def network():
    """A convolution, a deconvolution in groups, an inner product."""
    made = builder({"x": X.shape[1:]}, {"y": (7,)})
    made.add_convolution(
        "conv", 2, 6, 3, 2, 1, 1, "same", 1, RNG.normal(size=(3, 2, 2, 6)), np.ones(6), True,
        input_name="x", output_name="conv",
    )  # fmt: skip
    made.add_convolution(
        "deconv", 6, 4, 2, 3, 2, 2, "valid", 1, RNG.normal(size=(2, 3, 6, 4)), None, False, True,
        input_name="conv", output_name="deconv",
    )  # fmt: skip
    made.add_inner_product(
        "fc", RNG.normal(size=(7, 4 * 12 * 11)), np.zeros(7), 528, 7, True, "deconv", "y"
    )
    return made.spec


@pytest.mark.parametrize(
    ("mode", "bits"),
    [("LINEAR_QUANTIZATION", 1), ("LINEAR_QUANTIZATION", 3), ("LINEAR_QUANTIZATION", 8),
     ("LINEAR_SYMMETRIC", 8), ("LOOKUP_TABLE_LINEAR", 2), ("LOOKUP_TABLE_LINEAR", 6)],
)  # fmt: skip
def test_quantized_weights_are_what_coremltools_expands_them_to(tmp_path, mode, bits):
    spec = network()
    with contextlib.redirect_stdout(io.StringIO()):  # coremltools reports its progress
        quantized = utils._quantize_spec_weights(
            spec, bits, getattr(utils._ct.models, f"_QUANTIZATION_MODE_{mode}")
        )
        assert all(_weights(layer).rawValue for layer in quantized.neuralNetwork.layers)
        (tmp_path / "quantized.mlmodel").write_bytes(quantized.SerializeToString())
        utils._dequantize_nn_spec(quantized.neuralNetwork)
    (tmp_path / "expanded.mlmodel").write_bytes(quantized.SerializeToString())

    y = load_coreml(tmp_path / "quantized.mlmodel").predict({"x": X})["y"]
    expected = load_coreml(tmp_path / "expanded.mlmodel").predict({"x": X})["y"]

    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


WHOLE = np.int8([[1, -2, 3], [-128, 5, 127]])  # two columns of the result, three of the input
ROW = np.float32([[2, 10, 1]])


@pytest.mark.parametrize("kind", ["innerProduct", "batchedMatmul"])
def test_signed_weights_are_multiplied_by_their_scale(open_network, kind):
    made = builder({"x": (1, 3)}, {"y": None}, disable_rank5_shape_mapping=True)
    options = {"int_8_dynamic_quantize": True, "is_quantized_weight": True, "nbits": 8,
               "quant_scale": np.float32([0.5])}  # fmt: skip
    if kind == "innerProduct":
        made.add_inner_product("y", WHOLE.tobytes(), None, 3, 2, False, "x", "y", **options)
    else:  # given by rows, stored by columns
        made.add_batched_mat_mul(
            "y", ["x"], "y", weight_matrix_rows=3, weight_matrix_columns=2, W=WHOLE.T.tobytes(),
            **options,
        )  # fmt: skip

    y = open_network(made).predict({"x": ROW})["y"]

    # (2 - 20 + 3) / 2 and (-256 + 50 + 127) / 2
    np.testing.assert_array_equal(y, [[-7.5, -39.5]])


def test_a_matrix_may_have_a_scale_for_each_column(open_network):
    made = builder({"x": (1, 3)}, {"y": None}, disable_rank5_shape_mapping=True)
    made.add_batched_mat_mul(
        "y", ["x"], "y", weight_matrix_rows=3, weight_matrix_columns=2,
        W=bytes([1, 4, 2, 5, 3, 6]), is_quantized_weight=True, nbits=8,
        quant_scale=np.float32([1, 10]), quant_bias=np.float32([0, 100]),
    )  # fmt: skip

    y = open_network(made).predict({"x": ROW})["y"]

    # 2 + 20 + 3; 10 * (8 + 50 + 6) + 100 * 13
    np.testing.assert_array_equal(y, [[25, 1940]])


def test_weights_may_be_float16(open_network):
    made = builder({"x": (3,)}, {"y": (2,)})
    made.add_inner_product("y", np.zeros((2, 3)), np.zeros(2), 3, 2, True, "x", "y")

    def halve(spec):
        layer = spec.neuralNetwork.layers[0].innerProduct
        for weights, numbers in ((layer.weights, [[1, 2, 3], [0.1, 0, 1]]), (layer.bias, [1, -1])):
            weights.ClearField("floatValue")
            weights.float16Value = np.float16(numbers).tobytes()

    y = open_network(made, halve).predict({"x": ROW[0]})["y"]

    np.testing.assert_allclose(y, [26, 0.2 + 1 - 1], rtol=1e-3)  # 0.1 has 11 bits
    assert y[1] != np.float32(0.2)


def test_recurrent_matrices_have_scales_of_their_own(open_network):
    made = builder({"x": (1,)}, {"y": (2,)})
    made.add_simple_rnn("r", np.zeros((2, 2)), np.zeros((2, 1)), None, 2, 1, "LINEAR", ["x"], ["y"])
    weights = made.spec.neuralNetwork.layers[0].simpleRecurrent.weightMatrix
    weights.ClearField("floatValue")
    weights.rawValue = bytes([0b01_11_0000])  # codes 1 and 3
    weights.quantization.numberOfBits = 2
    weights.quantization.linearQuantization.scale.extend([1.0, 10.0])
    weights.quantization.linearQuantization.bias.extend([0.5, -0.5])

    y = open_network(made).predict({"x": np.float32([2])})["y"]

    np.testing.assert_array_equal(y, [3.0, 50.0])  # 2 * 1.5, and 2 * 29.5 kept within 50


def _weights(layer):
    return getattr(layer, layer.WhichOneof("layer")).weights
