"""What coremltools' builder writes reaches the layers' functions."""

import numpy as np
import pytest

from mobilezoo.runtime.layers import LAYERS

from .conftest import builder

RNG = np.random.default_rng(5)
X = RNG.normal(size=(6, 5, 4)).astype(np.float32)  # c, h, w
KERNEL = RNG.normal(size=(3, 2, 3, 8)).astype(np.float32)  # h, w, c_in / groups, c_out
OIHW = KERNEL.transpose(3, 2, 0, 1)
BIAS = np.arange(8.0, dtype=np.float32)
SLOPES = np.arange(6.0, dtype=np.float32)
MATRIX = RNG.normal(size=(7, 120)).astype(np.float32)


def conv(made, mode="valid", **options):
    made.add_convolution(
        "conv", 3, 8, 3, 2, 2, 1, mode, 2, KERNEL, BIAS, True, input_name="x", output_name="y",
        **options,
    )  # fmt: skip


def deconv(made, output_shape=None):
    made.add_convolution(
        "deconv", 6, 4, 3, 2, 2, 1, "valid", 2, KERNEL[:, :, :, :2].repeat(2, axis=2), BIAS[:4],
        True, True, output_shape, input_name="x", output_name="y", padding_top=1,
    )  # fmt: skip


def pool(made, kind, padding, **options):
    made.add_pooling("pool", 3, 2, 2, 1, kind, padding, "x", "y", **options)


DECONV = {
    "weights": KERNEL[:, :, :, :2].repeat(2, axis=2).transpose(2, 3, 0, 1), "bias": BIAS[:4],
    "stride": (2, 1), "n_groups": 2, "is_deconvolution": True,
}  # fmt: skip
CONV = {"weights": OIHW, "bias": BIAS, "stride": (2, 1), "n_groups": 2}
POOL = {"kernel_size": (3, 2), "stride": (2, 1)}
ONE = (np.ones(6, np.float32), np.zeros(6, np.float32), SLOPES, SLOPES + 1)

