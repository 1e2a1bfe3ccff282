import numpy as np
import pytest
import tensorflow as tf

from mobilezoo.errors import UnsupportedOpError
from mobilezoo.runtime.layers import dynamic as layers

X = np.arange(24.0, dtype=np.float32).reshape(2, 3, 4)


def floats(*values):
    return np.array(values, np.float32)


def test_a_shape_is_a_vector_of_floating_numbers():
    shape = layers.get_shape(X)

    assert shape.dtype == tf.float32
    np.testing.assert_array_equal(shape, [2, 3, 4])


def test_tensors_are_made_in_a_computed_shape():
    np.testing.assert_array_equal(layers.fill_dynamic(floats(1, 3), value=7.0), [[7, 7, 7]])
    np.testing.assert_array_equal(
        layers.broadcast_to_dynamic(floats(1, 2), floats(3, 2)), [[1, 2], [1, 2], [1, 2]]
    )
    np.testing.assert_array_equal(layers.reshape_dynamic(X, floats(4, -1)), X.reshape(4, 6))


@pytest.mark.parametrize(
    ("inputs", "parameters", "expected"),
    [
        ([floats(3)], {"step_size_value": 1.0}, [0, 1, 2]),
        ([floats(3)], {"start_value": 1.0, "step_size_value": 0.5}, [1, 1.5, 2, 2.5]),
        ([floats(3), np.float32(2.5)], {"start_value": 9.0, "step_size_value": 0.25}, [2.5, 2.75]),
        ([floats(3), floats(5), floats(-1)], {"step_size_value": 9.0}, [5, 4]),
    ],
)
def test_ranges_are_computed_from_end_start_and_step(inputs, parameters, expected):
    np.testing.assert_array_equal(layers.range_dynamic(*inputs, **parameters), expected)


def test_a_range_needs_a_step():
    with pytest.raises(ValueError, match="steps of 0"):
        layers.range_dynamic(floats(3))


def test_a_slice_has_a_size():
    y = layers.slice_by_size(X, floats(1), axis=-1, size=2)

    np.testing.assert_array_equal(y, X[:, :, 1:3])
    np.testing.assert_array_equal(layers.slice_by_size(X, np.float32(2), axis=1, size=1), X[:, 2:])
    with pytest.raises(ValueError, match="0 elements"):
        layers.slice_by_size(X, floats(1))
    with pytest.raises(tf.errors.InvalidArgumentError):
        layers.slice_by_size(X, floats(3), axis=2, size=2)


FIVE = {"end_ids": (2, 3, -1, 1, 1), "strides": (1, 2, 1, 1, 1)}  # as coremltools fills them up


@pytest.mark.parametrize(
    ("inputs", "parameters", "expected"),
    [
        ([(0, 0, 1)], FIVE, X[0:2, 0:3:2, 1:-1]),
        ([(1, 0, 1)], {**FIVE, "end_masks": (0, 0, 1, 0, 0)}, X[1:2, 0:3:2, 1:]),
        ([(1, 1, 1)], {**FIVE, "begin_masks": (1, 0, 0, 0, 0)}, X[0:2, 1:3:2, 1:-1]),
        ([(1, 0, 1)], {**FIVE, "squeeze_masks": (1, 0, 0, 0, 0)}, X[1, 0:3:2, 1:-1]),
        ([(0, 0, 1), (1, 2, 3)], FIVE, X[0:1, 0:2:2, 1:3]),
        ([(0, 2, 3), (1, 0, 0), (1, -1, -2)], FIVE, X[0:1, 2:0:-1, 3:0:-2]),
        ([(1, 1, 1), (2, 2, 2), (1, 1, 1), (0, 1, 0)], FIVE, X[1:2, 0:2, 1:2]),
        ([(1, 1, 1), (2, 2, 2), (1, 1, 1), (0, 1, 0), (0, 0, 1)], FIVE, X[1:2, 0:2, 1:]),
        (
            [(1, 1, 1), (2, 2, 2), (1, 1, 1), (0, 1, 0), (0, 0, 1), (0, 1, 0)], FIVE,
            X[1:2, 1, 1:],
        ),
    ],
)  # fmt: skip
def test_slices_are_computed_from_inputs_and_parameters(inputs, parameters, expected):
    y = layers.slice_dynamic(X, *(floats(*numbers) for numbers in inputs), **parameters)

    np.testing.assert_array_equal(y, expected)


def test_strides_and_masks_do_not_depend_on_the_values_of_inputs():
    @tf.function(autograph=False)
    def sliced(stride):
        return layers.slice_dynamic(X, floats(0, 0, 0), floats(2, 3, 4), stride)

    with pytest.raises(UnsupportedOpError, match="sliceDynamic with strides that depend"):
        sliced(tf.constant([1.0, 1.0, 2.0]))
    with pytest.raises(ValueError, match="2 strides for 3 axes"):
        layers.slice_dynamic(X, floats(0, 0, 0), end_ids=(2, 3, 4), strides=(1, 1))
