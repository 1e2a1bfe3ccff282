"""Layers that depart while the outputs agree: by their weights' rounding, or by a fault."""

import keras
import numpy as np
import pytest
from keras import layers

from mobilezoo import export_coreml, randomize_weights, verify
from mobilezoo.coreml.emit import EMITTERS
from mobilezoo.errors import VerificationError


def exported(model, folder, **options):
    export_coreml(model, folder / "m.mlpackage", inputs="array", **options)
    return folder / "m.mlpackage"


@pytest.fixture
def cancelling():
    """'second' takes away what 'first' added, and with it the digits that float16 keeps."""
    inputs = keras.Input((24,), name="x")
    x = layers.Dense(16, name="second")(layers.Dense(16, name="first")(inputs))
    x = layers.Dense(5, name="scores")(layers.Concatenate()([x, layers.Dense(16)(inputs)]))
    model = randomize_weights(keras.Model(inputs, x))
    rng = np.random.default_rng(0)
    offset = rng.uniform(500.0, 600.0, 16).astype(np.float32)
    model.get_layer("first").bias.assign(offset)
    model.get_layer("second").kernel.assign(np.eye(16, dtype=np.float32))
    model.get_layer("second").bias.assign(-offset + rng.normal(size=16).astype(np.float32))
    scores = model.get_layer("scores")
    scores.kernel.assign(np.array(scores.kernel) * np.r_[np.full(16, 0.01), np.ones(16)][:, None])
    return model


def test_what_rounding_alone_moves_is_no_fault(cancelling, tmp_path):
    path = exported(cancelling, tmp_path)

    agreement = verify(cancelling, path)

    assert agreement.layers["second"] > 0.05  # far beyond the limit
    assert agreement.largest_difference < 0.02
    assert agreement.before_rounding is None


def test_a_fault_where_rounding_moves_as_much_is_caught(cancelling, tmp_path):
    path = exported(cancelling, tmp_path)

    second = cancelling.get_layer("second")
    second.bias.assign(second.bias + 0.8)  # the outputs agree

    with pytest.raises(VerificationError, match="of 'second' are not Keras's"):
        verify(cancelling, path)


def test_a_fault_that_grows_from_layer_to_layer_is_caught(tmp_path, monkeypatch):
    x = inputs = keras.Input((24,), name="x")
    for index in range(12):
        x = layers.LeakyReLU(negative_slope=0.2, name=f"r{index}")(layers.Dense(24)(x))
    hidden = layers.Rescaling(0.01)(x)
    scores = layers.Dense(5)(layers.Concatenate()([hidden, layers.Dense(24)(inputs)]))
    model = randomize_weights(keras.Model(inputs, scores))
    monkeypatch.setitem(EMITTERS, "leaky_relu", steeper(EMITTERS["leaky_relu"]))

    with pytest.raises(
        VerificationError, match=r"computes layers otherwise than Keras, first at layer"
    ):
        verify(model, exported(model, tmp_path))


def steeper(registered):
    """The emitter with a slope of 0.215 in place of 0.2."""
    from dataclasses import replace

    def emit(site, x):
        attributes = {**site.node.attributes, "alpha": 0.215}
        return registered.emit(replace(site, node=replace(site.node, attributes=attributes)), x)

    return replace(registered, emit=emit)


@pytest.mark.parametrize(("times", "more"), [(3, 0), (1, 5000)], ids=["kernel", "bias"])
def test_logits_behind_an_added_softmax_are_judged(tmp_path, times, more):
    inputs = keras.Input((12,), name="x")
    x = layers.Dense(5, name="logits")(layers.Dense(24, activation="relu", name="hidden")(inputs))
    model = randomize_weights(keras.Model(inputs, x))
    logits = model.get_layer("logits")
    logits.kernel.assign(np.array(logits.kernel) * 400)  # one class is always certain
    path = exported(model, tmp_path, labels=list("abcde"))

    logits.kernel.assign(np.array(logits.kernel) / times)
    logits.bias.assign(np.array(logits.bias) + more)  # which the softmax does not notice

    with pytest.raises(VerificationError, match=r"(layer|weight of) 'logits'"):
        verify(model, path)
