import numpy as np
import pytest

from mobilezoo.errors import UnsupportedOpError
from mobilezoo.runtime.ops.attention import einsum, scaled_dot_product_attention

LN2 = 0.6931471805599453
# scores, divided by sqrt(4), are log 1, log 2 and log 4 for the only query
QUERY = np.array([[[1.0, 0.0, 0.0, 0.0]]], np.float32)
KEY = np.array([[[0, 7, 0, 0], [2 * LN2, 0, 5, 0], [4 * LN2, 0, 0, 3]]], np.float32)
VALUE = np.array([[[7.0, 70.0], [0.0, 14.0], [14.0, 0.0]]], np.float32)


@pytest.mark.parametrize(
    ("mask", "expected"),
    [
        (None, [9.0, 14.0]),
        ([[True, True, False]], [7 / 3, 98 / 3]),
        ([[0.0, LN2, -2 * LN2]], [7 / 2, 126 / 6]),
    ],
)
def test_values_are_averaged_by_the_softmax_of_the_scores(mask, expected):
    mask = None if mask is None else np.array([mask], np.array(mask).dtype)
    mask = mask.astype(np.float32) if mask is not None and mask.dtype != bool else mask

    y = scaled_dot_product_attention(QUERY, KEY, VALUE, mask)

    np.testing.assert_allclose(y, [[expected]], rtol=1e-5)


def test_einsum_multiplies_matrices_on_the_axes_3_and_1_from_the_end():
    x = np.arange(24.0, dtype=np.float32).reshape(1, 2, 3, 4)
    y = np.arange(60.0, dtype=np.float32).reshape(1, 4, 3, 5)

    z = einsum((x, y), "nchw,nwhu->nchu")
    single = einsum((x[0], y[0, :, :1]), "abc, cbd -> abd")

    np.testing.assert_array_equal(z, np.einsum("nchw,nwhu->nchu", x, y))
    expected = np.einsum("abc,cbd->abd", x[0], np.repeat(y[0, :, :1], 3, 1))
    np.testing.assert_array_equal(single, expected)


@pytest.mark.parametrize("equation", ["ab,bc->ac", "nchw,nwhu->nhcu", "nonsense"])
def test_other_equations_are_refused(equation):
    with pytest.raises(UnsupportedOpError, match="known are nchw,nwhu->nchu"):
        einsum((np.ones((2, 3)), np.ones((3, 4))), equation)
