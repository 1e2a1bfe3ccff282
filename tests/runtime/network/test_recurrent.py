"""Recurrent layers that coremltools' builder writes, against Keras's."""

import keras
import numpy as np
import pytest

from mobilezoo.errors import CoreMLFileError, UnsupportedOpError
from mobilezoo.runtime import load_coreml

from .conftest import builder

RNG = np.random.default_rng(8)
STEPS, EXAMPLES, SIZE, UNITS = 5, 2, 3, 4
X = RNG.normal(size=(EXAMPLES, STEPS, SIZE)).astype(np.float32)


def made_of(layer, gates):
    """Keras's weights, (rows, gates * units) -> one (units, rows) per gate."""
    layer.build(X.shape)
    layer.set_weights([RNG.normal(0, 0.5, w.shape).astype(np.float32) for w in layer.get_weights()])
    kernel, recurrent, bias = (np.split(w, gates, -1) for w in layer.get_weights())
    return [r.T for r in recurrent], [k.T for k in kernel], bias


def ordered(weights, order):
    """As coremltools' builder takes them."""
    return [[part[i] for i in order] for part in weights]


def simple(made, **options):
    layer = keras.layers.SimpleRNN(UNITS, activation="relu", **options)
    (recurrent,), (kernel,), (bias,) = made_of(layer, 1)
    made.add_simple_rnn(
        "r", recurrent, kernel, bias, UNITS, SIZE, "RELU", ["x"], ["y"],
        output_all=layer.return_sequences, reverse_input=layer.go_backwards,
    )  # fmt: skip
    return layer


def gru(made, **options):
    layer = keras.layers.GRU(UNITS, reset_after=False, **options)
    weights = made_of(layer, 3)  # update, reset, output
    made.add_gru(
        "r", *weights, UNITS, SIZE, ["x"], ["y"], inner_activation="SIGMOID",
        output_all=layer.return_sequences, reverse_input=layer.go_backwards,
    )  # fmt: skip
    return layer


def lstm(made, **options):
    layer = keras.layers.LSTM(UNITS, **options)
    weights = ordered(made_of(layer, 4), (0, 1, 3, 2))  # Keras: input, forget, cell, output
    made.add_unilstm(
        "r", *weights, UNITS, SIZE, ["x"], ["y"], output_all=layer.return_sequences,
        reverse_input=layer.go_backwards,
    )  # fmt: skip
    return layer


def both_ways(made, **options):
    layer = keras.layers.Bidirectional(keras.layers.LSTM(UNITS, **options))
    layer.build(X.shape)
    forth, back = (
        ordered(made_of(way, 4), (0, 1, 3, 2))
        for way in (layer.forward_layer, layer.backward_layer)
    )
    made.add_bidirlstm(
        "r", *forth, *back, UNITS, SIZE, ["x"], ["y"], output_all=layer.return_sequences
    )
    return layer


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize(
    ("add", "backwards"),
    [(simple, False), (simple, True), (gru, False), (gru, True), (lstm, False), (lstm, True),
     (both_ways, False)],
)  # fmt: skip
def test_recurrent_layers_compute_what_kerass_do(open_network, add, whole, backwards):
    inside = (STEPS, EXAMPLES, SIZE, 1, 1)
    made = builder({"x": inside}, {"y": None}, disable_rank5_shape_mapping=True)
    layer = add(made, return_sequences=whole, go_backwards=backwards)

    y = open_network(made).predict({"x": X.transpose(1, 0, 2).reshape(inside)})["y"]

    expected = np.asarray(layer(X))
    assert np.abs(expected).max() > 0.1
    expected = expected.transpose(1, 0, 2) if whole else expected[np.newaxis]
    np.testing.assert_allclose(y, expected[..., None, None], rtol=1e-4, atol=1e-5)


