"""ML programs that coremltools converts from TensorFlow and Keras, against TensorFlow."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from mobilezoo.runtime import load_coreml

from .conftest import ct, leave_folders_to_python

RNG = np.random.default_rng(4)
KERNEL = RNG.normal(size=(3, 3, 3, 8)).astype(np.float32)
TARGETS = [ct.target.iOS15, ct.target.iOS16, ct.target.iOS17, ct.target.iOS18]


def pictures(x):
    """Blocks, resizing, crops, the largest values, places."""
    y = tf.nn.depth_to_space(tf.nn.relu(tf.nn.conv2d(x, KERNEL, 2, "SAME")), 2)
    y = tf.raw_ops.ResizeBilinear(images=y, size=(9, 20), half_pixel_centers=True)
    near = tf.raw_ops.ResizeNearestNeighbor(images=y, size=(27, 40), half_pixel_centers=True)
    boxes = [[0.1, 0.2, 0.9, 0.8], [0.5, 0.0, 0.2, 1.0]]
    crops = tf.image.crop_and_resize(x, boxes, [0, 0], (4, 5))
    values, places = tf.math.top_k(tf.reshape(x, (1, -1)), 7)
    return near, crops, values, places, tf.gather_nd(x, [[0, 1, 2], [0, 3, 4]])


def places(x):
    """Scattering, one-hot vectors, bands, sums, parts of batches."""
    rows = x[0, :, :, 0]
    kinds = tf.cast(tf.abs(x[0, 0, :5, 1]) * 2, tf.int32)
    hot = tf.one_hot(kinds, 4, 2.0, -1.0)
    added = tf.tensor_scatter_nd_add(rows, [[3], [1], [3]], rows[:3] * 2)
    apart = tf.space_to_batch(x, [2, 2], [[1, 1], [0, 2]])
    norms = tf.linalg.band_part(tf.reduce_logsumexp(x, -1)[0], 2, 1)
    return hot, added, tf.argsort(rows, direction="DESCENDING"), apart, norms


def boxes(x):
    """Boxes that do not overlap: as many as there are."""
    corners = tf.sort(tf.reshape(x[0, :, :8], (-1, 2, 2, 3))[..., 0], 1)
    corners = tf.reshape(corners[:40], (-1, 4))
    scores = tf.sigmoid(tf.reduce_sum(corners * [1.0, -2.0, 3.0, 0.5], -1))
    chosen = tf.image.non_max_suppression(corners, scores, 9, 0.2, 0.5)
    return tf.gather(corners, chosen), chosen


def network():
    """Keras layers that become einsums, separable convolutions, normalizations."""
    keras.utils.set_random_seed(3)
    inputs = keras.Input((12, 16, 3), batch_size=1)
    y = keras.layers.SeparableConv2D(8, 3, 2, "same", activation="swish")(inputs)
    y = keras.layers.LayerNormalization()(keras.layers.UpSampling2D(2)(y))
    y = keras.layers.Reshape((-1, 8))(keras.layers.AveragePooling2D(4)(y))
    y = keras.layers.MultiHeadAttention(2, 4)(y, y)
    return keras.Model(inputs, keras.layers.Dense(5, activation="elu")(y[:, 1:]))


FUNCTIONS = {"pictures": pictures, "places": places, "boxes": boxes, "keras": None}


CASES = [
    (name, target) for name in FUNCTIONS for target in TARGETS
    # which coremltools 9 converts to iOS 15's form at every target
    if name != "boxes" or target < ct.target.iOS17
]  # fmt: skip


@pytest.mark.parametrize(("name", "target"), CASES)
def test_converted_functions_compute_what_tensorflow_computes(tmp_path, name, target):
    function = tf.function(
        FUNCTIONS[name] or network(), input_signature=[tf.TensorSpec((1, 12, 16, 3), name="x")]
    )
    with leave_folders_to_python():
        ct.convert(
            [function.get_concrete_function()], source="tensorflow", skip_model_load=True,
            minimum_deployment_target=target, compute_precision=ct.precision.FLOAT32,
        ).save(str(tmp_path / "tf.mlpackage"))  # fmt: skip
    program = load_coreml(tmp_path / "tf.mlpackage")
    x = RNG.normal(size=(1, 12, 16, 3)).astype(np.float32)

    made = list(program.predict({"x": x}).values())

    expected = tf.nest.flatten(function(x))
    for value, reference in zip(made, expected, strict=True):
        peak = np.abs(reference).max()
        assert np.ptp(reference) > 0.1 * peak > 0.0
        np.testing.assert_allclose(value, reference, atol=2e-5 * peak, rtol=0)
