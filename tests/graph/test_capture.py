"""Models of every form become flat graphs."""

import keras
import numpy as np
from keras import layers, ops

from mobilezoo import mobilenet
from mobilezoo._layers import LocalResponseNormalization
from mobilezoo.graph import capture
from mobilezoo.graph.abstract import without_weights


def kinds(graph):
    return [node.kind for node in graph.nodes]


def names(graph):
    return [node.name for node in graph.nodes]


def test_a_functional_model_becomes_its_layers_in_order(functional):
    model = functional(
        layers.Conv2D(4, 3, name="conv"), layers.ReLU(name="relu"), layers.Flatten(name="flat")
    )

    graph = capture(model)

    assert kinds(graph) == ["conv", "relu", "reshape"]
    assert names(graph) == ["conv", "relu", "flat"]
    assert graph.outputs == ("flat",)
    assert graph.spec("conv").shape == (None, 7, 5, 4)


def test_a_fused_activation_becomes_a_node_and_the_layer_keeps_its_name(functional):
    graph = capture(functional(layers.Conv2D(4, 3, activation="relu", name="conv")))

    assert kinds(graph) == ["conv", "relu"]
    assert names(graph) == ["conv/conv", "conv"]
    assert graph.nodes[0].layers == graph.nodes[1].layers == ("conv",)


def test_local_response_normalization_becomes_one_node(functional):
    layer = LocalResponseNormalization(3, alpha=0.5, beta=0.6, k=2.0, name="lrn")

    (node,) = capture(functional(layer, shape=(9, 7, 6))).nodes

    assert (node.kind, node.name, node.inputs) == ("local_response_norm", "lrn", ("x",))
    assert node.attributes == {"size": 3, "alpha": 0.5, "beta": 0.6, "k": 2.0}
    assert node.output.shape == (None, 9, 7, 6)


def test_layers_that_act_only_in_training_fall_away(functional):
    model = functional(
        layers.RandomFlip(name="flip"),
        layers.Dropout(0.5, name="dropout"),
        layers.SpatialDropout2D(0.5),
        layers.GaussianNoise(0.1),
        layers.Activation("linear"),
        layers.ReLU(name="relu"),
    )

    graph = capture(model)

    assert kinds(graph) == ["relu"]
    assert graph.nodes[0].inputs == ("x",)
    assert graph.layer_outputs["dropout"] == "x"


def test_a_sequential_model_is_captured_like_a_functional_one():
    model = keras.Sequential([keras.Input((4, 6, 1)), layers.Flatten(), layers.Dense(3)])

    assert kinds(capture(model)) == ["reshape", "dense"]


def test_nested_models_are_flattened_and_named_by_their_path():
    inner = keras.Sequential(
        [keras.Input((5, 4, 3)), layers.Conv2D(2, 3, name="conv")], name="backbone"
    )
    inputs = keras.Input((5, 4, 3))
    model = keras.Model(inputs, layers.GlobalAveragePooling2D(name="pool")(inner(inputs)))

    graph = capture(model)

    assert names(graph) == ["backbone", "pool"]  # the last layer's tensor is the model's
    assert graph.nodes[0].layers == ("backbone/conv",)
    assert graph.layer_outputs["backbone/conv"] == "backbone"


def test_a_shared_layer_becomes_one_node_per_call():
    shared = layers.Dense(4, name="shared")
    inputs = keras.Input((4,))
    model = keras.Model(inputs, shared(shared(inputs)))

    graph = capture(model)

    assert names(graph) == ["shared", "shared:2"]
    assert graph.nodes[1].inputs == ("shared",)


def test_a_subclassed_model_is_opened():
    class Net(keras.Model):
        def __init__(self):
            super().__init__()
            self.conv = layers.Conv2D(4, 3, name="conv")
            self.norm = layers.BatchNormalization(name="norm")

        def call(self, x, training=None):
            return ops.relu(self.norm(self.conv(x), training=training))

    model = Net()
    model(np.zeros((1, 6, 5, 3), "float32"))

    assert kinds(capture(model)) == ["conv", "batch_norm", "relu"]


