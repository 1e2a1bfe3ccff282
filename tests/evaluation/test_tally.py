"""Counts of answers against Keras's metrics and numbers by hand."""

import keras
import numpy as np
import pytest

from mobilezoo.evaluation.tally import AgreementTally, Tally


def test_top1_and_top5_are_those_of_keras():
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(97, 11)).astype(np.float32)
    labels = rng.integers(0, 11, 97)
    tally = Tally(11)

    for part in (slice(0, 40), slice(40, 97)):
        tally.add(scores[part], labels[part])

    top1 = keras.metrics.sparse_categorical_accuracy(labels, scores)
    top5 = keras.metrics.sparse_top_k_categorical_accuracy(labels, scores, k=5)
    assert tally.correct == int(np.sum(top1))
    assert tally.correct_in_five == int(np.sum(top5))
    assert tally.pictures == 97


def test_answers_are_counted_by_class():
    tally = Tally(3)

    right = tally.add(np.eye(3)[[0, 1, 1, 2]], np.array([0, 1, 2, 2]))

    assert right.tolist() == [True, True, False, True]
    assert tally.answers == {(0, 0): 1, (1, 1): 1, (2, 1): 1, (2, 2): 1}
    assert tally.by_class == {0: 1, 1: 1, 2: 2}


def test_of_equal_scores_the_first_class_is_the_answer():
    tally = Tally(7)

    tally.add(np.ones((7, 7)), np.arange(7))  # a dead network

    assert tally.correct == 1
    assert tally.correct_in_five == 5
    assert tally.answers == {(label, 0): 1 for label in range(7)}


def test_with_five_classes_there_is_no_top5():
    assert Tally(5).correct_in_five is None
    assert Tally(6).correct_in_five == 0


def test_nan_is_a_wrong_answer():
    tally = Tally(6)

    tally.add(np.array([[np.nan, 0, 0, 0, 0, 0], [1.0, 0, 0, 0, 0, 0]]), np.array([0, 0]))

    assert (tally.pictures, tally.correct, tally.correct_in_five, tally.not_finite) == (2, 1, 1, 1)
    assert tally.answers == {(0, 0): 1}


def test_infinity_is_a_score():
    tally = Tally(3)

    right = tally.add(np.array([[0, -np.inf, -5], [np.inf, 0, 1]]), np.array([0, 0]))

    assert right.tolist() == [True, True]
    assert (tally.correct, tally.not_finite) == (2, 0)
    assert tally.answers == {(0, 0): 2}


def test_infinity_may_be_a_wrong_answer():
    tally = Tally(6)

    tally.add(np.array([[0, 0, 0, np.inf, 0, -np.inf]]), np.array([5]))

    assert (tally.correct, tally.correct_in_five, tally.not_finite) == (0, 0, 0)
    assert tally.answers == {(5, 3): 1}


def test_equal_infinities_agree():
    tally = AgreementTally()

    tally.add(np.array([[-0.5, -np.inf, -3.0]]), np.array([[-0.25, -np.inf, -4.0]]))

    assert tally.agreement().top1 == 1.0
    assert tally.agreement().largest_difference == 1.0 / 4.0


@pytest.mark.parametrize("other", [-90.0, np.inf])
def test_one_sided_infinities_differ_by_infinity(other):
    tally = AgreementTally()

    tally.add(np.array([[-np.inf, 1.0]]), np.array([[other, 2.0]]))

    assert tally.agreement().top1 == (1.0 if other == -90.0 else 0.0)
    assert tally.agreement().largest_difference == np.inf


def test_agreement_is_relative_to_the_largest_reference():
    tally = AgreementTally()

    tally.add(np.array([[0.1, 0.9]]), np.array([[0.2, 0.8]]))
    tally.add(np.array([[0.7, 0.3]]), np.array([[0.3, 0.7]]))

    assert tally.agreement().top1 == 0.5
    assert tally.agreement().largest_difference == pytest.approx(0.4 / 0.8)


def test_nan_does_not_agree():
    tally = AgreementTally()

    tally.add(np.array([[np.nan, 0.9], [0.1, 0.9]]), np.array([[0.1, 0.9], [0.1, 0.9]]))

    assert tally.agreement().top1 == 0.5
    assert tally.agreement().largest_difference == np.inf
