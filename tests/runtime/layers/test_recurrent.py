import numpy as np
import pytest

from mobilezoo.errors import UnsupportedOpError
from mobilezoo.runtime.layers.recurrent import (
    bi_directional_lstm,
    gru,
    simple_recurrent,
    uni_directional_lstm,
)

X = np.array([1.0, 2.0, 3.0], np.float32).reshape(3, 1, 1, 1, 1)  # three steps of one number
ONE = np.ones((1, 1, 1, 1, 1), np.float32)


def matrices(*numbers):
    return [np.float32([[number]]) for number in numbers]


def vectors(*numbers):
    return [np.float32([number]) for number in numbers]


def state(number):
    return np.full((1, 1, 1, 1, 1), number, np.float32)


@pytest.mark.parametrize(
    ("reverse_input", "expected"), [(False, [3.0, 9.0, 22.0]), (True, [5.0, 13.0, 28.0])]
)
def test_simple_recurrent_adds_the_input_and_the_state(reverse_input, expected):
    weights = {"weight_matrix": np.float32([[1.0]]), "recursion_matrix": np.float32([[2.0]])}

    y, last = simple_recurrent(
        X, state(0.5), **weights, bias_vector=np.float32([1.0]), activation="linear",
        sequence_output=True, reverse_input=reverse_input, states=True,
    )  # fmt: skip

    # h = x + 2 h + 1, put out in the order of the steps
    assert y.shape == (3, 1, 1, 1, 1)
    np.testing.assert_array_equal(np.ravel(y), expected)
    np.testing.assert_array_equal(np.ravel(last), expected[-1:])


def test_what_a_step_takes_in_is_kept_within_50():
    weights = {"weight_matrix": np.float32([[20.0]]), "recursion_matrix": np.float32([[0.0]])}

    (y,) = simple_recurrent(X, **weights, activation="ReLU", sequence_output=True)

    np.testing.assert_array_equal(np.ravel(y), [20.0, 40.0, 50.0])


def test_each_example_of_a_batch_goes_its_own_way():
    x = np.arange(24.0, dtype=np.float32).reshape(4, 2, 3, 1, 1) / 2
    pick = np.float32([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0], [0, 1, 0]])

    y, last = simple_recurrent(
        x, weight_matrix=pick, recursion_matrix=np.eye(5, dtype=np.float32), activation="linear",
        states=True,
    )  # fmt: skip

    # sums over the four steps, which are 3 apart
    expected = np.float32([[18, 20, 22, 18, 20], [24, 26, 28, 24, 26]])[None, ..., None, None]
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(last, expected)


def test_gru_gates_come_in_the_order_update_reset_output():
    recursion = matrices(0.0, 0.0, 3.0)

    def step(update, reset):
        (y,) = gru(
            ONE, state(4.0), weight_matrices=matrices(update, reset, 2.0),
            recursion_matrices=recursion, bias_vectors=vectors(0.0, 0.0, 7.0),
            activations=("sigmoid", "linear"),
        )  # fmt: skip
        return np.ravel(y)

    np.testing.assert_allclose(step(0.0, 0.0), [0.5 * (2 + 3 * 0.5 * 4 + 7) + 0.5 * 4])
    np.testing.assert_allclose(step(100.0, 0.0), [4.0])  # z = 1 keeps the state
    np.testing.assert_allclose(step(-100.0, 100.0), [21.0])  # z = 0, r = 1: 2 + 3 * 4 + 7
    np.testing.assert_allclose(step(-100.0, -100.0), [9.0], rtol=1e-6)  # r = 0


def test_gru_gives_its_state():
    y, last = gru(
        X, weight_matrices=matrices(-100.0, 0.0, 2.0), recursion_matrices=matrices(0.0, 0.0, 0.0),
        activations=("sigmoidHard", "linear"), sequence_output=True, reverse_input=True,
        states=True,
    )  # fmt: skip

    np.testing.assert_array_equal(np.ravel(y), [6.0, 4.0, 2.0])
    np.testing.assert_array_equal(np.ravel(last), [2.0])


