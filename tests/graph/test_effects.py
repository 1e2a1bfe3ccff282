"""What a call does besides computing: it remembers, adds losses, updates metrics."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from mobilezoo import export_coreml
from mobilezoo.errors import UnsupportedLayersError
from mobilezoo.graph import capture


class Counter(layers.Layer):
    """Multiplies by the number of calls, which it counts."""

    def __init__(self, count=lambda n: n.assign_add(1.0), **options):
        super().__init__(**options)
        self.count = count
        self.n = self.add_weight(shape=(), initializer="zeros", trainable=False)

    def call(self, x):
        self.count(self.n)
        return x * self.n


class Regularized(layers.Layer):
    """Gives its input back, with a loss or a metric of it."""

    def __init__(self, update, **options):
        super().__init__(**options)
        self.update = update
        self.mean = keras.metrics.Mean(name="mean")

    def call(self, x, training=False):
        self.update(self, x)
        return x * 2.0


@pytest.mark.parametrize(
    "count",
    [
        lambda n: n.assign_add(1.0),
        lambda n: n.assign_sub(1.0),
        lambda n: n.assign(2.0),
    ],
)
def test_a_layer_that_assigns_is_refused_and_its_variable_stays(functional, tmp_path, count):
    layer = Counter(count, name="counter")
    model = functional(layer)
    layer.n.assign(5.0)

    with pytest.raises(UnsupportedLayersError, match=r"Counter \(counter\): it assigns a variable"):
        export_coreml(model, tmp_path / "m.mlpackage")

    assert float(layer.n.value) == 5.0
    assert list(tmp_path.iterdir()) == []


def test_what_is_computed_of_the_input_is_refused_too(functional):
    class Latest(Counter):
        def call(self, x):
            self.n.assign(ops.max(x))
            return x * self.n

    layer = Latest(name="latest")

    with pytest.raises(UnsupportedLayersError, match=r"\(latest\): it assigns .*`if training:`"):
        capture(functional(layer))

    assert float(layer.n.value) == 0.0 or np.isfinite(layer.n.value)


def test_assignments_in_training_only_are_none(functional):
    class InTraining(Counter):
        def call(self, x, training=False):
            return super().call(x) if training else x * self.n

    assert [node.kind for node in capture(functional(InTraining())).nodes] == [
        "constant", "multiply",
    ]  # fmt: skip


def test_a_batch_normalization_assigns_in_training_only(functional):
    layer = layers.BatchNormalization()
    model = functional(layer)
    layer.moving_mean.assign([1.0, 2.0, 3.0])

    assert [node.kind for node in capture(model).nodes] == ["batch_norm"]
    np.testing.assert_array_equal(layer.moving_mean.value, [1.0, 2.0, 3.0])


@pytest.mark.parametrize(
    "update",
    [
        lambda layer, x: layer.add_loss(-0.5 * ops.mean(x)),
        lambda layer, x: layer.add_loss(ops.sum(ops.sort(x))),
        lambda layer, x: layer.mean.update_state(x),
        lambda layer, x: layer.mean.update_state(ops.mean(x, axis=(1, 2, 3))),
        lambda layer, x: layer.mean(ops.square(x)),
    ],
)
@pytest.mark.parametrize("compiled", [False, True])
def test_losses_and_metrics_stay_outside_the_file(functional, update, compiled):
    layer = Regularized(update)
    model = functional(layer)
    if compiled:
        model.compile("sgd", "mse", metrics=["mae"])
    layer.mean.reset_state()
    losses = len(model.losses)

    graph = capture(model)

    assert [node.kind for node in graph.nodes] == ["constant", "multiply"]
    assert len(model.losses) == losses
    assert float(layer.mean.total.value) == float(layer.mean.count.value) == 0.0


def test_random_numbers_in_a_loss_alone_are_no_problem(functional):
    rng = np.random.default_rng(0)
    layer = Regularized(lambda layer, x: layer.add_loss(ops.sum(x * float(rng.normal()))))

    assert [node.kind for node in capture(functional(layer)).nodes] == ["constant", "multiply"]


def test_what_an_output_depends_on_stays_a_problem(functional):
    class Both(Regularized):
        def call(self, x):
            self.add_loss(ops.mean(ops.sort(x)))
            return ops.sort(x)

    with pytest.raises(UnsupportedLayersError, match=r"Both \(both\): keras.ops Sort"):
        capture(functional(Both(None, name="both")))
