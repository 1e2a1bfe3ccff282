"""Steps along a sequence, as ML programs and neural networks share them: x (s, b, i)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import tensorflow as tf

from mobilezoo.errors import UnsupportedOpError
from mobilezoo.runtime import limits
from mobilezoo.runtime.arithmetic import Array, Operand, tensor
from mobilezoo.runtime.ops._sizes import at_most

Form: TypeAlias = Callable[[tf.Tensor], tf.Tensor]

# the parameters of the last two are those that neural networks name the only ones
FORMS: dict[str, Form] = {
    "linear": tf.identity,
    "relu": tf.nn.relu,
    "sigmoid": tf.sigmoid,
    "tanh": tf.tanh,
    "scaled_tanh": lambda x: 1.7159 * tf.tanh(2.0 / 3.0 * x),
    "sigmoid_hard": lambda x: tf.clip_by_value(0.2 * x + 0.5, 0.0, 1.0),
}


def simple_steps(
    x: tf.Tensor,
    start: tf.Tensor,
    weight_ih: Operand,
    weight_hh: Operand,
    bias: Operand | None,
    form: Form,
) -> tf.Tensor:
    """All h of `rnn`, step by step: (s, b, h)."""
    recurrent = tensor(weight_hh)

    def step(states: Sequence[tf.Tensor], given: tf.Tensor) -> list[tf.Tensor]:
        return [form(given + tf.matmul(states[0], recurrent, transpose_b=True))]

    return _run(step, _projected(x, weight_ih, bias), [start])[0]


def gated_steps(
    x: tf.Tensor,
    start: tf.Tensor,
    weight_ih: Operand,
    weight_hh: Operand,
    bias: Operand | None,
    gate: Form,
    form: Form,
    reset_after: bool = False,
    input_bias: Operand | None = None,
) -> tf.Tensor:
    """All h of `gru`, step by step: (s, b, h)."""
    r_reset, r_new, r_update = tf.split(tensor(weight_hh), 3)
    inner = tf.zeros(()) if bias is None or not reset_after else tensor(bias)
    reset_bias, new_bias, update_bias = tf.split(inner, 3) if len(inner.shape) else [inner] * 3

    def step(states: Sequence[tf.Tensor], given: tf.Tensor) -> list[tf.Tensor]:
        h = states[0]
        x_reset, x_new, x_update = tf.split(given, 3, -1)
        reset = gate(x_reset + tf.matmul(h, r_reset, transpose_b=True) + reset_bias)
        update = gate(x_update + tf.matmul(h, r_update, transpose_b=True) + update_bias)
        if reset_after:
            new = form(x_new + reset * (tf.matmul(h, r_new, transpose_b=True) + new_bias))
        else:
            new = form(x_new + tf.matmul(reset * h, r_new, transpose_b=True))
        return [(1.0 - update) * new + update * h]

    inputs = _projected(x, weight_ih, None if reset_after else bias)
    inputs = inputs if input_bias is None else inputs + tensor(input_bias)
    return _run(step, inputs, [start])[0]


def lstm_steps(
    x: tf.Tensor,
    start: Sequence[tf.Tensor],
    weights: Sequence[Operand | None],
    forms: Sequence[Form],
    clip: float | None,
    coupled: bool = False,
) -> list[tf.Tensor]:
    """All h and all c of `lstm`, one way along the sequence: (s, b, h) each.

    `coupled` forgets as much as enters, 1 - i instead of f.
    """
    (weight_ih, weight_hh, bias, peephole), (gate, cell_form, form) = weights, forms
    recurrent = tensor(weight_hh)
    peeps = [tf.zeros(())] * 3 if peephole is None else tf.split(tensor(peephole), 3)

    def step(states: Sequence[tf.Tensor], given: tf.Tensor) -> list[tf.Tensor]:
        h, c = states
        parts = tf.split(given + tf.matmul(h, recurrent, transpose_b=True), 4, -1)
        enter = gate(parts[0] + c * peeps[0])
        forget = 1.0 - enter if coupled else gate(parts[1] + c * peeps[1])
        c = forget * c + enter * cell_form(parts[3])
        if clip is not None:
            c = tf.clip_by_value(c, -clip, clip)
        return [gate(parts[2] + c * peeps[2]) * form(c), c]

    return _run(step, _projected(x, weight_ih, bias), start)


def directed(x: Operand, direction: str) -> tf.Tensor:
    """The sequence in the order in which it is gone along."""
    if direction not in ("forward", "reverse"):
        raise UnsupportedOpError(f"direction={direction!r}")
    return tensor(x) if direction == "forward" else tf.reverse(tensor(x), [0])


def put_out(hidden: tf.Tensor, whole: bool) -> tf.Tensor:
    """All steps, or the last one alone: (s, b, h) or (1, b, h)."""
    return hidden if whole else hidden[-1:]


def _run(
    step: Callable[[Sequence[tf.Tensor], tf.Tensor], list[tf.Tensor]],
    inputs: tf.Tensor,
    start: Sequence[tf.Tensor],
) -> list[tf.Tensor]:
    """The states after each step, along the first axis."""
    if inputs.shape[0] is not None:
        at_most(limits.MOST_STEPS, inputs.shape[0], "steps")
    states: list[tf.Tensor] = tf.scan(step, inputs, list(start))
    return states


def _projected(x: tf.Tensor, weight: Array | None, bias: Array | None) -> tf.Tensor:
    y = tf.tensordot(x, tf.transpose(tensor(weight)), 1)
    return y if bias is None else y + tensor(bias)
