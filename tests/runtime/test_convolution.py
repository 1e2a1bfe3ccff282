import numpy as np
import pytest
import tensorflow as tf

from mobilezoo.errors import UnsupportedOpError
from mobilezoo.runtime.ops.convolution import conv


def ramp(*shape):
    return np.arange(1.0, 1.0 + np.prod(shape), dtype=np.float32).reshape(shape)


def reference(x, weight, strides, pads, dilations, groups):
    """The definition, one output element at a time."""
    x = np.pad(x, ((0, 0), (0, 0), *pads))
    per_group, kernel = weight.shape[1], weight.shape[2:]
    sizes = [
        (x.shape[2 + i] - (kernel[i] - 1) * dilations[i] - 1) // strides[i] + 1 for i in range(2)
    ]
    y = np.zeros((len(x), len(weight), *sizes), np.float32)
    for n, filter_, row, column in np.ndindex(y.shape):
        first = filter_ // (len(weight) // groups) * per_group
        window = x[
            n,
            first : first + per_group,
            row * strides[0] :: dilations[0],
            column * strides[1] :: dilations[1],
        ][:, : kernel[0], : kernel[1]]
        y[n, filter_, row, column] = (window * weight[filter_]).sum()
    return y


def test_conv_same_pads_the_odd_pixel_after():
    x = ramp(1, 1, 1, 6)
    weight = np.array([1.0, 10.0, 100.0]).reshape(1, 1, 1, 3)

    y = conv(x, weight, strides=(1, 2), pad_type="same")

    # windows: 1 2 3 | 3 4 5 | 5 6 0
    np.testing.assert_array_equal(y, [[[[321.0, 543.0, 65.0]]]])


def test_conv_same_lower_pads_the_odd_pixel_before():
    x = ramp(1, 1, 1, 6)
    weight = np.array([1.0, 10.0, 100.0]).reshape(1, 1, 1, 3)

    y = conv(x, weight, strides=(1, 2), pad_type="same_lower")

    # windows: 0 1 2 | 2 3 4 | 4 5 6
    np.testing.assert_array_equal(y, [[[[210.0, 432.0, 654.0]]]])


def test_conv_custom_pads_each_side_by_its_own_amount():
    x = ramp(1, 1, 2, 3)  # 1 2 3 | 4 5 6
    weight = np.array([[1.0], [10.0]]).reshape(1, 1, 2, 1)

    y = conv(x, weight, pad_type="custom", pad=(1, 0, 0, 2))

    np.testing.assert_array_equal(y, [[[[10, 20, 30, 0, 0], [41, 52, 63, 0, 0]]]])


def test_conv_valid_ignores_pad():
    y = conv(ramp(1, 1, 1, 3), ramp(1, 1, 1, 2), pad_type="valid", pad=(9, 9, 9, 9))

    np.testing.assert_array_equal(y, [[[[5.0, 8.0]]]])


def test_conv_adds_a_bias_per_filter():
    x = ramp(1, 2, 1, 1)  # channels 1, 2
    weight = np.array([[1.0, 0.0], [0.0, 1.0], [10.0, 1.0]]).reshape(3, 2, 1, 1)

    y = conv(x, weight, bias=np.array([0.25, 0.5, 0.75], np.float32))

    np.testing.assert_array_equal(np.ravel(y), [1.25, 2.5, 12.75])


def test_conv_depthwise_puts_the_filters_of_a_channel_side_by_side():
    x = ramp(1, 2, 1, 1)  # channels 1, 2
    weight = np.array([1.0, 10.0, 100.0, 1000.0]).reshape(4, 1, 1, 1)

    y = conv(x, weight, groups=2)

    np.testing.assert_array_equal(np.ravel(y), [1.0, 10.0, 200.0, 2000.0])


@pytest.mark.parametrize("multiplier", [1, 2])
def test_conv_depthwise_with_a_bias_runs_compiled(multiplier):
    """TensorFlow 2.21 aborts where it merges a padded depthwise convolution with a bias."""
    x = ramp(2, 4, 9, 11)
    weight = ramp(4 * multiplier, 1, 3, 3)
    bias = ramp(4 * multiplier)
    compiled = tf.function(lambda x: conv(x, weight, bias, (2, 2), "custom", (0, 1, 1, 2), None, 4))

    np.testing.assert_array_equal(
        compiled(x), conv(x, weight, bias, (2, 2), "custom", (0, 1, 1, 2), None, 4)
    )


