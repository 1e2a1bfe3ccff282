"""What cannot be captured is named, all of it at once."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from mobilezoo.errors import InvalidArgumentError, UnsupportedLayersError
from mobilezoo.graph import capture


def test_a_wrong_input_shape_is_refused(small_mobilenet):
    with pytest.raises(InvalidArgumentError, match=r"\(96, 64, 3\) does not fit"):
        capture(small_mobilenet, input_shape=(96, 64, 3))


def test_all_unsupported_layers_are_listed_at_once(functional):
    class UsesTensorFlow(layers.Layer):
        def call(self, x):
            import tensorflow as tf

            return tf.nn.relu(x)

    class Sorts(layers.Layer):
        def call(self, x):
            return keras.ops.sort(x)

    model = functional(UsesTensorFlow(name="raw"), Sorts(name="sort"), UsesTensorFlow(name="raw2"))

    with pytest.raises(UnsupportedLayersError) as caught:
        capture(model)

    message = str(caught.value)
    assert "UsesTensorFlow (raw, raw2): its call does not run" in message
    assert "write it in keras.ops" in message
    assert "Sorts (sort): keras.ops Sort" in message
    assert message.startswith("3 layer(s) of 'net'")


def test_a_layer_called_with_training_true_is_refused():
    class MonteCarlo(keras.Model):
        def __init__(self):
            super().__init__()
            self.mc_dropout = layers.Dropout(0.5, name="mc_dropout")

        def call(self, x):
            return self.mc_dropout(x, training=True)

    model = MonteCarlo()
    model(np.zeros((1, 4), "float32"))

    with pytest.raises(UnsupportedLayersError, match=r"mc_dropout.*training=True"):
        capture(model)


def test_an_unsupported_operation_outside_any_layer_is_named():
    inputs = keras.Input((4, 5, 3))
    model = keras.Model(inputs, ops.sort(inputs, axis=1), name="sorter")

    with pytest.raises(UnsupportedLayersError, match=r"\(sorter\): keras\.ops Sort: it cannot"):
        capture(model)


def test_a_model_whose_own_call_uses_tensorflow_is_named():
    class Raw(keras.Model):
        def call(self, x):
            import tensorflow as tf

            return tf.nn.relu(x)

    model = Raw(name="raw")
    model(np.zeros((1, 4), "float32"))

    with pytest.raises(UnsupportedLayersError, match=r"Raw \(raw\): .*write it in keras\.ops"):
        capture(model)


@pytest.mark.parametrize(
    "mixing",
    [
        lambda x: ops.mean(x, axis=0),
        lambda x: ops.softmax(x, axis=0),
        lambda x: ops.concatenate([x, x], axis=0),
        lambda x: ops.expand_dims(x, 0),
        lambda x: ops.transpose(x, (1, 0, 2, 3)),
        lambda x: ops.reshape(x, (-1,)),
    ],
)
def test_what_mixes_examples_is_refused(mixing):
    inputs = keras.Input((4, 5, 3))

    with pytest.raises(UnsupportedLayersError, match="moves or mixes the batch axis"):
        capture(keras.Model(inputs, mixing(inputs)))


def test_something_else_than_a_model_is_refused():
    with pytest.raises(InvalidArgumentError, match=r"Expected a keras\.Model"):
        capture("mobilenet")


def test_a_model_without_weights_is_refused():
    with pytest.raises(InvalidArgumentError, match="has no weights yet"):
        capture(keras.Sequential([layers.Dense(3)]))


def test_a_layer_that_mixes_them_is_refused_all_the_same(functional):
    class Mixing(layers.Layer):
        def call(self, x):
            whole = keras.ops.reshape(x, (keras.ops.shape(x)[0] * 9, 7, 3))
            return keras.ops.reshape(whole[:, :3], (-1, 9, 9))

    with pytest.raises(UnsupportedLayersError, match="Mixing"):
        capture(functional(Mixing(name="mixing"), shape=(9, 7, 3)))


def test_a_layer_of_keras_says_what_to_do(functional):
    model = functional(layers.LSTM(3, name="memory"), shape=(5, 4))

    with pytest.raises(
        UnsupportedLayersError, match=r"LSTM \(memory\): it cannot be exported.*emitter\(LSTM\)"
    ):
        capture(model)


def test_an_operation_without_a_rule_is_named_whatever_it_computes_in():
    inputs = keras.Input((5,))
    values, _ = ops.top_k(inputs, 2)

    with pytest.raises(UnsupportedLayersError, match=r"keras\.ops TopK: it cannot be exported"):
        capture(keras.Model(inputs, values))


def test_the_cause_of_an_error_in_a_layer_is_kept(functional):
    class Broken(layers.Layer):
        def call(self, x):
            raise LookupError("no such table")

        def compute_output_shape(self, shape):
            return shape

    with pytest.raises(UnsupportedLayersError, match="LookupError: no such table") as caught:
        capture(functional(Broken()))

    assert isinstance(caught.value.__cause__, LookupError)


def _two(read):
    """A subclassed model with that `call`."""

    class Two(keras.Model):
        def __init__(self):
            super().__init__(name="two")
            self.dense = layers.Dense(3)

    Two.call = read
    return Two()


@pytest.mark.parametrize(
    ("read", "pack"),
    [
        (lambda self, a, b: self.dense(a + b), lambda a, b: (a, b)),
        (lambda self, x: self.dense(x["a"] + x["b"]), lambda a, b: ({"a": a, "b": b},)),
        (lambda self, x: self.dense(x[0] + x[1]), lambda a, b: ([a, b],)),
    ],
)
@pytest.mark.parametrize("input_shape", [None, (4,)])
def test_a_subclassed_model_of_several_inputs_is_told_to_be_wrapped(read, pack, input_shape):
    model = _two(read)
    model(*pack(np.zeros((1, 4), "float32"), np.zeros((1, 4), "float32")))

    with pytest.raises(InvalidArgumentError, match=r"takes several inputs.* Functional model"):
        capture(model, input_shape)

    inputs = [keras.Input((4,), name="a"), keras.Input((4,), name="b")]
    wrapped = keras.Model(inputs, model(*pack(*inputs)))
    assert [node.kind for node in capture(wrapped).nodes] == ["add", "dense"]
