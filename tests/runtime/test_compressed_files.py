"""Files that coremltools compresses, against the weights that coremltools itself restores."""

import coremltools.optimize.coreml as cto
import numpy as np
import pytest
from coremltools.converters.mil.mil import types

from mobilezoo.runtime import load_coreml

from .conftest import build, ct, leave_folders_to_python, mb

RNG = np.random.default_rng(3)
KERNEL = RNG.normal(size=(16, 12, 3, 2)).astype(np.float32)
MATRIX = RNG.normal(size=(8, 16)).astype(np.float32)
X = RNG.normal(size=(1, 12, 7, 5)).astype(np.float32)

MEMBERS = {16: ct.target.iOS16, 17: ct.target.iOS17, 18: ct.target.iOS18}


def network(x):
    """A convolution and an affine map: (1, 12, 7, 5) -> (1, 8)."""
    y = mb.reduce_mean(x=mb.relu(x=mb.conv(x=x, weight=KERNEL)), axes=[2, 3])
    return mb.linear(x=y, weight=MATRIX, name="y")


def palette(**options):
    config = cto.OpPalettizerConfig(weight_threshold=64, **options)
    return lambda model, **more: cto.palettize_weights(
        model, cto.OptimizationConfig(global_config=config), **more
    )


def linear(**options):
    config = cto.OpLinearQuantizerConfig(weight_threshold=64, **options)
    return lambda model, **more: cto.linear_quantize_weights(
        model, cto.OptimizationConfig(global_config=config), **more
    )


def prune(sparsity):
    config = cto.OpMagnitudePrunerConfig(target_sparsity=sparsity, weight_threshold=64)
    return lambda model: cto.prune_weights(model, cto.OptimizationConfig(global_config=config))


def one_after_the_other(first, second):
    return lambda model: second(first(model), joint_compression=True)


GROUPED = {"granularity": "per_grouped_channel", "group_size": 4}
BLOCKS = {"granularity": "per_block", "block_size": 4}
INT4 = types.int4

