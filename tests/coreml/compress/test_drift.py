"""Errors of outputs, agreement of classes, divergence of probabilities: literal numbers."""

import keras
import numpy as np
import pytest
from keras import layers

from mobilezoo import export_coreml, load_coreml, randomize_weights
from mobilezoo.coreml.compress.drift import Answer, drift, find_answers

PLAIN, SCORES = Answer("y", False), Answer("y", True)


def test_nothing_moves():
    y = np.array([[1.0, 2.0], [3.0, -1.0]])

    found = drift([y], [y.copy()], [SCORES])

    assert (found.error, found.largest, found.agreement) == (0, 0, 1)
    assert found.divergence == pytest.approx(0)


def test_the_error_is_relative_to_the_outputs():
    found = drift([np.array([[3.0, 4.0]])], [np.array([[3.0, 4.5]])], [PLAIN])

    assert found.error == pytest.approx(0.1)  # 0.5 of 5
    assert found.largest == pytest.approx(0.125)  # 0.5 of 4
    assert found.agreement is None
    assert found.divergence is None


def test_of_several_outputs_the_mean_square_counts():
    a, b = np.array([[1.0, 0.0]]), np.array([[0.0, 2.0]])

    found = drift([a, b], [a * 1.3, b * 1.4], [PLAIN, PLAIN])

    assert found.error == pytest.approx(np.sqrt((0.09 + 0.16) / 2))


def test_what_all_scores_have_in_common_does_not_count():
    y = np.array([[1.0, 2.0, 6.0]])

    assert drift([y], [y + 5], [SCORES]).error == pytest.approx(0)
    assert drift([y], [y + 5], [PLAIN]).error > 0.5


def test_divergence_and_agreement():
    before = np.log([[0.5, 0.25, 0.25], [0.1, 0.6, 0.3]])
    after = np.log([[0.25, 0.5, 0.25], [0.1, 0.6, 0.3]]) + 7

    found = drift([before], [after], [SCORES])

    expected = 0.5 * np.log(2) + 0.25 * np.log(0.5)  # of the first, none of the second
    assert found.divergence == pytest.approx(expected / 2)
    assert found.agreement == 0.5


def test_scores_are_measured_before_the_softmax(tmp_path):
    inputs = keras.Input((30,), name="x")
    x = layers.Dense(7, name="scores")(inputs)
    model = keras.Model(inputs, [layers.Softmax(name="soft")(x), layers.ReLU(name="other")(x)])
    export_coreml(randomize_weights(model), tmp_path / "m.mlpackage")
    opened = load_coreml(tmp_path / "m.mlpackage")._opened

    assert find_answers(opened.block, opened.fetch) == [
        Answer("scores", True), Answer("other", False)
    ]  # fmt: skip
