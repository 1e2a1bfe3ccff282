"""Weights in blocks, in groups and sparse ones are told from wrong ones."""

import numpy as np
import pytest

from mobilezoo import Linear, Palette, Sparse, export_coreml, verify
from mobilezoo.coreml.compress import codes as compression
from mobilezoo.errors import VerificationError
from mobilezoo.runtime.stored import Weights
from mobilezoo.verification import codes
from mobilezoo.verification.codes import rounding_fault
from tests.coreml.compress.conftest import network  # noqa: F401

RNG = np.random.default_rng(6)


def stored(bits, *blocks, is_sparse=False):
    return Weights(read=None, shape=(), bits=bits, blocks=blocks, is_sparse=is_sparse)


def rounded_by_block(kernel, bits, blocks):
    """An even scale for each block."""
    rounded = np.empty_like(kernel)
    rows, columns = (size // n for size, n in zip(kernel.shape, blocks, strict=True))
    for i in range(0, kernel.shape[0], rows):
        for j in range(0, kernel.shape[1], columns):
            part = kernel[i : i + rows, j : j + columns]
            scale = np.abs(part).max() / (2 ** (bits - 1) - 1)
            rounded[i : i + rows, j : j + columns] = np.round(part / scale) * scale
    return rounded


@pytest.mark.parametrize("most", [4096, 3])  # groups that are looked at one by one
def test_each_block_is_judged_by_its_own_values(monkeypatch, most):
    monkeypatch.setattr(codes, "_MOST_GROUPS", most)
    kernel = RNG.normal(size=(6, 40)).astype(np.float32) * np.logspace(0, 3, 6)[:, None]
    kernel = kernel.astype(np.float32)
    rounded = rounded_by_block(kernel, 4, (6, 4))

    assert rounding_fault(kernel, rounded, stored(4, 6, 4)) == ""
    assert rounding_fault(kernel, rounded_by_block(kernel, 4, (1, 4)), stored(4, 6, 4)) != ""
    assert rounding_fault(kernel, rounded[::-1], stored(4, 6, 4)) != ""
    assert rounding_fault(kernel, np.full_like(kernel, np.nan), stored(4, 6, 4)) != ""


def test_the_largest_weights_must_be_those_that_are_kept():
    kernel = np.array([0.1, -0.9, 0.2, 0.5, -0.3, 0.7], np.float32)
    kept = np.where(np.abs(kernel) >= 0.5, kernel, 0).astype(np.float32)
    wrong = np.array([0.1, -0.9, 0, 0, 0, 0.7], np.float32)
    other = np.array([0, -0.9, 0, 0.6, 0, 0.7], np.float32)

    assert rounding_fault(kernel, kept, stored(None, is_sparse=True)) == ""
    assert "a weight of 0.5 is gone, and one of 0.1 is not" in rounding_fault(
        kernel, wrong, stored(None, is_sparse=True)
    )
    assert "33.3% of those that are kept are other numbers" in rounding_fault(
        kernel, other, stored(None, is_sparse=True)
    )


def test_sparse_codes_are_judged_by_the_weights_that_are_kept():
    kernel = RNG.normal(size=(8, 60)).astype(np.float32)
    kept = np.abs(kernel) > 0.7
    rounded = np.where(kept, rounded_by_block(kernel, 8, (8, 1)), 0)

    assert rounding_fault(kernel, rounded, stored(8, 8, 1, is_sparse=True)) == ""
    shifted = np.where(kept, np.roll(rounded, 1, axis=0), 0)
    assert rounding_fault(kernel, shifted, stored(8, 8, 1, is_sparse=True)) != ""


@pytest.mark.parametrize(
    "precision",
    ["int8", "int4", "palette4", "palette3", Palette(4, 8), Sparse(0.5), Sparse(0.5, Palette(4))],
    ids=str,
)
@pytest.mark.parametrize("fault", ["another channel", "another weight"])
def test_a_file_with_wrong_kernels_is_caught(monkeypatch, tmp_path, network, precision, fault):  # noqa: F811
    encode = compression.encode

    def wrong(weights, axis, chosen, _):
        turned = np.roll(weights, 1, axis) if fault == "another channel" else weights[::-1].copy()
        return encode(turned, axis, chosen)

    monkeypatch.setattr("mobilezoo.coreml.compress.package.encode", wrong)
    export_coreml(network, tmp_path / "m.mlpackage", inputs="array", precision=precision)
    monkeypatch.undo()

    with pytest.raises(VerificationError, match="are not Keras's in few bits"):
        verify(network, tmp_path / "m.mlpackage", limit=20.0)


def test_a_scale_of_blocks_is_wide_enough(tmp_path, network):  # noqa: F811
    export_coreml(network, tmp_path / "m.mlpackage", inputs="array", precision=Linear(4, 16))

    agreement = verify(network, tmp_path / "m.mlpackage", limit=20.0)

    assert agreement.precision == "int4, blocks of 16"
    assert agreement.before_rounding < 0.02
