"""Scales are near the best that there are, and never worse than the usual ones."""

import numpy as np
import pytest

from mobilezoo.coreml.compress.linear import blocks, largest_divisor, symmetric

RNG = np.random.default_rng(7)
WEIGHTS = {
    "normal": RNG.normal(size=(12, 300)),
    "heavy tails": RNG.standard_t(3, size=(9, 500)),
    "uniform": RNG.uniform(-1, 1, (8, 200)),
    "of one sign": RNG.uniform(0.5, 1, (8, 200)),
    "few": RNG.normal(size=(40, 9)),
}


def squared_errors(weights, codes, scale):
    restored = codes.astype(np.float64) * scale.astype(np.float64)[:, None]
    return np.square(weights.astype(np.float64) - restored).sum(axis=1)


def best_codes(weights, scale, bits):
    steps = np.rint(weights.astype(np.float64) / scale.astype(np.float64)[:, None])
    return np.clip(steps, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def usual_errors(weights, bits):
    """Of the scale that cuts nothing off, as coremltools chooses it."""
    scale = (np.abs(weights).max(axis=1) / (2 ** (bits - 1) - 1)).astype(np.float16)
    return squared_errors(weights, best_codes(weights, scale, bits), scale)


def least_error(row, bits):
    """Over all scales of float16 from a fifth of the usual one on."""
    usual = np.float16(np.abs(row).max() / (2 ** (bits - 1) - 1))
    first, last = (int(np.float16(usual * share).view(np.uint16)) for share in (0.2, 1.5))
    scales = np.arange(first, last + 1, dtype=np.uint16).view(np.float16)
    rows = np.broadcast_to(row, (len(scales), len(row)))
    return squared_errors(rows, best_codes(rows, scales, bits), scales).min()


def test_literal_codes_of_8_and_of_4_bits():
    weights = np.array([[0.5, -1.0, 127.0], [0.25, 0.0, -31.75]], np.float32)

    eight = symmetric(weights, 8, axis=0)

    np.testing.assert_array_equal(eight.codes, [[0, -1, 127], [1, 0, -127]])
    np.testing.assert_array_equal(eight.scale, np.float16([1.0, 0.25]))
    four = symmetric(np.array([[3.5, -2.0, 0.5, 1.0]]), 4, axis=0)
    np.testing.assert_array_equal(four.codes, [[7, -4, 1, 2]])
    np.testing.assert_array_equal(four.scale, np.float16([0.5]))


@pytest.mark.parametrize("bits", [8, 4])
@pytest.mark.parametrize("kind", WEIGHTS)
@pytest.mark.parametrize("size", [1.0, 1e-4, 300.0])
def test_no_channel_is_worse_than_with_the_usual_scale(kind, bits, size):
    weights = (WEIGHTS[kind] * size).astype(np.float16)

    codes, scale = symmetric(weights, bits, axis=0)

    found = squared_errors(weights, codes, scale)
    assert codes.dtype == np.int8
    assert scale.dtype == np.float16
    assert (scale > 0).all()
    assert (found <= usual_errors(weights, bits) * (1 + 1e-5)).all()  # added up in float32
    nearest = squared_errors(weights, best_codes(weights, scale, bits), scale)
    np.testing.assert_allclose(found, nearest, rtol=1e-5)  # halves may go either way


@pytest.mark.parametrize(("bits", "near"), [(8, 1.1), (4, 1.01)])
@pytest.mark.parametrize("kind", WEIGHTS)
def test_errors_are_near_the_least_that_there_are(kind, bits, near):
    weights = WEIGHTS[kind].astype(np.float16)

    found = squared_errors(weights, *symmetric(weights, bits, axis=0))

    least = np.array([least_error(row, bits) for row in weights])
    assert (found >= least * (1 - 1e-5)).all()
    assert found.sum() <= near * least.sum()


def test_cutting_off_pays_for_4_bits():
    weights = WEIGHTS["heavy tails"].astype(np.float16)

    found = squared_errors(weights, *symmetric(weights, 4, axis=0))

    assert found.sum() < 0.7 * usual_errors(weights, 4).sum()


def test_zeros_are_zeros():
    codes, scale = symmetric(np.zeros((3, 5), np.float16), 8, axis=0)

    assert not codes.any()
    np.testing.assert_array_equal(scale, [1, 1, 1])


@pytest.mark.parametrize("axis", [0, 1, 3])
def test_each_index_of_the_axis_has_its_scale(axis):
    weights = RNG.normal(size=(4, 6, 3, 5)).astype(np.float16)

    codes, scale = symmetric(weights, 8, axis)

    rows = np.moveaxis(weights, axis, 0).reshape(weights.shape[axis], -1)
    alone = symmetric(rows, 8, axis=0)
    assert scale.shape == (weights.shape[axis],)
    np.testing.assert_array_equal(scale, alone.scale)
    np.testing.assert_array_equal(np.moveaxis(codes, axis, 0).reshape(rows.shape), alone.codes)


@pytest.mark.parametrize(("axis", "inputs"), [(0, 1), (1, 0)])
def test_each_block_has_its_scale(axis, inputs):
    weights = RNG.normal(size=(4, 6, 3, 5)).astype(np.float16)
    size = weights.shape[inputs] // 2

    codes, scale = blocks(weights, 4, size, inputs, axis)

    shape = [1, 1, 1, 1]
    shape[axis], shape[inputs] = weights.shape[axis], 2
    assert scale.shape == tuple(shape)
    for i in range(weights.shape[axis]):
        for j in range(2):
            at = [slice(None)] * 4
            at[axis], at[inputs] = slice(i, i + 1), slice(j * size, (j + 1) * size)
            alone = symmetric(weights[tuple(at)].reshape(1, -1), 4, axis=0)
            place = (i, j) if axis == 0 else (j, i)
            assert scale[place] == alone.scale[0]
            np.testing.assert_array_equal(codes[tuple(at)].reshape(1, -1), alone.codes)


def test_parts_that_are_worked_on_one_by_one_make_no_difference():
    weights = RNG.normal(size=(300, 700)).astype(np.float16)  # 4 parts

    codes, scale = symmetric(weights, 8, axis=0)

    last = symmetric(weights[-3:], 8, axis=0)
    np.testing.assert_array_equal(scale[-3:], last.scale)
    np.testing.assert_array_equal(codes[-3:], last.codes)


@pytest.mark.parametrize(("number", "most", "divisor"), [(64, 32, 32), (3, 32, 3), (50, 32, 25)])
def test_a_block_divides_the_channels(number, most, divisor):
    assert largest_divisor(number, most) == divisor
