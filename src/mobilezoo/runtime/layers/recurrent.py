"""Layers that go along a sequence: x (s, b, i, 1, 1), step by step.

What a gate or a cell takes in is kept within -50 to 50. `reverse_input` goes from the end, and puts
out in the order in which it goes. States are (1, b, h, 1, 1), zeros where none are given; with
`states` the last ones follow the result.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from mobilezoo.errors import UnsupportedOpError
from mobilezoo.runtime.arithmetic import Array, Operand, tensor
from mobilezoo.runtime.ops._recurrent import (
    FORMS,
    Form,
    directed,
    gated_steps,
    lstm_steps,
    put_out,
    simple_steps,
)

__all__ = ["bi_directional_lstm", "gru", "simple_recurrent", "uni_directional_lstm"]

_LARGEST = 50.0


def simple_recurrent(
    x: Operand,
    h: Operand | None = None,
    *,
    weight_matrix: Array,
    recursion_matrix: Array,
    bias_vector: Array | None = None,
    activation: str = "tanh",
    sequence_output: bool = False,
    reverse_input: bool = False,
    states: bool = False,
) -> list[tf.Tensor]:
    """Step h = activation(W x + R h + b): x (s, b, i, 1, 1) -> all h (s, b, h, 1, 1), or the last.

    W (h, i), R (h, h), b (h,); the last one alone (1, b, h, 1, 1) unless `sequence_output`.
    """
    rows = _rows(x)
    hidden = simple_steps(
        directed(rows, _direction(reverse_input)), _start(h, rows, recursion_matrix),
        weight_matrix, recursion_matrix, bias_vector, _bounded(activation),
    )  # fmt: skip
    return _made(put_out(hidden, sequence_output), [hidden], states)


def gru(
    x: Operand,
    h: Operand | None = None,
    *,
    weight_matrices: Sequence[Array],
    recursion_matrices: Sequence[Array],
    bias_vectors: Sequence[Array] = (),
    activations: Sequence[str] = ("sigmoid", "tanh"),
    sequence_output: bool = False,
    reverse_input: bool = False,
    states: bool = False,
) -> list[tf.Tensor]:
    """Step z, r = gate(W x + R h + b), o = form(W x + R (r h) + b), h = (1 - z) o + z h.

    x (s, b, i, 1, 1), three W (h, i), R (h, h) and b (h,) in the order z, r, o ->
    (s, b, h, 1, 1), or the last h alone (1, b, h, 1, 1) unless `sequence_output`. The two
    `activations` are gate and form.
    """
    rows = _rows(x)
    gate, form = map(_bounded, activations)
    hidden = gated_steps(
        directed(rows, _direction(reverse_input)), _start(h, rows, recursion_matrices[0]),
        _joined(weight_matrices, _OF_GRU), _joined(recursion_matrices, _OF_GRU),
        _joined(bias_vectors, _OF_GRU), gate, form,
    )  # fmt: skip
    return _made(put_out(hidden, sequence_output), [hidden], states)


def uni_directional_lstm(
    x: Operand,
    h: Operand | None = None,
    c: Operand | None = None,
    *,
    weight_matrices: Sequence[Array],
    recursion_matrices: Sequence[Array],
    bias_vectors: Sequence[Array] = (),
    peephole_vectors: Sequence[Array] = (),
    activations: Sequence[str] = ("sigmoid", "tanh", "tanh"),
    sequence_output: bool = False,
    forget_bias: bool = False,
    coupled_input_and_forget_gate: bool = False,
    cell_clip_threshold: float = 50.0,
    reverse_input: bool = False,
    states: bool = False,
) -> list[tf.Tensor]:
    """Step c = f c + i z, h = o form(c); i, f, o = gate(v + p c), z = cell(v), v = W x + R h + b.

    x (s, b, i, 1, 1), four W (h, i), R (h, h) and b (h,) in the order i, f, z, o, three p (h,) in
    the order i, f, o, which sees the new c -> (s, b, h, 1, 1), or the last h alone (1, b, h, 1, 1)
    unless `sequence_output`. The three `activations` are gate, cell and form. c is kept within
    -`cell_clip_threshold` to it, `forget_bias` adds 1 to the b of f, and f is 1 - i with
    `coupled_input_and_forget_gate`.
    """
    way = _direction(reverse_input)
    weights = (weight_matrices, recursion_matrices, bias_vectors, peephole_vectors)
    hidden, cell = _long_short(
        directed(_rows(x), way), (h, c), weights, activations, forget_bias,
        cell_clip_threshold, coupled_input_and_forget_gate,
    )  # fmt: skip
    return _made(put_out(hidden, sequence_output), [hidden, cell], states)


def bi_directional_lstm(
    x: Operand,
    h: Operand | None = None,
    c: Operand | None = None,
    h_back: Operand | None = None,
    c_back: Operand | None = None,
    *,
    weight_matrices: Sequence[Array],
    recursion_matrices: Sequence[Array],
    weight_matrices_back: Sequence[Array],
    recursion_matrices_back: Sequence[Array],
    bias_vectors: Sequence[Array] = (),
    bias_vectors_back: Sequence[Array] = (),
    peephole_vectors: Sequence[Array] = (),
    peephole_vectors_back: Sequence[Array] = (),
    activations: Sequence[str] = ("sigmoid", "tanh", "tanh"),
    sequence_output: bool = False,
    forget_bias: bool = False,
    coupled_input_and_forget_gate: bool = False,
    cell_clip_threshold: float = 50.0,
    states: bool = False,
) -> list[tf.Tensor]:
    """Two `uniDirectionalLSTM` side by side, the second from the end, put in the order of x.

    x (s, b, i, 1, 1) -> (s, b, 2 h, 1, 1); unless `sequence_output` the last h of both,
    (1, b, 2 h, 1, 1).
    """
    rows = _rows(x)
    ways = (
        (rows, (h, c), (weight_matrices, recursion_matrices, bias_vectors, peephole_vectors)),
        (
            tf.reverse(rows, [0]), (h_back, c_back),
            (weight_matrices_back, recursion_matrices_back, bias_vectors_back,
             peephole_vectors_back),
        ),
    )  # fmt: skip
    made = [
        _long_short(
            *way, activations, forget_bias, cell_clip_threshold, coupled_input_and_forget_gate
        )
        for way in ways
    ]
    forth, back = (put_out(hidden, sequence_output) for hidden, _ in made)
    y = tf.concat([forth, tf.reverse(back, [0])], -1)
    return _made(y, [*made[0], *made[1]], states)


# where the parts of the shared steps are among those of the message
_OF_GRU = (1, 2, 0)  # update, reset, output -> reset, output, update
_OF_LSTM = (0, 1, 3, 2)  # input, forget, block input, output -> input, forget, output, block input


def _long_short(
    rows: tf.Tensor,
    start: Sequence[Operand | None],
    weights: Sequence[Sequence[Array]],
    activations: Sequence[str],
    forget_bias: bool,
    clip: float,
    coupled: bool,
) -> list[tf.Tensor]:
    """One way along the sequence: all h and all c, (s, b, h) each."""
    matrices, recursions, biases, peepholes = weights
    if forget_bias:
        units = len(recursions[0])
        biases = list(biases) or [np.zeros(units, np.float32)] * 4
        biases[1] = biases[1] + np.ones(units, np.float32)
    gate, cell_form, form = activations
    return lstm_steps(
        rows,
        [_start(state, rows, recursions[0]) for state in start],
        [*(_joined(parts, _OF_LSTM) for parts in (matrices, recursions, biases)),
         _joined(peepholes, (0, 1, 2))],
        [_bounded(gate), _bounded(cell_form), _form(form)],
        clip,
        coupled,
    )  # fmt: skip


def _rows(x: Operand) -> tf.Tensor:
    """(s, b, i, 1, 1) -> (s, b, i)."""
    x = tensor(x)
    if len(x.shape) != 5 or tuple(x.shape[3:]) != (1, 1):
        raise ValueError(
            f"the input has shape {tuple(x.shape)}; (sequence, batch, size, 1, 1) is required"
        )
    return tf.squeeze(x, (3, 4))


def _start(state: Operand | None, rows: tf.Tensor, recursion: Array) -> tf.Tensor:
    """A given state (1, b, h, 1, 1) as (b, h), or zeros."""
    batch = tf.shape(rows)[1] if rows.shape[1] is None else rows.shape[1]
    shape = (batch, len(recursion))
    return tf.zeros(shape) if state is None else tf.reshape(tensor(state), shape)


def _made(y: tf.Tensor, sequences: Sequence[tf.Tensor], states: bool) -> list[tf.Tensor]:
    """The result and, if wanted, the last states: (..., h) -> (..., h, 1, 1)."""
    last = [sequence[-1:] for sequence in sequences] if states else []
    return [item[..., tf.newaxis, tf.newaxis] for item in (y, *last)]


def _joined(parts: Sequence[Array], order: Sequence[int]) -> Array | None:
    """One matrix or vector of several; None of none."""
    return np.concatenate([parts[i] for i in order]) if len(parts) else None


def _direction(reverse_input: bool) -> str:
    return "reverse" if reverse_input else "forward"


def _bounded(activation: str) -> Form:
    form = _form(activation)
    return lambda x: form(tf.clip_by_value(x, -_LARGEST, _LARGEST))


def _form(activation: str) -> Form:
    if activation not in _ACTIVATIONS:
        raise UnsupportedOpError(
            f"activation {activation} along a sequence; known are {', '.join(_ACTIVATIONS)}"
        )
    return _ACTIVATIONS[activation]


_ACTIVATIONS = {
    "linear": FORMS["linear"],
    "sigmoid": FORMS["sigmoid"],
    "tanh": FORMS["tanh"],
    "ReLU": FORMS["relu"],
    "scaledTanh": FORMS["scaled_tanh"],
    "sigmoidHard": FORMS["sigmoid_hard"],
}