CLOSED = {
    "weight_matrices": matrices(0.0, 0.0, 2.0, 0.0),
    "recursion_matrices": matrices(0.0, 0.0, 0.0, 0.0),
    "activations": ("sigmoid", "linear", "linear"),
}


@pytest.mark.parametrize(
    ("options", "hidden", "cell"),
    [
        # i, f, o = 0.5, z = 2: c = 0.5 * 8 + 0.5 * 2, h = 0.5 c
        ({}, 2.5, 5.0),
        ({"cell_clip_threshold": 3.0}, 1.5, 3.0),
        # f = sigmoid(1): 8 * 0.7310586 + 1
        ({"forget_bias": True}, 3.4242343, 6.8484686),
        ({"forget_bias": True, "bias_vectors": vectors(0.0, -1.0, 0.0, 0.0)}, 2.5, 5.0),
        # f = 1 - i = 1 - 0.75: 8 * 0.25 + 2 * 0.75, with i = sigmoid(log 3)
        (
            {"coupled_input_and_forget_gate": True,
             "bias_vectors": vectors(1.0986123, 50.0, 0.0, 0.0)}, 1.75, 3.5,
        ),
        # i = 1, f = 0.5, o = sigmoid(log 3): c = 4 + 2, and o sees it
        ({"peephole_vectors": vectors(6.0, 0.0, 0.18310204811)}, 4.5, 6.0),
        ({"bias_vectors": vectors(-50.0, 50.0, 0.0, 50.0)}, 8.0, 8.0),  # keeps all, shows all
        ({"activations": ("sigmoid", "linear", "ReLU"),
          "bias_vectors": vectors(50.0, -50.0, -7.0, 50.0)}, 0.0, -5.0),
    ],
)  # fmt: skip
def test_lstm_forgets_takes_in_and_shows(options, hidden, cell):
    y, h, c = uni_directional_lstm(
        ONE, state(1.0), state(8.0), **{**CLOSED, **options}, states=True
    )

    np.testing.assert_allclose(np.ravel([y, h, c]), [hidden, hidden, cell], rtol=1e-6)


def test_lstm_starts_from_zeros():
    (y,) = uni_directional_lstm(X, **CLOSED, sequence_output=True, reverse_input=True)

    # c = c / 2 + x, h = c / 2, from the end
    np.testing.assert_allclose(np.ravel(y), [1.5, 1.75, 1.375])


def test_both_ways_are_side_by_side_in_the_order_of_the_input():
    back = {
        "weight_matrices_back": matrices(0.0, 0.0, 10.0, 0.0),
        "recursion_matrices_back": CLOSED["recursion_matrices"],
    }

    y, h, c, h_back, c_back = bi_directional_lstm(
        X, state(0.0), state(8.0), state(0.0), state(0.0), **CLOSED, **back,
        sequence_output=True, states=True,
    )  # fmt: skip
    (last,) = bi_directional_lstm(X, **CLOSED, **back)

    # c = 8 -> 5, 4.5, 5.25 forth, 0 -> 15, 17.5, 13.75 on the way back; h = c / 2
    assert y.shape == (3, 1, 2, 1, 1)
    np.testing.assert_allclose(
        y[:, 0, :, 0, 0], [[2.5, 6.875], [2.25, 8.75], [2.625, 7.5]], rtol=1e-6
    )
    np.testing.assert_allclose(np.ravel([h, c, h_back, c_back]), [2.625, 5.25, 6.875, 13.75])
    np.testing.assert_allclose(last[0, 0, :, 0, 0], [2.125, 6.875])  # c = 1, 2.5, 4.25


def test_vectors_and_known_activations_are_required():
    weights = {"weight_matrix": np.float32([[1.0]]), "recursion_matrix": np.float32([[1.0]])}

    with pytest.raises(ValueError, match=r"\(sequence, batch, size, 1, 1\) is required"):
        simple_recurrent(np.ones((3, 1, 1, 2, 1), np.float32), **weights)
    with pytest.raises(UnsupportedOpError, match="activation ELU along a sequence"):
        simple_recurrent(X, **weights, activation="ELU")
