"""What is drawn anew in each call is not frozen into a file; what draws in training vanishes."""

import importlib.util
import itertools
import os
import random
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

from mobilezoo._training_only import TRAINING_ONLY
from mobilezoo.errors import UnsupportedLayersError
from mobilezoo.graph import capture, register_emitter

graph_capture = importlib.import_module("mobilezoo.graph.capture")  # the name is the function's
SHAPE = (9, 7, 3)


class Sampling(layers.Layer):
    """Draws from a normal distribution, as variational autoencoders do."""

    def __init__(self, **options):
        super().__init__(**options)
        self.seed_generator = keras.random.SeedGenerator(1337)

    def call(self, x):
        return x + keras.random.normal(ops.shape(x), seed=self.seed_generator)


class Adds(layers.Layer):
    """x plus what a function makes of x."""

    def __init__(self, noise, **options):
        super().__init__(**options)
        self.noise = noise

    def call(self, x):
        return x + self.noise(x)


def test_a_layer_that_samples_is_listed_with_the_other_problems(functional):
    model = functional(
        Sampling(name="sampling"), Adds(ops.sort, name="sorting"), Sampling(name="again")
    )

    with pytest.raises(UnsupportedLayersError) as caught:
        capture(model)

    message = str(caught.value)
    assert message.startswith("3 layer(s) of 'net'")
    assert "Sampling (sampling, again): it draws random numbers at inference" in message
    assert "Draw in training only" in message
    assert "Adds (sorting): keras.ops Sort" in message


def test_listing_it_leaves_the_models_seed_as_it_was(functional):
    layer = Sampling()
    model = functional(layer)
    before = ops.convert_to_numpy(layer.seed_generator.state.value)

    with pytest.raises(UnsupportedLayersError):
        capture(model)

    np.testing.assert_array_equal(layer.seed_generator.state.value, before)


_numpy = np.random.default_rng(0)
_coin = itertools.cycle([True, False])


@pytest.mark.parametrize(
    "noise",
    [
        lambda x: keras.random.normal(x.shape[1:]),
        lambda x: keras.random.uniform((ops.shape(x)[0], 1, 1, 1)),
        lambda x: keras.random.dropout(x, 0.5),
        lambda x: keras.random.shuffle(x),
        lambda x: tf.random.normal(x.shape[1:]),
        lambda x: tf.random.normal((ops.shape(x)[0], 1, 1, 3)),
        lambda x: np.random.normal(size=x.shape[1:]),  # noqa: NPY002 - what users write
        lambda x: _numpy.normal(),
        lambda x: random.random(),
        lambda x: x if next(_coin) else 2.0 * x,
        lambda x: ops.matmul(x, _numpy.normal(size=(3, 3)).astype("float32")),
    ],
)
def test_numbers_are_noticed_whoever_draws_them(functional, noise):
    with pytest.raises(UnsupportedLayersError, match=r"Adds \(noisy\): it draws random numbers"):
        capture(functional(Adds(noise, name="noisy")))


def test_a_function_of_a_lambda_layer_is_no_exception(functional):
    noisy = layers.Lambda(lambda x: x * random.random(), name="noisy")

    with pytest.raises(UnsupportedLayersError, match=r"Lambda \(noisy\): it draws random numbers"):
        capture(functional(noisy))


def test_numbers_from_a_fixed_seed_are_constants(functional):
    graph = capture(functional(Adds(lambda x: keras.random.normal(x.shape[1:], seed=7))))

    constant = graph.nodes[0].weights["value"].read()
    np.testing.assert_array_equal(constant, keras.random.normal(SHAPE, seed=7))


def test_a_network_whose_constants_are_attributes_runs_once(functional, monkeypatch):
    runs = []
    once = graph_capture._record
    monkeypatch.setattr(graph_capture, "_record", lambda *given: runs.append(1) or once(*given))

    capture(functional(layers.Rescaling(1 / 255, -0.5), layers.Normalization(mean=1, variance=4)))
    assert len(runs) == 1

    capture(functional(Adds(lambda x: 2.0 * x)))
    assert len(runs) == 3


def test_numbers_of_its_own_for_each_example_are_refused(functional):
    noisy = Adds(lambda x: keras.random.normal((ops.shape(x)[0], 1, 1, 3), seed=7), name="noisy")

    with pytest.raises(UnsupportedLayersError, match=r"\(noisy\): it makes values of its own for"):
        capture(functional(noisy))


