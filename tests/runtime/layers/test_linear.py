import numpy as np
import pytest

from mobilezoo.runtime.layers.linear import (
    batched_matmul,
    dot,
    embedding,
    embedding_nd,
    inner_product,
)

WEIGHTS = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], np.float32)  # c_out, c_in
BIAS = np.array([0.5, -0.5], np.float32)
X = np.array([1.0, 10.0, 100.0], np.float32)


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ((3,), (2,)),
        ((1, 3), (1, 2)),
        ((1, 1, 3), (1, 1, 2)),
        ((1, 3, 1, 1), (1, 2, 1, 1)),
        ((1, 1, 3, 1), (1, 2, 1, 1)),
        ((1, 1, 1, 1, 3), (1, 1, 2, 1, 1)),
    ],
)
def test_inner_product_takes_one_axis_or_three(given, made):
    y = inner_product(X.reshape(given), WEIGHTS, BIAS)

    assert y.shape == made
    np.testing.assert_array_equal(np.ravel(y), [321.5, 653.5])


def test_inner_product_refuses_another_number_of_channels():
    with pytest.raises(ValueError, match=r"shape \(1, 4, 1, 1\), but 3 input channels"):
        inner_product(np.zeros((1, 4, 1, 1), np.float32), WEIGHTS)


def test_batched_matmul_multiplies_stacks_of_matrices():
    a = np.arange(6.0, dtype=np.float32).reshape(1, 2, 3)
    b = np.arange(3.0, dtype=np.float32).reshape(1, 1, 3)

    y = batched_matmul(a, b, transpose_b=True)

    np.testing.assert_array_equal(y, [[[5.0], [14.0]]])
    np.testing.assert_array_equal(
        batched_matmul(a, a, transpose_a=True), [[[9, 12, 15], [12, 17, 22], [15, 22, 29]]]
    )


def test_batched_matmul_with_a_matrix_of_its_own_adds_a_bias():
    y = batched_matmul(X, WEIGHTS, BIAS, transpose_b=True)

    np.testing.assert_array_equal(y, [321.5, 653.5])


def test_dot_multiplies_vectors_of_channels():
    x = np.array([3.0, 4.0, 0.0], np.float32).reshape(1, 3, 1, 1)
    y = np.array([1.0, 2.0, 2.0], np.float32).reshape(1, 3, 1, 1)

    np.testing.assert_array_equal(dot(x, y), [[[[11.0]]]])
    np.testing.assert_allclose(dot(x, y, cosine_similarity=True), [[[[11 / 15]]]], rtol=1e-6)


def test_embedding_looks_columns_up():
    x = np.array([2.0, 0.0], np.float32)

    y = embedding(x.reshape(2, 1, 1, 1), WEIGHTS, BIAS)
    of_any_rank = embedding_nd(x.reshape(2, 1), WEIGHTS)

    np.testing.assert_array_equal(y, np.reshape([[3.5, 5.5], [1.5, 3.5]], (2, 2, 1, 1)))
    np.testing.assert_array_equal(of_any_rank, [[3.0, 6.0], [1.0, 4.0]])
