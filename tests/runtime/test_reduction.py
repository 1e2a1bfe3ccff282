import numpy as np
import pytest

from mobilezoo.runtime import ops

X = np.arange(1.0, 25.0, dtype=np.float32).reshape(2, 3, 4)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("reduce_mean", [[5.0, 6.0, 7.0, 8.0], [17.0, 18.0, 19.0, 20.0]]),
        ("reduce_sum", [[15.0, 18.0, 21.0, 24.0], [51.0, 54.0, 57.0, 60.0]]),
        ("reduce_max", [[9.0, 10.0, 11.0, 12.0], [21.0, 22.0, 23.0, 24.0]]),
        ("reduce_min", [[1.0, 2.0, 3.0, 4.0], [13.0, 14.0, 15.0, 16.0]]),
        ("reduce_prod", [[45.0, 120.0, 231.0, 384.0], [4641.0, 5544.0, 6555.0, 7680.0]]),
    ],
)
def test_reduction_over_the_middle_axis(name, expected):
    np.testing.assert_allclose(ops.OPS[name](X, axes=(1,)), expected, rtol=1e-6)


def test_a_reduced_axis_can_stay_with_length_1():
    y = ops.OPS["reduce_sum"](X, axes=(0, -1), keep_dims=True)

    np.testing.assert_array_equal(y, [[[68.0], [100.0], [132.0]]])


def test_no_axes_means_all():
    assert ops.OPS["reduce_max"](X) == 24.0
    assert ops.OPS["reduce_mean"](X, keep_dims=True).shape == (1, 1, 1)


SIGNED = np.array([[[1.0, -2.0, 2.0]], [[0.5, 0.0, 0.5]]], np.float32)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("reduce_l1_norm", [[5.0], [1.0]]),
        ("reduce_l2_norm", [[3.0], [0.70710678]]),
        ("reduce_sum_square", [[9.0], [0.5]]),
        ("reduce_log_sum", [[0.0], [0.0]]),
        ("reduce_log_sum_exp", [[2.3265626], [1.4580201]]),
    ],
)
def test_norms_and_logs_over_the_last_axis(name, expected):
    np.testing.assert_allclose(ops.OPS[name](SIGNED, axes=(-1,)), expected, rtol=1e-5, atol=1e-7)


def test_log_sum_exp_bears_large_numbers():
    y = ops.OPS["reduce_log_sum_exp"](np.float32([[1000.0, 1000.0]]), keep_dims=True)

    np.testing.assert_allclose(y, [[1000.6931]], rtol=1e-6)
