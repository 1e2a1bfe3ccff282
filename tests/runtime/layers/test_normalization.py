import numpy as np
import pytest

from mobilezoo.runtime.layers.normalization import (
    batchnorm,
    l2normalize,
    layer_normalization,
    lrn,
    mvn,
)

X = np.array([[1.0, 3.0, 5.0], [2.0, 2.0, 8.0]], np.float32).reshape(1, 2, 1, 3)
GAMMA, BETA = np.array([1.0, 2.0], np.float32), np.array([0.0, 10.0], np.float32)


def test_batchnorm_uses_the_statistics_of_the_file():
    mean, variance = np.array([1.0, 2.0], np.float32), np.array([3.0, 8.0], np.float32)

    y = batchnorm(X, GAMMA, BETA, mean, variance, epsilon=1.0)

    np.testing.assert_allclose(y[0, :, 0], [[0.0, 1.0, 2.0], [10.0, 10.0, 14.0]], rtol=1e-6)


def test_batchnorm_can_compute_statistics_of_each_picture_or_of_all():
    x = np.concatenate([X, X + 6.0])

    alone = batchnorm(
        x, GAMMA, BETA, epsilon=1e-9, compute_mean_var=True, instance_normalization=True
    )
    together = batchnorm(x, GAMMA, BETA, epsilon=1e-9, compute_mean_var=True)

    first = [(1 - 3) / (8 / 3) ** 0.5, 0.0, 2 / (8 / 3) ** 0.5]
    np.testing.assert_allclose(alone[0, 0, 0], first, rtol=1e-6)
    np.testing.assert_allclose(alone[1, 0, 0], first, rtol=1e-6)
    # 1 3 5 7 9 11: mean 6, variance 35 / 3
    np.testing.assert_allclose(
        together[:, 0, 0], np.array([[-5, -3, -1], [1, 3, 5]]) / (35 / 3) ** 0.5, rtol=1e-6
    )


def test_batchnorm_needs_statistics_or_computes_them():
    with pytest.raises(ValueError, match="mean or variance is missing"):
        batchnorm(X, GAMMA, BETA)


def test_mvn_goes_within_channels_or_across():
    centred = mvn(X)
    across = mvn(X, across_channels=True, normalize_variance=True, epsilon=0.25)

    np.testing.assert_array_equal(centred[0, :, 0], [[-2, 0, 2], [-2, -2, 4]])
    # mean 3.5, variance 5.583...
    np.testing.assert_allclose(
        across[0, :, 0], (X[0, :, 0] - 3.5) / (67 / 12 + 0.25) ** 0.5, rtol=1e-6
    )


def test_l2normalize_divides_by_the_length_of_the_whole_picture():
    x = np.array([[3.0, 0.0], [0.0, 4.0], [12.0, 0.0]], np.float32).reshape(1, 3, 1, 2)

    y = l2normalize(x, epsilon=27.0)

    np.testing.assert_allclose(y, x / 14.0, rtol=1e-6)


def test_lrn_sums_over_neighbouring_channels():
    x = np.array([1.0, 2.0, 3.0, 4.0], np.float32).reshape(1, 4, 1, 1)

    y = lrn(x, alpha=3.0, beta=0.5, local_size=3, k=2.0)

    # 1 + 4 | 1 + 4 + 9 | 4 + 9 + 16 | 9 + 16
    expected = [1 / 7**0.5, 2 / 16**0.5, 3 / 31**0.5, 4 / 27**0.5]
    np.testing.assert_allclose(np.ravel(y), expected, rtol=1e-6)


def test_layer_normalization_goes_over_the_last_axes():
    y = layer_normalization(
        X.reshape(2, 3), np.array([1.0, 2.0, 3.0], np.float32), np.array([0.0, 0.0, 7.0]),
        normalized_shape=(3,), eps=1.0,
    )  # fmt: skip

    np.testing.assert_allclose(
        y,
        [
            [-2 / (11 / 3) ** 0.5, 0.0, 7 + 6 / (11 / 3) ** 0.5],
            [-2 / 3, -4 / 3, 11.0],  # mean 4, variance 8
        ],
        rtol=1e-6,
    )
