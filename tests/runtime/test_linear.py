import numpy as np
import pytest

from mobilezoo.runtime.ops.linear import linear, matmul

WEIGHT = np.array([[1.0, 10.0, 100.0], [2.0, 0.0, 0.0]], np.float32)


def test_linear_multiplies_by_the_transposed_weight():
    y = linear(np.array([[1.0, 2.0, 3.0]]), WEIGHT, np.array([0.5, 0.25], np.float32))

    np.testing.assert_array_equal(y, [[321.5, 2.25]])


@pytest.mark.parametrize("shape", [(3,), (4, 3), (2, 4, 3)])
def test_linear_keeps_the_axes_before_the_last(shape):
    y = linear(np.ones(shape), WEIGHT)

    np.testing.assert_array_equal(y, np.full((*shape[:-1], 2), [111.0, 2.0]))


def test_matmul_multiplies_the_last_two_axes():
    x = np.arange(6.0).reshape(1, 2, 3)
    y = np.arange(12.0).reshape(3, 4)

    product = matmul(x, y)

    np.testing.assert_array_equal(product, [[[20, 23, 26, 29], [56, 68, 80, 92]]])


def test_matmul_reads_either_operand_transposed():
    x = np.arange(6.0).reshape(2, 3)
    y = np.arange(12.0).reshape(3, 4)

    product = matmul(x.T, y.T, transpose_x=True, transpose_y=True)

    np.testing.assert_array_equal(product, matmul(x, y))


def test_matmul_takes_vectors():
    x = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], np.float32)

    np.testing.assert_array_equal(matmul(np.float32([10.0, 1.0]), x), [14.0, 25.0, 36.0])
    np.testing.assert_array_equal(matmul(x, np.float32([100.0, 10.0, 1.0])), [123.0, 456.0])