def test_columns_of_a_picture_are_a_sequence(open_network):
    made = builder({"x": (SIZE, 1, STEPS)}, {"y": (UNITS, 1, 1)})
    made.add_permute("columns", [3, 1, 2, 0], "x", "columns")  # (w, c, h, 1)
    layer = keras.layers.LSTM(UNITS)
    weights = ordered(made_of(layer, 4), (0, 1, 3, 2))
    made.add_unilstm("r", *weights, UNITS, SIZE, ["columns"], ["y"])
    program = open_network(made)
    x = X.transpose(0, 2, 1)[:, :, np.newaxis]  # n, c, 1, w

    y = program.predict({"x": x})["y"]

    assert program.metadata.minimum_os == "iOS11"
    np.testing.assert_allclose(y[..., 0, 0], layer(X), rtol=1e-4, atol=1e-5)


def stateful(made, inputs=("x", "h", "c"), outputs=("y", "h_out", "c_out")):
    weights = [[np.zeros((1, 1))] * 4, [np.zeros((1, 1))] * 3 + [np.ones((1, 1))], None]
    made.add_unilstm(
        "r", *weights, 1, 1, list(inputs), list(outputs), peep=[np.zeros(1)] * 2 + [np.ones(1)],
        cell_state_update_activation="LINEAR", output_activation="LINEAR", forget_bias=True,
        coupled_input_forget_gate=True, cell_clip_threshold=4.0,
    )  # fmt: skip
    return made


def test_states_and_options_are_read(open_network):
    shapes = {"x": (1,), "h": (1,), "c": (1,)}
    program = open_network(stateful(builder(shapes, {"y": (1,), "h_out": (1,), "c_out": (1,)})))

    result = program.predict({"x": np.ones(1), "h": np.ones(1), "c": np.array([3.0])})
    clipped = program.predict({"x": np.ones(1), "h": np.ones(1), "c": np.array([9.0])})

    # c = 3 / 2 + 1 / 2, o = sigmoid(2)
    np.testing.assert_allclose(result["c_out"], [2.0])
    np.testing.assert_allclose(result["y"], [2.0 * 0.88079708], rtol=1e-6)
    np.testing.assert_allclose(result["h_out"], result["y"])
    np.testing.assert_allclose(clipped["c_out"], [4.0])


@pytest.mark.parametrize(
    ("inputs", "outputs", "complaint"),
    [
        (("x", "h"), ("y",), "has 2 inputs; 1 is required, or 3 with the states"),
        (("x",), ("y", "h_out"), "has 2 outputs; 1 is required, or 3 with the states"),
    ],
)
def test_half_of_the_states_is_refused(save_network, inputs, outputs, complaint):
    shapes = {"x": (1,), "h": (1,), "c": (1,)}
    path = save_network(stateful(builder(shapes, {"y": (1,)}), inputs, outputs))

    with pytest.raises(CoreMLFileError, match=complaint):
        load_coreml(path)


def other_slope(layer):
    layer.activations[1].linear.alpha = 2.0


def no_activation(layer):
    del layer.activations[2]


def unknown_activation(layer):
    layer.activations[1].ClearField("linear")


def short_peephole(layer):
    layer.weightParams.outputGatePeepholeVector.floatValue.append(1.0)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (other_slope, "linear with alpha 2 and beta 0 along a sequence; Core ML takes only 1 and"),
        (no_activation, "2 activations; 3 are required"),
        (unknown_activation, "an activation's NonlinearityType is not set"),
        (short_peephole, "outputGatePeepholeVector: floatValue has 2 numbers"),
    ],
)
def test_what_core_ml_does_not_take_is_named(save_network, change, complaint):
    shapes = {"x": (1,), "h": (1,), "c": (1,)}
    made = stateful(builder(shapes, {"y": (1,)}))
    change(made.spec.neuralNetwork.layers[0].uniDirectionalLSTM)

    with pytest.raises((CoreMLFileError, UnsupportedOpError), match=complaint):
        load_coreml(save_network(made))


def test_the_way_back_has_the_same_activations(save_network):
    made = builder({"x": (SIZE,)}, {"y": (2 * UNITS,)})
    both_ways(made)
    layer = made.spec.neuralNetwork.layers[0].biDirectionalLSTM
    layer.activationsBackwardLSTM[0].ReLU.SetInParent()

    with pytest.raises(UnsupportedOpError, match="way back, ReLU, tanh, tanh, are not those"):
        load_coreml(save_network(made))