CASES = {
    "convolution, valid": (conv, "convolution", CONV),
    "convolution, bordered": (
        lambda b: conv(b, padding_top=1, padding_right=2, padding_left=1), "convolution",
        {**CONV, "pad_type": "custom", "pad": (1, 0, 1, 2)},
    ),
    "convolution, same": (
        lambda b: conv(b, "same"), "convolution", {**CONV, "pad_type": "same"},
    ),
    "convolution, same with the odd pixel before": (
        lambda b: conv(b, "same", same_padding_asymmetry_mode="TOP_LEFT_HEAVY"), "convolution",
        {**CONV, "pad_type": "same_lower"},
    ),
    "convolution, dilated": (
        lambda b: conv(b, dilation_factors=[1, 2]), "convolution",
        {**CONV, "dilation_factor": (1, 2)},
    ),
    "deconvolution, cropped": (
        deconv, "convolution", {**DECONV, "pad_type": "custom", "pad": (1, 0, 0, 0)},
    ),
    "deconvolution to a size": (
        lambda b: deconv(b, (9, 4)), "convolution", {**DECONV, "output_shape": (9, 4)},
    ),
    "pooling, max": (lambda b: pool(b, "MAX", "VALID"), "pooling", POOL),
    "pooling, average": (
        lambda b: pool(b, "AVERAGE", "SAME", exclude_pad_area=False), "pooling",
        {**POOL, "type": "AVERAGE", "pad_type": "same"},
    ),
    "pooling, average without padding": (
        lambda b: pool(b, "AVERAGE", "VALID", padding_top=1, padding_right=1), "pooling",
        {**POOL, "type": "AVERAGE", "avg_pool_exclude_padding": True, "pad_type": "custom",
         "pad": (1, 0, 0, 1)},
    ),
    "pooling, L2 with the last pixel": (
        lambda b: pool(b, "L2", "INCLUDE_LAST_PIXEL", padding_top=1, padding_bottom=1,
                       padding_left=1, padding_right=1), "pooling",
        {**POOL, "type": "L2", "include_last_pixel": True, "pad_type": "custom",
         "pad": (1, 1, 1, 1)},
    ),
    "pooling, global": (
        lambda b: b.add_pooling("p", 0, 0, 0, 0, "AVERAGE", "VALID", "x", "y", is_global=True),
        "pooling", {"type": "AVERAGE", "global_pooling": True},
    ),
    "innerProduct": (
        lambda b: b.add_inner_product("fc", MATRIX, BIAS[:7], 120, 7, True, "x", "y"),
        "innerProduct", {"weights": MATRIX, "bias": BIAS[:7]},
    ),
    "batchnorm": (
        lambda b: b.add_batchnorm("bn", 6, *ONE, "x", "y", epsilon=0.5), "batchnorm",
        dict(zip(("gamma", "beta", "mean", "variance", "epsilon"), (*ONE, 0.5), strict=True)),
    ),
    "batchnorm of each picture": (
        lambda b: b.add_batchnorm("bn", 6, *ONE[:2], input_name="x", output_name="y",
                                  compute_mean_var=True, instance_normalization=True),
        "batchnorm", {"gamma": ONE[0], "beta": ONE[1], "compute_mean_var": True,
                      "instance_normalization": True},
    ),
    "PReLU": (
        lambda b: b.add_activation("a", "PRELU", "x", "y", SLOPES), "activation",
        {"function": "PReLU", "alpha": SLOPES},
    ),
    "parametricSoftplus": (
        lambda b: b.add_activation("a", "PARAMETRICSOFTPLUS", "x", "y", [SLOPES, SLOPES + 1]),
        "activation",
        {"function": "parametricSoftplus", "alpha": SLOPES, "beta": SLOPES + 1},
    ),
    "sigmoidHard": (
        lambda b: b.add_activation("a", "SIGMOID_HARD", "x", "y", [0.5, 0.25]), "activation",
        {"function": "sigmoidHard", "alpha": 0.5, "beta": 0.25},
    ),
    "padding": (
        lambda b: b.add_padding("p", 1, 2, 3, 4, 7.0, "x", "y"), "padding",
        {"value": 7.0, "amounts": (3, 4, 1, 2)},
    ),
    "padding by reflection": (
        lambda b: b.add_padding("p", 1, 2, 3, 0, 0.0, "x", "y", "reflection"), "padding",
        {"mode": "reflection", "amounts": (3, 0, 1, 2)},
    ),
    "crop": (
        lambda b: b.add_crop("c", 1, 0, 2, 1, [0, 0], ["x"], "y"), "crop",
        {"amounts": (2, 1, 1, 0)},
    ),
    "upsample": (
        lambda b: b.add_upsample("u", 2, 3, "x", "y"), "upsample", {"scaling_factor": (2, 3)},
    ),
    "upsample by a fraction": (
        lambda b: b.add_upsample("u", 1.5, 2.25, "x", "y", "BILINEAR", "ALIGN_CORNERS_FALSE"),
        "upsample", {"scaling_factor": (1.5, 2.25), "mode": "BILINEAR",
                     "linear_upsample_mode": "ALIGN_CORNERS_FALSE"},
    ),
    "resizeBilinear": (
        lambda b: b.add_resize_bilinear("r", "x", "y", 7, 3, "UPSAMPLE_MODE"), "resizeBilinear",
        {"target_size": (7, 3), "mode": "UPSAMPLE_MODE"},
    ),
    "unary": (
        lambda b: b.add_unary("u", "x", "y", "power", alpha=2.0, shift=0.5, scale=3.0), "unary",
        {"type": "POWER", "alpha": 2.0, "shift": 0.5, "scale": 3.0},
    ),
    "scale": (
        lambda b: b.add_scale("s", SLOPES, X[0, :1], True, "x", "y", [6], [1, 1, 4]), "scale",
        {"scale": SLOPES.reshape(6, 1, 1), "bias": X[:1, :1]},
    ),
    "bias": (
        lambda b: b.add_bias("b", X, "x", "y", [6, 5, 4]), "bias", {"bias": X},
    ),
    "lrn": (
        lambda b: b.add_lrn("l", "x", "y", 0.5, 0.75, 3, 2.0), "lrn",
        {"alpha": 0.5, "beta": 0.75, "local_size": 3, "k": 2.0},
    ),
    "mvn": (
        lambda b: b.add_mvn("m", "x", "y", True, True, 0.25), "mvn",
        {"across_channels": True, "normalize_variance": True, "epsilon": 0.25},
    ),
    "l2normalize": (
        lambda b: b.add_l2_normalize("l", "x", "y", 0.25), "l2normalize", {"epsilon": 0.25},
    ),
    "softmax": (lambda b: b.add_softmax("s", "x", "y"), "softmax", {}),
    "flatten": (
        lambda b: b.add_flatten("f", 1, "x", "y"), "flatten", {"mode": "CHANNEL_LAST"},
    ),
    "permute": (
        lambda b: b.add_permute("p", [0, 2, 3, 1], "x", "y"), "permute", {"axis": (0, 2, 3, 1)},
    ),
    "reshape": (
        lambda b: b.add_reshape("r", "x", "y", (3, 8, 5), 1), "reshape",
        {"target_shape": (3, 8, 5), "mode": "CHANNEL_LAST"},
    ),
    "slice": (
        lambda b: b.add_slice("s", "x", "y", "height", 1, -1, 2), "slice",
        {"axis": "HEIGHT_AXIS", "start_index": 1, "end_index": -1, "stride": 2},
    ),
    "reduce": (
        lambda b: b.add_reduce("r", "x", "y", "HW", "avg"), "reduce",
        {"axis": "HW", "mode": "AVG"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_layers_are_read_with_all_their_parameters(open_network, case):
    add, name, parameters = CASES[case]
    made = builder({"x": X.shape}, {"y": None})
    add(made)
    program = open_network(made)

    ((_, value),) = program.layers({"x": X})

    np.testing.assert_allclose(value, LAYERS[name](X[None], **parameters), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("case", CASES)
def test_several_examples_give_what_each_gives_alone(open_network, case):
    made = builder({"x": X.shape}, {"y": None})
    CASES[case][0](made)
    program = open_network(made)
    x = RNG.normal(size=(5, *X.shape)).astype(np.float32)

    together = program.predict({"x": x})["y"]

    assert program._executable.runs_many
    alone = np.stack([program.predict({"x": item})["y"] for item in x])
    np.testing.assert_allclose(together, alone, rtol=1e-4, atol=1e-5)


def quantized(values, bits):
    from coremltools.models.neural_network.quantization_utils import (
        _convert_array_to_nbit_quantized_bytes,
    )

    flat = np.asarray(values, np.uint8).ravel()
    return (flat if bits == 8 else _convert_array_to_nbit_quantized_bytes(flat, bits)).tobytes()


@pytest.mark.parametrize("bits", [1, 3, 6, 8])
def test_quantized_convolutions_are_expanded(open_network, bits):
    indices = RNG.integers(0, 1 << bits, KERNEL.shape)  # h, w, c_in / groups, c_out
    table = RNG.normal(size=1 << bits).astype(np.float32)
    made = builder({"x": X.shape}, {"y": None})
    made.add_convolution(
        "conv", 3, 8, 3, 2, 1, 1, "valid", 2, KERNEL, None, False, input_name="x", output_name="y"
    )
    weights = made.spec.neuralNetwork.layers[0].convolution.weights
    weights.ClearField("floatValue")
    weights.rawValue = quantized(indices.transpose(3, 2, 0, 1), bits)
    weights.quantization.numberOfBits = bits
    weights.quantization.lookupTableQuantization.floatValue.extend(table)

    ((_, value),) = open_network(made).layers({"x": X})

    expected = LAYERS["convolution"](X[None], table[indices].transpose(3, 2, 0, 1), n_groups=2)
    np.testing.assert_allclose(value, expected, rtol=1e-5, atol=1e-5)


def test_an_own_matrix_is_stored_by_columns(open_network):
    x, weights = X[0], RNG.normal(size=(4, 3)).astype(np.float32)
    made = builder({"x": x.shape}, {"y": None}, disable_rank5_shape_mapping=True)
    made.add_batched_mat_mul(
        "m", ["x"], "y", weight_matrix_rows=4, weight_matrix_columns=3, W=weights,
        bias=BIAS[:3],
    )  # fmt: skip

    y = open_network(made).predict({"x": x})["y"]

    np.testing.assert_allclose(y, x @ weights + BIAS[:3], rtol=1e-5, atol=1e-6)


def test_embeddings_are_looked_up(open_network):
    table = RNG.normal(size=(4, 9)).astype(np.float32)  # c_out, words
    made = builder({"x": (1,)}, {"y": (4,)})
    made.add_embedding("e", table, BIAS[:4], 9, 4, True, "x", "y")
    program = open_network(made)

    y = program.predict({"x": np.array([[7.0], [2.0]])})["y"]

    np.testing.assert_allclose(y, table.T[[7, 2]] + BIAS[:4], rtol=1e-6)


def test_layer_normalization_has_a_shape(open_network):
    made = builder({"x": X.shape}, {"y": None}, disable_rank5_shape_mapping=True)
    gamma, beta = X[0], X[1]
    made.add_layer_normalization("l", "x", "y", [5, 4], gamma, beta, 0.5)

    y = open_network(made).predict({"x": X})["y"]

    mean, variance = X.mean((1, 2), keepdims=True), X.var((1, 2), keepdims=True)
    np.testing.assert_allclose(y, (X - mean) / np.sqrt(variance + 0.5) * gamma + beta, rtol=1e-4,
                               atol=1e-5)  # fmt: skip
