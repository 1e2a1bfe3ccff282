import numpy as np
import pytest

from mobilezoo.errors import UnsupportedOpError
from mobilezoo.runtime.layers.volumes import convolution3d, global_pooling3d, pooling3d

VOLUME = np.arange(1.0, 19.0, dtype=np.float32).reshape(1, 1, 2, 3, 3)


def test_convolution_adds_a_bias_per_filter_and_works_in_groups():
    x = np.arange(8.0, dtype=np.float32).reshape(1, 2, 2, 1, 2)
    weights = np.float32([1, 10, 100]).reshape(3, 1, 1, 1, 1) * np.ones((1, 2, 2, 1, 1), np.float32)

    y = convolution3d(
        x, weights=weights, bias=np.float32([0.5, 0, 0]), stride=(1, 1, 2), pad=(0, 0, 0, 0, 2, 0)
    )
    apart = convolution3d(x, weights=weights[:2, :1], n_groups=2)

    # columns -2 and 0: 0 + 2 + 4 + 6 = 12
    np.testing.assert_array_equal(y[0, :, 0, 0], [[0.5, 12.5], [0, 120], [0, 1200]])
    np.testing.assert_array_equal(apart[0, :, 0, 0], [[2, 4], [100, 120]])


def test_convolution_keeps_or_spreads_sizes():
    x = np.float32([1, 2, 3]).reshape(1, 1, 3, 1, 1)
    weights = np.float32([1, 10]).reshape(1, 1, 2, 1, 1)

    same = convolution3d(x, weights=weights, pad_type="same", pad=(9,) * 6, stride=(2, 1, 1))
    dilated = convolution3d(x, weights=weights, dilation=(2, 1, 1))

    np.testing.assert_array_equal(np.ravel(same), [21, 3])  # the odd element after
    np.testing.assert_array_equal(np.ravel(dilated), [31])


def test_deconvolution_adds_up_shifted_kernels():
    x = np.float32([1, 10]).reshape(1, 1, 2, 1, 1)
    weights = np.float32([1, 2, 3]).reshape(1, 1, 3, 1, 1)
    options = {"weights": weights, "stride": (2, 1, 1), "is_deconvolution": True}

    y = convolution3d(x, **options, pad=(1, 0, 0, 0, 0, 0), bias=np.float32([0.5]))
    wanted = convolution3d(x, **options, pad=(1, 0, 0, 0, 0, 0), output_shape=(3, 1, 1))

    # 1 2 3
    #     10 20 30
    np.testing.assert_array_equal(np.ravel(y), [2.5, 13.5, 20.5, 30.5])
    np.testing.assert_array_equal(np.ravel(wanted), [2, 13, 20])


def test_pooling_takes_the_largest_or_the_mean():
    largest = pooling3d(VOLUME, kernel_size=(2, 2, 2), pad_type="valid")
    mean = pooling3d(
        VOLUME, type="AVERAGE", kernel_size=(2, 3, 3), stride=(2, 3, 3), pad=(1, 1, 0, 0, 0, 0)
    )
    inside = pooling3d(
        VOLUME, type="AVERAGE", kernel_size=(2, 3, 3), stride=(2, 3, 3), pad=(1, 1, 0, 0, 0, 0),
        count_exclude_padding=True,
    )  # fmt: skip

    np.testing.assert_array_equal(largest, [[[[[14, 15], [17, 18]]]]])  # as Apple's text says
    np.testing.assert_allclose(np.ravel(mean), [2.5, 7.0])
    np.testing.assert_allclose(np.ravel(inside), [5.0, 14.0])


def test_global_pooling_leaves_one_number_per_channel():
    two = np.concatenate([VOLUME, -VOLUME], 1)

    np.testing.assert_array_equal(global_pooling3d(two), [[[[[18]]], [[[-1]]]]])
    np.testing.assert_allclose(global_pooling3d(two, type="AVERAGE"), [[[[[9.5]]], [[[-9.5]]]]])


def test_volumes_and_known_types_are_required():
    with pytest.raises(ValueError, match=r"\(n, channels, d, h, w\) is required"):
        global_pooling3d(VOLUME[0])
    with pytest.raises(UnsupportedOpError, match="pooling of type number 2"):
        pooling3d(VOLUME, type="number 2", kernel_size=(1, 1, 1))
