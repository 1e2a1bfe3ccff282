import numpy as np
import pytest

from mobilezoo.errors import UnsupportedOpError
from mobilezoo.runtime.ops.recurrent import gru, lstm, rnn

RNG = np.random.default_rng(5)
# a sequence of 4, 2 examples, 3 numbers in, 2 states
X = RNG.normal(size=(4, 2, 3)).astype(np.float32)


def test_rnn_adds_the_input_and_the_state():
    x = np.array([[[1.0]], [[2.0]], [[3.0]]], np.float32)
    weights = np.float32([[10.0]]), np.float32([[2.0]]), np.float32([1.0])

    y, last = rnn(x, np.float32([[5.0]]), *weights, output_sequence=True, activation="linear")
    back, first = rnn(x, np.float32([[5.0]]), *weights, "reverse", True, "linear")

    # h = 10 x + 2 h + 1
    np.testing.assert_array_equal(np.ravel(y), [21, 63, 157])
    np.testing.assert_array_equal(last, [[157]])
    np.testing.assert_array_equal(np.ravel(back), [41, 103, 217])  # in the order of its steps
    np.testing.assert_array_equal(first, [[217]])


def test_only_the_last_state_unless_the_sequence_is_asked_for():
    y, last = rnn(X, np.zeros((2, 5)), np.ones((5, 3), np.float32), np.eye(5, dtype=np.float32))

    assert y.shape == (1, 2, 5)
    np.testing.assert_array_equal(y[0], last)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        # r = z = 0.5: o = 2 + 3 (0.5 * 4), h = (o + 4) / 2
        ({}, 6.0),
        # o = 2 + 1 + 0.5 (3 * 4 + 7)
        ({"reset_after": True, "bias": [0.0, 7.0, 0.0], "input_bias": [0.0, 1.0, 0.0]}, 8.25),
        ({"bias": [0.0, 7.0, 0.0]}, 9.5),
    ],
)
def test_gru_resets_before_or_after_the_product(options, expected):
    options = {k: np.float32(v) if isinstance(v, list) else v for k, v in options.items()}
    weight_ih, weight_hh = np.float32([[0.0], [2.0], [0.0]]), np.float32([[0.0], [3.0], [0.0]])

    _, last = gru(
        np.ones((1, 1, 1), np.float32), np.float32([[4.0]]), weight_ih, weight_hh,
        activation="linear", **options,
    )  # fmt: skip

    np.testing.assert_allclose(last, [[expected]], rtol=1e-6)


def test_gru_gates_come_in_the_order_reset_output_update():
    big = 100.0  # a gate that is open
    weight_ih, weight_hh = np.float32([[0.0], [2.0], [big]]), np.float32([[0.0], [0.0], [0.0]])

    _, last = gru(np.ones((1, 1, 1), np.float32), np.float32([[4.0]]), weight_ih, weight_hh)

    np.testing.assert_allclose(last, [[4.0]])  # z = 1 keeps the state


@pytest.mark.parametrize(
    ("options", "hidden", "cell"),
    [
        # i, f, o = 0.5, cell input 2: c = 0.5 * 8 + 0.5 * 2, h = 0.5 c
        ({}, 2.5, 5.0),
        ({"clip": 3.0}, 1.5, 3.0),
        # i = sigmoid(8 * 100) = 1; o sees the new c, sigmoid(log 3) = 3 / 4
        ({"peephole": [100.0, 0.0, 0.18310204811]}, 4.5, 6.0),
    ],
)
def test_lstm_forgets_and_takes_in(options, hidden, cell):
    options = {k: np.float32(v) if isinstance(v, list) else v for k, v in options.items()}

    y, h, c = lstm(
        np.ones((1, 1, 1), np.float32), np.float32([[1.0]]), np.float32([[8.0]]),
        np.float32([[0.0], [0.0], [0.0], [2.0]]), np.zeros((4, 1), np.float32),
        activation="linear", cell_activation="linear", **options,
    )  # fmt: skip

    np.testing.assert_allclose([h, c], [[[hidden]], [[cell]]], atol=1e-6)
    np.testing.assert_array_equal(y, [h])


def test_lstm_gates_come_in_the_order_input_forget_output_cell():
    big = 100.0
    weight = np.float32([[big], [-big], [big], [2.0]])

    _, h, c = lstm(
        np.ones((1, 1, 1), np.float32), np.float32([[1.0]]), np.float32([[8.0]]), weight,
        np.zeros((4, 1), np.float32), cell_activation="linear", activation="relu",
    )  # fmt: skip

    np.testing.assert_allclose([h, c], [[[2.0]], [[2.0]]])  # all of the new, nothing of the old


def test_both_ways_put_the_way_back_in_the_order_of_the_input():
    ways = [
        [RNG.normal(size=shape).astype(np.float32) for shape in ((8, 3), (8, 2), (8,))]
        for _ in range(2)
    ]
    start = RNG.normal(size=(2, 2, 4)).astype(np.float32)
    (ih, hh, bias), (ih_back, hh_back, bias_back) = ways

    y, h, c = lstm(
        X, *start, ih, hh, bias, weight_ih_back=ih_back, weight_hh_back=hh_back,
        bias_back=bias_back, direction="bidirectional", output_sequence=True,
    )  # fmt: skip

    forth = lstm(X, *start[..., :2], ih, hh, bias, output_sequence=True)
    back = lstm(X[::-1], *start[..., 2:], ih_back, hh_back, bias_back, output_sequence=True)
    np.testing.assert_allclose(y, np.concatenate([forth[0], back[0][::-1]], -1), rtol=1e-5)
    np.testing.assert_allclose(h, np.concatenate([forth[1], back[1]], -1), rtol=1e-5)
    np.testing.assert_allclose(c, np.concatenate([forth[2], back[2]], -1), rtol=1e-5)


@pytest.mark.parametrize(
    ("activation", "expected"),
    [("scaled_tanh", 1.7159 * 0.5370495670), ("hard_sigmoid", 0.68), ("sigmoid_hard", 0.68)],
)  # tanh(2 / 3 * 0.9) = 0.5370496, 0.2 * 0.9 + 0.5 = 0.68
def test_activations_without_parameters_have_those_of_neural_networks(activation, expected):
    weights = np.float32([[0.9]]), np.zeros((1, 1), np.float32)

    _, last = rnn(np.ones((1, 1, 1), np.float32), np.zeros((1, 1)), *weights, activation=activation)

    np.testing.assert_allclose(last, [[expected]], rtol=1e-6)


def test_unknown_words_are_refused():
    weights = np.zeros((2, 5)), np.zeros((5, 3), np.float32), np.zeros((5, 5), np.float32)

    with pytest.raises(UnsupportedOpError, match="activation 'swish'"):
        rnn(X, *weights, activation="swish")
    with pytest.raises(UnsupportedOpError, match="direction='sideways'"):
        rnn(X, *weights, direction="sideways")