def test_a_custom_layer_in_keras_ops_becomes_primitives(functional):
    class Swish(layers.Layer):
        def call(self, x):
            return x * ops.sigmoid(2.0 * x)

    graph = capture(functional(Swish(name="swish")))

    assert kinds(graph) == ["constant", "multiply", "sigmoid", "multiply"]
    assert names(graph)[-1] == "swish"
    assert {node.layers for node in graph.nodes} == {("swish",)}


def test_two_inputs_and_two_outputs_keep_their_order():
    a, b = keras.Input((3,), name="a"), keras.Input((3,), name="b")
    model = keras.Model(
        {"b": b, "a": a},
        [layers.Add(name="sum")([a, b]), layers.Subtract(name="difference")([a, b])],
    )

    graph = capture(model)

    assert [spec.name for spec in graph.inputs] == ["a", "b"]  # dicts are ordered by key
    assert graph.outputs == ("sum", "difference")


def test_capture_leaves_the_model_as_it_was(small_mobilenet):
    class Doubled(keras.Model):
        def __init__(self, net):
            super().__init__()
            self.net = net
            self.dense = layers.Dense(2)

        def call(self, x):
            return self.dense(self.net(x))

    model = Doubled(small_mobilenet)
    model(np.zeros((1, 64, 96, 3), "float32"))
    before = [len(layer._inbound_nodes) for layer in model._flatten_layers()]

    capture(model)

    assert [len(layer._inbound_nodes) for layer in model._flatten_layers()] == before
    assert keras.layers.Layer.__call__.__qualname__.startswith("Layer.")


def test_weights_are_read_only_on_demand():
    with without_weights():
        graph = capture(mobilenet())

    kernel = graph.nodes[0].weights["kernel"]
    assert kernel.shape == (3, 3, 3, 32)


def test_free_sides_are_filled_in_by_input_shape():
    graph = capture(mobilenet(include_top=False), input_shape=(64, 96, 3))

    assert graph.spec(graph.outputs[0]).shape == (None, 2, 3, 1024)


def test_layers_called_with_keywords_are_captured():
    inputs = keras.Input((4, 5, 3))
    model = keras.Model(inputs, layers.Conv2D(2, 3)(inputs=inputs))

    assert kinds(capture(model)) == ["conv"]


def test_other_threads_go_on_with_their_own_models(monkeypatch):
    import threading

    built = []
    conv = layers.Conv2D(2, 3)
    inputs = keras.Input((4, 5, 3))
    model = keras.Model(inputs, conv(inputs))
    honest = layers.Conv2D.compute_output_spec

    def while_capturing(layer, *args, **kwargs):
        thread = threading.Thread(
            target=lambda: built.append(keras.Model(inputs, layers.ReLU()(inputs * 2.0)))
        )
        thread.start()
        thread.join()
        return honest(layer, *args, **kwargs)

    monkeypatch.setattr(layers.Conv2D, "compute_output_spec", while_capturing)

    assert kinds(capture(model)) == ["conv"]
    assert len(built[0].operations) == 3  # input, multiplication, ReLU


class WithToken(layers.Layer):
    """Puts a learned token in front of each sequence, as vision transformers do."""

    def build(self, shape):
        self.token = self.add_weight(shape=(1, 1, shape[-1]), name="token")

    def call(self, x):
        token = keras.ops.broadcast_to(self.token, (keras.ops.shape(x)[0], 1, x.shape[-1]))
        return keras.ops.concatenate([token, x], axis=1)

    def compute_output_shape(self, shape):
        return (shape[0], shape[1] + 1, shape[2])


def test_a_layer_that_asks_for_the_number_of_examples_is_captured(functional):
    graph = capture(functional(layers.Reshape((9, 21)), WithToken(), shape=(9, 7, 3)))

    assert graph.spec(graph.outputs[0]).shape[1:] == (10, 21)
    assert [node.kind for node in graph.nodes] == ["reshape", "constant", "concat"]