@pytest.mark.parametrize(
    ("channels", "groups", "filters", "strides", "dilations"),
    [
        (6, 1, 5, (2, 1), (1, 1)),
        (6, 1, 5, (1, 1), (2, 3)),
        (6, 1, 5, (2, 3), (2, 1)),
        (6, 3, 9, (2, 1), (1, 1)),
        (6, 3, 9, (1, 1), (1, 2)),
        (6, 6, 12, (2, 2), (1, 1)),
        (6, 6, 6, (1, 1), (2, 1)),
        (6, 6, 12, (2, 1), (1, 1)),  # strides that TensorFlow's depthwise kernel refuses
        (6, 6, 12, (2, 2), (1, 2)),  # stride with dilation, which it refuses too
    ],
)
def test_conv_follows_the_definition(channels, groups, filters, strides, dilations):
    rng = np.random.default_rng(0)
    x = rng.integers(-4, 5, (2, channels, 9, 11)).astype(np.float32)
    weight = rng.integers(-4, 5, (filters, channels // groups, 3, 2)).astype(np.float32)

    y = conv(x, weight, None, strides, "custom", (1, 2, 0, 3), dilations, groups)

    expected = reference(x, weight, strides, ((1, 2), (0, 3)), dilations, groups)
    np.testing.assert_array_equal(y, expected)  # whole numbers: no rounding


@pytest.mark.parametrize("groups", [1, 3, 6])
def test_conv_refuses_weights_of_other_channels(groups):
    x, weight = ramp(1, 6, 4, 5), ramp(12, 3, 2, 1)  # fits in two groups

    with pytest.raises(ValueError, match=rf"6 channels.*\(12, 3, 2, 1\) in {groups} groups take"):
        conv(x, weight, groups=groups)


def test_conv_1d_slides_along_the_only_axis():
    x = ramp(1, 2, 4)  # 1 2 3 4 | 5 6 7 8
    weight = np.array([[[1.0, 0.0, 1.0], [0.0, 10.0, 0.0]]])

    y = conv(x, weight, bias=np.array([0.5], np.float32), pad_type="custom", pad=(1, 0))

    # x0[i - 1] + x0[i + 1] + 10 x1[i] + 0.5
    np.testing.assert_array_equal(y, [[[52.5, 64.5, 76.5]]])


def test_conv_takes_a_computed_weight():
    import tensorflow as tf

    y = conv(ramp(1, 2, 1, 3), tf.constant(ramp(1, 2, 1, 2)))

    # 1*1 + 2*2 + 3*4 + 4*5, then one further
    np.testing.assert_array_equal(y, [[[[37.0, 47.0]]]])


@pytest.mark.parametrize(
    ("groups", "strides", "dilations"),
    [(1, (2, 1, 3), (1, 1, 1)), (1, (1, 1, 1), (2, 1, 3)), (2, (1, 2, 1), (1, 2, 1))],
)
def test_conv_3d_follows_the_definition(groups, strides, dilations):
    rng = np.random.default_rng(0)
    x = rng.integers(-4, 5, (2, 4, 5, 6, 7)).astype(np.float32)
    weight = rng.integers(-4, 5, (6, 4 // groups, 2, 3, 1)).astype(np.float32)

    y = conv(x, weight, ramp(6), strides, "custom", (1, 0, 0, 2, 3, 1), dilations, groups)

    padded = np.pad(x, [(0, 0), (0, 0), (1, 0), (0, 2), (3, 1)])
    expected = np.zeros(y.shape, np.float32) + ramp(6).reshape(6, 1, 1, 1)
    for n, o, *place in np.ndindex(expected.shape):
        for c, *at in np.ndindex(weight.shape[1:]):
            where = [
                p * s + k * d for p, s, k, d in zip(place, strides, at, dilations, strict=True)
            ]
            channel = o // (6 // groups) * (4 // groups) + c
            expected[(n, o, *place)] += padded[(n, channel, *where)] * weight[(o, c, *at)]
    sizes = [
        (size - (k - 1) * d - 1) // s + 1
        for size, k, d, s in zip((6, 8, 11), (2, 3, 1), dilations, strides, strict=True)
    ]
    assert y.shape == (2, 6, *sizes)
    np.testing.assert_array_equal(y, expected)  # whole numbers: no rounding


def test_conv_3d_with_dilations_that_differ_runs_compiled():
    """TensorFlow 2.21 takes one axis's dilation for another's where it infers shapes."""
    x, weight = ramp(2, 1, 3, 9, 2), ramp(1, 1, 3, 3, 1)
    compiled = tf.function(lambda x: conv(x, weight, dilations=(1, 3, 1)))

    y = compiled(x)

    assert y.shape == (2, 1, 1, 3, 2)
    np.testing.assert_array_equal(y, conv(x, weight, dilations=(1, 3, 1)))


def test_conv_3d_same_pads_the_odd_element_after():
    y = conv(ramp(1, 1, 4, 1, 1), np.float32([1, 10]).reshape(1, 1, 2, 1, 1), pad_type="same")

    np.testing.assert_array_equal(np.ravel(y), [21, 32, 43, 4])


def test_conv_4d_is_refused():
    with pytest.raises(UnsupportedOpError, match="4 spatial axes; 1, 2 and 3 are known"):
        conv(ramp(1, 1, 2, 3, 4, 1), ramp(1, 1, 1, 1, 1, 1))