CASES = {
    "palette of 6 bits": (16, palette(mode="uniform", nbits=6), {"constexpr_lut_to_dense"}),
    "unique values": (17, palette(mode="uniform", nbits=1), {"constexpr_lut_to_dense"}),
    "int8 per channel": (
        16, linear(mode="linear_symmetric"), {"constexpr_affine_dequantize"},
    ),
    "uint8 per tensor": (
        17, linear(mode="linear", dtype=np.uint8, granularity="per_tensor"),
        {"constexpr_affine_dequantize"},
    ),
    "sparse": (16, prune(0.6), {"constexpr_sparse_to_dense"}),
    "palette of 3 bits": (18, palette(mode="uniform", nbits=3), {"constexpr_lut_to_dense"}),
    "palettes of channel groups": (
        18, palette(mode="uniform", nbits=4, **GROUPED), {"constexpr_lut_to_dense"},
    ),
    "palettes of input channels": (
        18, palette(mode="uniform", nbits=2, channel_axis=1, **GROUPED),
        {"constexpr_lut_to_dense"},
    ),
    "scaled palette": (
        18, palette(mode="uniform", nbits=4, enable_per_channel_scale=True),
        {"constexpr_lut_to_dense", "constexpr_blockwise_shift_scale"},
    ),
    "int8 in blocks": (18, linear(mode="linear", **BLOCKS), {"constexpr_blockwise_shift_scale"}),
    "int4 in blocks": (
        18, linear(mode="linear_symmetric", dtype=INT4, **BLOCKS),
        {"constexpr_blockwise_shift_scale"},
    ),
    "int4 per channel": (
        18, linear(mode="linear", dtype=INT4), {"constexpr_blockwise_shift_scale"},
    ),
    "sparse of iOS 18": (18, prune(0.3), {"constexpr_sparse_to_dense"}),
    "sparse palette": (
        18, one_after_the_other(prune(0.5), palette(mode="uniform", nbits=4)),
        {"constexpr_lut_to_sparse", "constexpr_sparse_to_dense"},
    ),
    "sparse int8": (
        18, one_after_the_other(prune(0.5), linear(mode="linear_symmetric")),
        {"constexpr_sparse_blockwise_shift_scale", "constexpr_sparse_to_dense"},
    ),
    "palette of int8": (
        18,
        one_after_the_other(
            palette(mode="uniform", nbits=4),
            linear(mode="linear_symmetric", granularity="per_tensor"),
        ),
        {"constexpr_lut_to_dense", "constexpr_blockwise_shift_scale"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_compressed_file_runs_on_the_weights_that_its_codes_stand_for(
    save_package, tmp_path, name
):
    target, compress, forms = CASES[name]
    path = save_package(
        build(X.shape, network, MEMBERS[target]), minimum_deployment_target=MEMBERS[target]
    )
    with leave_folders_to_python():
        compressed = compress(ct.models.MLModel(str(path), skip_model_load=True))
        compressed.save(str(tmp_path / "compressed.mlpackage"))
        cto.decompress_weights(compressed).save(str(tmp_path / "restored.mlpackage"))
    program = load_coreml(tmp_path / "compressed.mlpackage")
    restored = load_coreml(tmp_path / "restored.mlpackage")

    y = program.predict({"x": X})["y"]

    found = {op for op in program.op_types() if op.startswith("constexpr_")}
    assert found == forms
    assert not any(op.startswith("constexpr_") for op in restored.op_types())
    peak = np.abs(y).max()
    # the same weights up to float32's rounding of scale * (code - offset)
    np.testing.assert_allclose(y, restored.predict({"x": X})["y"], atol=1e-5 * peak, rtol=0)
    original = load_coreml(path).predict({"x": X})["y"]
    assert np.abs(y - original).max() > 1e-4 * peak


def narrow(array, name):
    return array.astype(types.nptype_from_builtin(types.string_to_builtin(name)))


def vector_palette():
    """Vectors of 2 along the output channels, one table for each half of the input channels."""
    return mb.constexpr_lut_to_dense(
        indices=narrow(RNG.integers(0, 8, (8, 12, 3, 2)), "uint3"),
        lut=RNG.normal(size=(1, 2, 1, 1, 8, 2)).astype(np.float32),
        vector_axis=0,
    )


def sparse_vectors():
    """Vectors of 4 along the input channels, a third of them zero."""
    mask = np.arange(16 * 3 * 3 * 2).reshape(16, 3, 3, 2) % 3 != 0
    mask, elements = mb.constexpr_lut_to_sparse(
        indices_mask=narrow(mask, "uint1"),
        indices_nonzero_data=narrow(RNG.integers(0, 4, np.count_nonzero(mask)), "uint2"),
        lut=RNG.normal(size=(1, 1, 1, 1, 4, 4)).astype(np.float32),
        vector_axis=1,
    )
    return mb.constexpr_sparse_to_dense(nonzero_data=elements, mask=mask)


@pytest.mark.parametrize("kernel", [vector_palette, sparse_vectors])
def test_palettes_of_vectors_run(save_package, tmp_path, kernel):
    body = lambda x: mb.conv(x=x, weight=kernel(), name="y")  # noqa: E731
    target = ct.target.iOS18
    path = save_package(build(X.shape, body, target), minimum_deployment_target=target)
    with leave_folders_to_python():
        model = ct.models.MLModel(str(path), skip_model_load=True)
        cto.decompress_weights(model).save(str(tmp_path / "restored.mlpackage"))

    y = load_coreml(path).predict({"x": X})["y"]

    expected = load_coreml(tmp_path / "restored.mlpackage").predict({"x": X})["y"]
    np.testing.assert_array_equal(y, expected)
    assert y.shape == (1, 16, 5, 4)
    assert np.ptp(y) > 1.0


def test_literals_of_few_bits_are_read(save_package):
    def body(x):
        weights = mb.constexpr_blockwise_shift_scale(
            data=narrow(np.array([[-8, 7, 3]]), "int4"), scale=np.float32([[2.0]]),
            offset=narrow(np.array([[-1]]), "int4"),
        )  # fmt: skip
        return mb.add(x=x, y=weights, name="y")

    target = ct.target.iOS18
    path = save_package(build((1, 3), body, target), minimum_deployment_target=target)

    y = load_coreml(path).predict({"x": np.zeros((1, 3))})["y"]

    np.testing.assert_array_equal(y, [[-14.0, 16.0, 8.0]])
