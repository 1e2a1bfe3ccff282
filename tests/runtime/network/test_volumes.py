"""Layers of volumes that coremltools' builder writes, against PyTorch's functions."""

import numpy as np
import pytest

from mobilezoo.errors import CoreMLFileError
from mobilezoo.runtime import load_coreml

from .conftest import builder

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
from torch.nn import functional  # noqa: E402

RNG = np.random.default_rng(3)
X = RNG.normal(size=(1, 4, 5, 6, 7)).astype(np.float32)
BIAS = RNG.normal(size=6).astype(np.float32)


def convolution(made):
    weights = RNG.normal(size=(6, 2, 2, 3, 1)).astype(np.float32)
    made.add_convolution3d(
        "y", 4, 6, 2, 3, 1, weights, BIAS, True, 2, 1, 2, 3, dilation_depth=2,
        padding_mode="custom", padding_front=1, padding_back=1, padding_left=2, padding_right=2,
        input_name="x", output_name="y",
    )  # fmt: skip
    return lambda x: functional.conv3d(
        x, torch.tensor(weights), torch.tensor(BIAS), (1, 2, 3), (1, 0, 2), (2, 1, 1), 2
    )


def deconvolution(made):
    weights = RNG.normal(size=(3, 4, 2, 3, 1)).astype(np.float32)  # c_out / groups, c_in, ...
    made.add_convolution3d(
        "y", 4, 6, 2, 3, 1, weights, None, False, 2, 1, 2, 3, is_deconv=True,
        padding_mode="custom", padding_top=1, padding_bottom=1, input_name="x", output_name="y",
    )  # fmt: skip
    stored = torch.tensor(weights.transpose(1, 0, 2, 3, 4))
    return lambda x: functional.conv_transpose3d(x, stored, None, (1, 2, 3), (0, 1, 0), 0, 2)


def same(made):
    weights = RNG.normal(size=(6, 4, 2, 3, 2)).astype(np.float32)
    made.add_convolution3d(
        "y", 4, 6, 2, 3, 2, weights, None, False, padding_mode="same", input_name="x",
        output_name="y",
    )  # fmt: skip
    return lambda x: functional.conv3d(functional.pad(x, (0, 1, 1, 1, 0, 1)), torch.tensor(weights))


def largest(made):
    made.add_pooling3d("y", "x", "y", "MAX", 2, 3, 2, 1, 2, 3)
    return lambda x: functional.max_pool3d(x, (2, 3, 2), (1, 2, 3))


def mean(made):
    made.add_pooling3d("y", "x", "y", "AVERAGE", 2, 3, 2, 1, 2, 3, "custom", 1, 1, 0, 0, 1, 1, True)
    return lambda x: functional.avg_pool3d(
        x, (2, 3, 2), (1, 2, 3), (1, 0, 1), count_include_pad=False
    )


def whole(made):
    made.add_global_pooling3d("y", "x", "y", "average")
    return lambda x: functional.adaptive_avg_pool3d(x, 1)


@pytest.mark.parametrize("add", [convolution, deconvolution, same, largest, mean, whole])
def test_layers_of_volumes_compute_what_torchs_do(open_network, add):
    made = builder({"x": X.shape}, {"y": None}, disable_rank5_shape_mapping=True)
    reference = add(made)
    program = open_network(made)

    y = program.predict({"x": X})["y"]
    several = program.predict({"x": np.concatenate([X, 2 * X])})["y"]

    assert program._executable.runs_many
    np.testing.assert_allclose(y, reference(torch.tensor(X)), rtol=1e-4, atol=1e-5)
    expected = reference(torch.tensor(np.concatenate([X, 2 * X])))
    np.testing.assert_allclose(several, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("strideHeight", 0, r"stride \(Depth, Height, Width\) is \[1, 0, 1\]; 1 to 65536"),
        ("customPaddingTop", -1, r"customPadding \(Front, .* is \[0, 0, -1, 0, 0, 0\]; 0 to"),
        ("paddingType", 7, "paddingType is number 7"),
        ("inputChannels", 3, "floatValue has 96 numbers"),
        ("nGroups", -2, r"nGroups is \[6, 4, -2\]"),
    ],
)
def test_what_makes_no_sense_is_named(save_network, field, value, complaint):
    made = builder({"x": X.shape}, {"y": None}, disable_rank5_shape_mapping=True)
    weights = np.zeros((6, 4, 2, 2, 1))
    made.add_convolution3d("y", 4, 6, 2, 2, 1, weights, None, False, input_name="x",
                           output_name="y", padding_mode="custom")  # fmt: skip
    setattr(made.spec.neuralNetwork.layers[0].convolution3d, field, value)

    with pytest.raises(CoreMLFileError, match=complaint):
        load_coreml(save_network(made))


@pytest.mark.parametrize("shape", [[2, 3], [0, 1, 1]])
def test_an_output_shape_has_three_sizes(save_network, shape):
    made = builder({"x": X.shape}, {"y": None}, disable_rank5_shape_mapping=True)
    deconvolution(made)
    made.spec.neuralNetwork.layers[0].convolution3d.outputShape.extend(shape)

    with pytest.raises(CoreMLFileError, match="outputShape"):
        load_coreml(save_network(made))
