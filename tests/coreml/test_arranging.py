"""Kernels in another precision and order, part by part."""

import numpy as np
import pytest

from mobilezoo.coreml.emit import arranging
from mobilezoo.coreml.emit.arranging import parts, together

RNG = np.random.default_rng(0)
CASES = [
    ((3, 2, 5, 16), (3, 2, 0, 1)),
    ((3, 2, 5, 7), (3, 2, 0, 1)),
    ((3, 2, 5, 8), (2, 3, 0, 1)),
    ((6, 24), (1, 0)),
    ((2, 3, 4, 40), (3, 2, 0, 1)),
    ((7, 5), None),
    ((3, 2, 6, 24), (3, 2, 0, 1)),
]


def kernel(shape):
    values = RNG.normal(size=shape).astype(np.float32)
    values.reshape(-1)[::3] *= 1e-6  # subnormal in float16
    return values


@pytest.fixture
def in_small_parts(monkeypatch):
    monkeypatch.setattr(arranging, "_COLUMNS", 16)
    monkeypatch.setattr(arranging, "_ELEMENTS", 16)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize(("shape", "axes"), CASES)
@pytest.mark.usefixtures("in_small_parts")
def test_parts_are_the_transposed_kernel_in_its_order(shape, axes, dtype):
    values, seen = kernel(shape), []

    made = list(parts(values, axes, dtype, lambda part: seen.append(part.size), block=64))

    expected = values.astype(dtype)
    expected = expected if axes is None else expected.transpose(axes)
    np.testing.assert_array_equal(together(made, expected.shape, dtype), expected)
    assert all(part.flags.c_contiguous and part.dtype == dtype for part in made)
    assert sum(seen) == values.size


@pytest.mark.parametrize(("shape", "axes"), CASES)
@pytest.mark.usefixtures("in_small_parts")
def test_a_scale_multiplies_the_last_axes_before_the_cast(shape, axes):
    values = kernel(shape)
    depthwise = axes == (2, 3, 0, 1)
    scale = kernel(shape[-2:] if depthwise else shape[-1:])
    largest = []

    made = parts(values, axes, np.float16, lambda part: largest.append(part.max()), scale, block=64)

    expected = (values * scale).astype(np.float16)
    expected = expected if axes is None else expected.transpose(axes)
    np.testing.assert_array_equal(together(made, expected.shape, np.float16), expected)
    assert max(largest) == (values * scale).max()


@pytest.mark.usefixtures("in_small_parts")
def test_a_large_kernel_comes_in_several_parts():
    values = kernel((5, 40))

    made = list(parts(values, (1, 0), np.float16, lambda part: None, block=32))

    assert [part.shape for part in made] == [(16, 5), (16, 5), (8, 5)]
