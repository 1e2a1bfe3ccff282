"""Every op that works on (n, h, w, c) inside gives what it gives on (n, c, h, w)."""

import numpy as np
import pytest
import tensorflow as tf

from mobilezoo.runtime import load_coreml
from mobilezoo.runtime.layout import channels_first, channels_last
from mobilezoo.runtime.ops import OPS

from .conftest import build, mb

WEIGHT = np.float32([[1.0, 2.0], [-3.0, 1.0]]).reshape(2, 2, 1, 1)
RNG = np.random.default_rng(0)
X = RNG.uniform(-2.0, 2.0, (2, 6, 4, 5)).astype(np.float32)
PER_CHANNEL = np.arange(1.0, 7.0, dtype=np.float32)

CALLS = [
    ("relu", {}),
    ("clip", {"alpha": -1.0, "beta": 0.5}),
    ("cast", {"dtype": "int32"}),
    ("prelu", {"alpha": PER_CHANNEL}),
    ("add", {"y": 1.5}),
    ("mul", {"y": PER_CHANNEL.reshape(6, 1, 1)}),
    ("sub", {"y": PER_CHANNEL[:5]}),  # along the width
    ("maximum", {"y": RNG.uniform(-2.0, 2.0, X.shape).astype(np.float32)}),
    ("batch_norm", {"mean": PER_CHANNEL, "variance": PER_CHANNEL, "gamma": -PER_CHANNEL}),
    ("local_response_norm", {"size": 3}),
    ("softmax", {"axis": 1}),
    ("softmax", {"axis": -1}),
    ("reduce_mean", {"axes": (2, 3), "keep_dims": True}),
    ("reduce_mean", {"axes": (-1, 2), "keep_dims": False}),
    ("reduce_max", {"axes": (1,), "keep_dims": False}),
    ("reduce_sum", {}),
    ("split", {"axis": 1, "split_sizes": (1, 3, 2)}),
    ("split", {"axis": 3, "split_sizes": (1, 4)}),
    ("pad", {"pad": np.array([1, 0, 2, 3]), "constant_val": 7.0}),
    ("pad", {"pad": np.array([1, 2, 0, 1, 3, 0]), "mode": "replicate"}),
    ("slice_by_index", {
        "begin": np.array([0, 1, 0, 2]), "end": np.array([2, 5, 3, 5]), "stride": (1, 2, 1, 1),
    }),
    ("slice_by_index", {
        "begin": np.array([0, 1, 0, 2]), "end": np.array([2, 5, 3, 5]),
        "squeeze_mask": (False, True, False, False),
    }),
    ("transpose", {"perm": (0, 2, 3, 1)}),
    ("transpose", {"perm": (0, 3, 2, 1)}),
    ("reshape", {"shape": np.array([2, 120])}),
    ("conv", {"weight": RNG.uniform(-1.0, 1.0, (7, 6, 3, 2)).astype(np.float32)}),
    ("max_pool", {"kernel_sizes": (2, 3), "pad_type": "same", "strides": (2, 1)}),
    ("avg_pool", {"kernel_sizes": (3, 2), "pad_type": "custom", "pad": (1, 0, 0, 1)}),
    ("upsample_nearest_neighbor", {"scale_factor_height": 2, "scale_factor_width": 3}),
]  # fmt: skip


def test_a_number_added_after_a_bias_survives_tensorflows_optimiser(save_package):
    def body(x):
        mean = mb.reduce_mean(x=x, axes=[2, 3], keep_dims=True)
        y = mb.conv(x=mean, weight=WEIGHT, bias=np.float32([0.5, -0.5]))
        return mb.relu6(x=mb.add(x=y, y=np.full((1, 1, 1, 1), 3.0, np.float32)))

    program = load_coreml(save_package(build((1, 2, 3, 4), body)))
    x = np.arange(24.0, dtype=np.float32).reshape(1, 2, 3, 4) / 24

    (y,) = program.predict({"x": x}).values()

    # means a = 5.5 / 24 and b = 17.5 / 24; a + 2 b + 0.5 + 3, -3 a + b - 0.5 + 3
    np.testing.assert_allclose(y.ravel(), [124.5 / 24, 61.0 / 24], rtol=1e-6)


@pytest.mark.parametrize(("name", "parameters"), CALLS)
def test_op_gives_the_same_in_both_layouts(name, parameters):
    @tf.function(autograph=False)
    def through_twin(stored):
        return OPS[name](channels_first(stored), **parameters)

    plain = OPS[name](X, **parameters)
    stored_last = through_twin(tf.constant(X.transpose(0, 2, 3, 1)))

    tf.nest.map_structure(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), stored_last, plain
    )


@pytest.mark.parametrize("axis", [1, -1])
def test_concat_gives_the_same_in_both_layouts(axis):
    @tf.function(autograph=False)
    def joined(stored, plain):
        return OPS["concat"]((channels_first(stored), plain), axis=axis)

    y = joined(tf.constant(X.transpose(0, 2, 3, 1)), tf.constant(X))

    np.testing.assert_array_equal(y, np.concatenate([X, X], axis))


def test_a_broadcast_tensor_of_lower_rank_follows_the_layout():
    @tf.function(autograph=False)
    def added(stored, gate):
        return OPS["add"](gate, channels_first(stored))

    gate = tf.constant(PER_CHANNEL.reshape(6, 1, 1))

    y = added(tf.constant(X.transpose(0, 2, 3, 1)), gate)

    np.testing.assert_array_equal(y, X + PER_CHANNEL.reshape(6, 1, 1))


def test_transposes_between_ops_meet_and_vanish():
    weight = RNG.uniform(-1.0, 1.0, (6, 6, 1, 1)).astype(np.float32)

    @tf.function(input_signature=[tf.TensorSpec((None, 4, 5, 6))], autograph=False)
    def network(stored):
        x = channels_first(stored)
        y = OPS["relu6"](OPS["conv"](x, weight, PER_CHANNEL))
        y = OPS["add"](OPS["avg_pool"](y, kernel_sizes=(2, 2), pad_type="same"), x)
        return channels_last(OPS["concat"]((x, OPS["mul"](y, 2.0)), axis=1))

    graph = network.get_concrete_function().graph
    reached = [graph.outputs[0].op]
    for operation in reached:
        reached += [source.op for source in operation.inputs if source.op not in reached]

    assert "Transpose" not in {operation.type for operation in reached}
    assert "Conv2D" in {operation.type for operation in reached}