def test_a_layer_that_samples_in_training_only_is_captured(functional):
    class InTraining(Sampling):
        def call(self, x, training=False):
            return super().call(x) if training else x * 2.0

    assert [node.kind for node in capture(functional(InTraining())).nodes] == [
        "constant", "multiply",
    ]  # fmt: skip


def test_a_layer_that_samples_is_captured_by_an_emitter_that_does_not(functional):
    class Mean(Sampling):
        pass

    register_emitter(Mean)(lambda layer, x: ops.relu(x))

    assert [node.kind for node in capture(functional(Mean())).nodes] == ["relu"]


def made(layer_class):
    """A layer of that class, whatever it must be told."""
    for arguments in ((), (0.2,), (4, 4), (0.2, 0.2), (5,)):
        try:
            return layer_class(*arguments)
        except (TypeError, ValueError):
            continue
    raise AssertionError(f"how is a {layer_class.__name__} made?")


@pytest.mark.parametrize("layer_class", sorted(TRAINING_ONLY, key=lambda item: item.__name__))
def test_layers_that_act_in_training_only_vanish(functional, layer_class):
    layer, rank = made(layer_class), {"1D": 3, "3D": 5}.get(layer_class.__name__[-2:], 4)
    shape = (9, 7, 6, 3)[-rank + 1 :]
    x = np.random.default_rng(0).uniform(0, 1, (2, *shape)).astype("float32")

    graph = capture(functional(layer, layers.ReLU(), shape=shape))

    assert [(node.kind, node.inputs) for node in graph.nodes] == [("relu", ("x",))]
    np.testing.assert_array_equal(functional(layer, shape=shape).predict(x, verbose=0), x)


def test_a_sequence_or_a_pipeline_of_augmentation_vanishes(functional):
    steps = [layers.RandomFlip(), layers.RandomRotation(0.1), layers.RandomZoom(0.2)]

    graph = capture(
        functional(keras.Sequential(steps), layers.Pipeline(steps), layers.ReLU(name="relu"))
    )

    assert [(node.kind, node.inputs) for node in graph.nodes] == [("relu", ("x",))]


class Augmented(keras.Model):
    """Calls its one layer as in training."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def call(self, x):
        return self.layer(x, training=True)


class Block(layers.Layer):
    """Has dropout, and leaves it to Keras to tell it whether the block is called in training."""

    def __init__(self):
        super().__init__()
        self.dropout = layers.Dropout(0.5, name="acts")

    def call(self, x, training=None):
        return self.dropout(x)


@pytest.mark.parametrize(
    "layer",
    [
        layers.RandomFlip(name="acts"),
        Block(),
        keras.Sequential([keras.Input(SHAPE), layers.Dropout(0.5, name="acts")]),
    ],
)
def test_layers_called_as_in_training_do_not_vanish(layer):
    model = Augmented(layer)
    model(np.zeros((1, *SHAPE), "float32"))

    with pytest.raises(UnsupportedLayersError, match=r"acts\): it is called with training=True"):
        capture(model)


SCRIPT = """
import keras
from keras import layers
from mobilezoo.errors import UnsupportedLayersError
from mobilezoo.graph import capture

class Sampling(layers.Layer):
    def __init__(self, **options):
        super().__init__(**options)
        self.seed_generator = keras.random.SeedGenerator(1337)
    def call(self, x):
        return x + keras.random.normal(keras.ops.shape(x), seed=self.seed_generator)

inputs = keras.Input((9, 7, 3))
steps = [layers.RandomFlip(), layers.RandomRotation(0.1), layers.GaussianNoise(0.1)]
x = layers.ReLU()(layers.Dropout(0.5)(keras.Sequential(steps)(inputs)))
print([node.kind for node in capture(keras.Model(inputs, x)).nodes])
try:
    capture(keras.Model(inputs, Sampling(name="sampling")(x)))
except UnsupportedLayersError as error:
    print(keras.backend.backend(), error)
"""


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_it_is_the_same_on_another_backend(backend):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"needs {backend}")

    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={**os.environ, "KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.startswith("['relu']\n" + backend)
    assert "Sampling (sampling): it draws random numbers" in done.stdout
