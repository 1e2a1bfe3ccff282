import numpy as np
import pytest

from mobilezoo.errors import UnsupportedOpError
from mobilezoo.runtime.ops.normalization import (
    batch_norm,
    instance_norm,
    l2_norm,
    layer_norm,
    local_response_norm,
)

MEAN = np.array([1.0, 2.0], np.float32)
VARIANCE = np.array([3.0, 8.0], np.float32)


def test_batch_norm_works_per_channel():
    x = np.array([1.0, 3.0, 5.0, 2.0, 5.0, 8.0], np.float32).reshape(1, 2, 1, 3)

    y = batch_norm(
        x, MEAN, VARIANCE, gamma=np.array([2.0, 10.0]), beta=np.array([0.5, 100.0]), epsilon=1.0
    )

    # 2 (x - 1) / 2 + 0.5 and 10 (x - 2) / 3 + 100
    np.testing.assert_allclose(y, [[[[0.5, 2.5, 4.5]], [[100.0, 110.0, 120.0]]]], rtol=1e-6)


def test_batch_norm_without_gamma_and_beta_only_normalizes():
    x = np.array([[[3.0], [5.0]]], np.float32)

    y = batch_norm(x, MEAN, VARIANCE, epsilon=1.0)

    np.testing.assert_allclose(y, [[[1.0], [1.0]]], rtol=1e-6)


def test_batch_norm_epsilon_is_1e_5_by_default():
    x = np.ones((1, 1, 1, 1), np.float32)

    y = batch_norm(x, np.zeros(1, np.float32), np.zeros(1, np.float32))

    np.testing.assert_allclose(np.ravel(y), [316.227766], rtol=1e-6)


def test_layer_norm_takes_statistics_over_its_axes():
    x = np.array([[[1.0, 3.0], [2.0, 6.0], [0.0, 0.0]]], np.float32)

    y = layer_norm(
        x, axes=(-1,), gamma=np.array([1.0, 10.0]), beta=np.array([0.0, 5.0]), epsilon=0.0625
    )

    # (x - mean) / sqrt(variance + 1/16): means 2, 4, 0 and variances 1, 4, 0
    rows = [[-0.9701425, 14.701425], [-0.99227788, 14.9227788], [0.0, 5.0]]
    np.testing.assert_allclose(y, [rows], rtol=1e-5)


def test_layer_norm_without_axes_takes_all():
    y = layer_norm(np.array([[1.0, 3.0], [5.0, 7.0]], np.float32), epsilon=4.0)

    np.testing.assert_allclose(y, [[-1.0, -1 / 3], [1 / 3, 1.0]], rtol=1e-6)


def test_local_response_norm_looks_at_neighbouring_channels():
    x = np.array([1.0, 2.0, 3.0, 4.0], np.float32).reshape(1, 4, 1, 1)

    y = local_response_norm(x, size=3, alpha=3.0, beta=1.0, k=1.0)

    # 1 + sums of squares: 1+1+4, 1+1+4+9, 1+4+9+16, 1+9+16
    np.testing.assert_allclose(np.ravel(y), [1 / 6, 2 / 15, 3 / 30, 4 / 26], rtol=1e-5)


def test_local_response_norm_has_mils_constants_by_default():
    x = np.zeros((1, 2, 4, 3), np.float32)
    x[0, :, 3, 2] = 100.0, 200.0

    y = local_response_norm(x, size=3)

    # (1 + 1e-4 / 3 * 50000) ^ 0.75 = 2.66667 ^ 0.75 = 2.0867794
    np.testing.assert_allclose(np.ravel(y)[[11, 23]], [47.920733, 95.841466], rtol=1e-6)
    assert np.count_nonzero(y) == 2


def test_local_response_norm_over_an_even_number_is_refused():
    with pytest.raises(UnsupportedOpError, match="odd number"):
        local_response_norm(np.zeros((1, 4, 2, 3), np.float32), size=2)


def test_instance_norm_takes_statistics_over_each_channels_pixels():
    x = np.array([[[1.0, 3.0, 5.0], [0.0, 0.0, 6.0]]], np.float32)

    y = instance_norm(x, np.float32([2.0, 10.0]), np.float32([0.0, 1.0]), epsilon=4 / 3)

    # means 3 and 2, variances 8/3 and 8: divided by 2 and by sqrt(28/3)
    rows = [[-2.0, 0.0, 2.0], [-5.546537, -5.546537, 14.093073]]
    np.testing.assert_allclose(y, [rows], rtol=1e-6)


def test_l2_norm_divides_by_the_length_over_the_last_three_axes():
    x = np.array([3.0, 4.0, 0.0, 5.0, 12.0, 0.0], np.float32).reshape(2, 1, 1, 3)

    y = l2_norm(x, epsilon=0.0)

    np.testing.assert_allclose(np.reshape(y, (2, 3)), [[0.6, 0.8, 0], [5 / 13, 12 / 13, 0]])
    np.testing.assert_allclose(l2_norm(np.full((1, 1, 1), 1e-3)), [[[0.70710678]]], rtol=1e-6)
