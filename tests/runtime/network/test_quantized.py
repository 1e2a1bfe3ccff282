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


def _weights(layer):
    return getattr(layer, layer.WhichOneof("layer")).weights
