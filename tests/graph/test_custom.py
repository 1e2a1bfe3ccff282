"""Emitters that users register for their own layers."""

import keras
import numpy as np
import pytest
from keras import layers

from mobilezoo import benchmark, export_coreml, randomize_weights, register_emitter, verify
from mobilezoo.errors import InvalidArgumentError, UnsupportedLayersError
from mobilezoo.graph import capture
from mobilezoo.graph.rules.table import LAYERS


class Shift(layers.Layer):
    """Rolls rows, in a way that symbolic tensors do not take."""

    def __init__(self, pixels=2, **options):
        super().__init__(**options)
        self.pixels = pixels

    def compute_output_spec(self, x):
        return keras.KerasTensor(x.shape, x.dtype)

    def call(self, x):
        import tensorflow as tf

        return tf.roll(x, self.pixels, 1) if keras.backend.backend() == "tensorflow" else x


@pytest.fixture
def model():
    inputs = keras.Input((9, 7, 3))
    x = layers.Conv2D(4, 2)(inputs)
    return randomize_weights(keras.Model(inputs, layers.Conv2D(3, 2)(Shift(name="shift")(x))))


@pytest.fixture(autouse=True)
def _forget():
    yield
    LAYERS.pop(Shift, None)


def test_without_an_emitter_the_layer_is_listed(model):
    with pytest.raises(UnsupportedLayersError, match=r"Shift \(shift\)"):
        capture(model)


def test_a_registered_emitter_is_what_is_written_verified_and_counted(model, tmp_path):
    @register_emitter(Shift)
    def shift(layer, x):
        return keras.ops.roll(x, layer.pixels, axis=1)

    export_coreml(model, tmp_path / "m.mlpackage", precision="float32", inputs="array")

    agreement = verify(model, tmp_path / "m.mlpackage")
    assert agreement.largest_difference < 2e-6
    assert "shift" in agreement.layers
    assert benchmark.count(model).mult_adds > 0


def test_an_emitter_that_computes_something_else_is_caught_by_verify(model, tmp_path):
    @register_emitter(Shift)
    def shift(layer, x):
        return keras.ops.roll(x, -layer.pixels, axis=1)

    export_coreml(model, tmp_path / "m.mlpackage", precision="float32", inputs="array")

    with pytest.raises(AssertionError, match="first at layer 'shift'"):
        verify(model, tmp_path / "m.mlpackage")


def test_an_emitter_of_another_shape_is_refused(model):
    register_emitter(Shift)(lambda layer, x: x[:, 1:])

    with pytest.raises(UnsupportedLayersError, match=r"makes \(None, 7, 6, 4\), the layer itself"):
        capture(model)


def test_registering_again_replaces_the_function(model):
    register_emitter(Shift)(lambda layer, x: x[:, 1:])
    register_emitter(Shift)(lambda layer, x: x)

    assert "roll" not in {node.kind for node in capture(model).nodes}


@pytest.mark.parametrize("wrong", [Shift(), "Shift", np.ndarray])
def test_what_is_no_class_of_layers_is_refused(wrong):
    with pytest.raises(InvalidArgumentError, match="takes a class of layers"):
        register_emitter(wrong)


def test_layers_that_are_exported_anyway_are_refused():
    with pytest.raises(InvalidArgumentError, match="Conv2D is exported by mobilezoo itself"):
        register_emitter(layers.Conv2D)


def test_a_model_may_flatten_by_the_number_of_examples_that_it_asks_for():
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.conv, self.fc = keras.layers.Conv2D(4, 3), keras.layers.Dense(5)

        def call(self, x):
            x = self.conv(x)
            return self.fc(keras.ops.reshape(x, (keras.ops.shape(x)[0], -1)))

    model = Own()
    model(np.zeros((2, 9, 7, 3), np.float32))

    graph = capture(model)

    assert [node.output.shape for node in graph.nodes] == [
        (None, 7, 5, 4), (None, 140), (None, 5)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("layer_class", "why"),
    [
        (keras.layers.Layer, "Layer is what other classes are made of"),
        (keras.Model, "Model is what other classes are made of"),
        (layers.Dropout, "Dropout is exported by mobilezoo itself"),
        (layers.RandomFlip, "RandomFlip is exported by mobilezoo itself"),
    ],
)
def test_a_function_that_would_never_be_called_is_refused(layer_class, why):
    with pytest.raises(InvalidArgumentError, match=why):
        register_emitter(layer_class)


def test_what_is_no_function_is_refused():
    with pytest.raises(InvalidArgumentError, match="stands above a function, got 5"):
        register_emitter(Shift)(5)


def test_an_error_in_an_emitter_names_the_layer_and_keeps_its_cause(model):
    @register_emitter(Shift)
    def lookup(layer, x):
        return {}["size"]

    with pytest.raises(
        UnsupportedLayersError, match=r"Shift \(shift\): .*, lookup, failed \(KeyError: 'size'\)"
    ) as caught:
        capture(model)

    assert isinstance(caught.value.__cause__, KeyError)
