import numpy as np
import pytest
import tensorflow as tf

from mobilezoo.runtime.ops.transposed import conv_transpose


def ramp(*shape):
    return np.arange(1.0, 1.0 + np.prod(shape), dtype=np.float32).reshape(shape)


def test_conv_transpose_adds_up_shifted_kernels():
    x = np.array([1.0, 10.0], np.float32).reshape(1, 1, 2)
    weight = np.array([1.0, 2.0, 3.0], np.float32).reshape(1, 1, 3)

    y = conv_transpose(x, weight, np.array([0.5], np.float32), strides=(2,))

    # 1 2 3
    #     10 20 30
    np.testing.assert_array_equal(np.ravel(y), [1.5, 2.5, 13.5, 20.5, 30.5])


def test_conv_transpose_same_crops_the_odd_element_after():
    x = np.array([1.0, 10.0], np.float32).reshape(1, 1, 2)
    weight = np.array([1.0, 2.0, 3.0], np.float32).reshape(1, 1, 3)

    y = conv_transpose(x, weight, strides=(2,), pad_type="same")

    np.testing.assert_array_equal(np.ravel(y), [1.0, 2.0, 13.0, 20.0])


def test_conv_transpose_to_an_output_shape_fills_with_zeros():
    x = np.array([1.0, 10.0], np.float32).reshape(1, 1, 2)
    weight = np.array([1.0], np.float32).reshape(1, 1, 1)

    y = conv_transpose(x, weight, strides=(3,), output_shape=(1, 1, 6))

    np.testing.assert_array_equal(np.ravel(y), [1.0, 0.0, 0.0, 10.0, 0.0, 0.0])


@pytest.mark.parametrize(
    ("groups", "strides", "dilations", "pad"),
    [
        (1, (1, 1), (1, 1), (0, 0, 0, 0)),
        (1, (2, 3), (1, 1), (1, 0, 2, 1)),
        (1, (1, 2), (2, 1), (0, 2, 0, 0)),
        (2, (2, 1), (1, 2), (1, 1, 0, 1)),
    ],
)
def test_conv_transpose_follows_the_definition(groups, strides, dilations, pad):
    rng = np.random.default_rng(0)
    x = rng.integers(-4, 5, (2, 4, 5, 3)).astype(np.float32)
    weight = rng.integers(-4, 5, (4, 6 // groups, 3, 2)).astype(np.float32)

    y = conv_transpose(x, weight, None, pad, None, "custom", strides, dilations, groups)

    sizes = [(x.shape[2 + i] - 1) * strides[i] + (weight.shape[2 + i] - 1) * dilations[i] + 1
             for i in range(2)]  # fmt: skip
    full = np.zeros((2, 6, *sizes), np.float32)
    for n, c_in, i, j in np.ndindex(x.shape):
        first = c_in // (4 // groups) * (6 // groups)
        for o, k, m in np.ndindex(weight.shape[1:]):
            row, column = i * strides[0] + k * dilations[0], j * strides[1] + m * dilations[1]
            full[n, first + o, row, column] += x[n, c_in, i, j] * weight[c_in, o, k, m]
    top, bottom, left, right = pad
    expected = full[:, :, top : sizes[0] - bottom, left : sizes[1] - right]
    np.testing.assert_array_equal(y, expected)


def test_conv_transpose_3d_spreads_over_three_axes():
    x = np.array([1.0, 10.0, 100.0, 1000.0], np.float32).reshape(1, 2, 2, 1, 1)
    weight = ramp(2, 3, 1, 2, 1)  # c_in, c_out, depth, height, width

    y = conv_transpose(x, weight, np.float32([0.5, 0.0, 0.0]), strides=(2, 1, 1))
    grouped = conv_transpose(x, weight, strides=(1, 1, 1), groups=2)

    assert y.shape == (1, 3, 3, 2, 1)
    # planes 0 and 2 of the first filter are 1 * (1, 2) + 100 * (7, 8) and ten times that
    np.testing.assert_array_equal(y[0, 0, :, :, 0], [[701.5, 802.5], [0.5, 0.5], [7010.5, 8020.5]])
    assert grouped.shape == (1, 6, 2, 2, 1)
    np.testing.assert_array_equal(grouped[0, 4, :, :, 0], [[900, 1000], [9000, 10000]])


def test_conv_transpose_3d_runs_compiled():
    """TensorFlow 2.21's own conv3d_transpose fails at these sizes."""
    x, weight = ramp(1, 6, 2, 7, 2), ramp(6, 3, 1, 2, 3)
    compiled = tf.function(lambda x: conv_transpose(x, weight, strides=(2, 2, 2)))

    y = compiled(x)

    assert y.shape == (1, 3, 3, 14, 5)
    # the corners are one element times one corner of the kernel, over all channels
    corner = [(x[0, :, 0, 0, 0] * weight[:, o, 0, 0, 0]).sum() for o in range(3)]
    end = [(x[0, :, 1, 6, 1] * weight[:, o, 0, 1, 2]).sum() for o in range(3)]
    np.testing.assert_array_equal(y[0, :, 0, 0, 0], corner)
    np.testing.assert_array_equal(y[0, :, -1, -1, -1], end)
