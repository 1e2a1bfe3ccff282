"""Layers that go along a sequence: x (s, b, i), step by step.

"reverse" goes from the end, and puts out in the order in which it goes; only the second half of
"bidirectional" is put in the order of x.
"""

from __future__ import annotations

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

__all__ = ["gru", "lstm", "rnn"]

_SPELLINGS = {"hard_sigmoid": "sigmoid_hard"}


def rnn(
    x: Operand,
    initial_h: Operand,
    weight_ih: Array,
    weight_hh: Array,
    bias: Array | None = None,
    direction: str = "forward",
    output_sequence: bool = False,
    activation: str = "tanh",
) -> tuple[tf.Tensor, tf.Tensor]:
    """Step h = activation(W_ih x + W_hh h + bias).

    x (s, b, i), initial_h (b, h), weight_ih (h, i), weight_hh (h, h), bias (h,) -> all h (s, b, h),
    or the last one (1, b, h) unless `output_sequence`, and the last one (b, h).
    """
    hidden = simple_steps(
        directed(x, direction), tensor(initial_h), weight_ih, weight_hh, bias,
        _activation(activation),
    )  # fmt: skip
    return put_out(hidden, output_sequence), hidden[-1]


def gru(
    x: Operand,
    initial_h: Operand,
    weight_ih: Array,
    weight_hh: Array,
    bias: Array | None = None,
    direction: str = "forward",
    output_sequence: bool = False,
    recurrent_activation: str = "sigmoid",
    activation: str = "tanh",
    reset_after: bool = False,
    input_bias: Array | None = None,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Step r, z = gate(W x + R h + bias), o = act(W x + R (r h) + bias), h = (1 - z) o + z h.

    x (s, b, i), initial_h (b, h), weight_ih (3 h, i), weight_hh (3 h, h) and bias (3 h,) in the
    order r, o, z -> as `rnn`. With `reset_after` o = act(W x + input_bias + r (R h + bias));
    `input_bias` is added to the others, too.
    """
    hidden = gated_steps(
        directed(x, direction), tensor(initial_h), weight_ih, weight_hh, bias,
        _activation(recurrent_activation), _activation(activation), reset_after, input_bias,
    )  # fmt: skip
    return put_out(hidden, output_sequence), hidden[-1]


def lstm(
    x: Operand,
    initial_h: Operand,
    initial_c: Operand,
    weight_ih: Array,
    weight_hh: Array,
    bias: Array | None = None,
    peephole: Array | None = None,
    weight_ih_back: Array | None = None,
    weight_hh_back: Array | None = None,
    bias_back: Array | None = None,
    peephole_back: Array | None = None,
    direction: str = "forward",
    output_sequence: bool = False,
    recurrent_activation: str = "sigmoid",
    cell_activation: str = "tanh",
    activation: str = "tanh",
    clip: float | None = None,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Step c = f c + i cell(v), h = o act(c), with i, f, o = gate(v + p c), v = W x + R h + bias.

    x (s, b, i), initial_h and initial_c (b, d h), weight_ih (4 h, i), weight_hh (4 h, h) and bias
    (4 h,) in the order i, f, o, cell, peephole (3 h,) -> all h (s, b, d h), or the last ones
    (1, b, d h) unless `output_sequence`, the last h and the last c (b, d h). d is 2 for
    "bidirectional", whose second half has weights of its own. c is kept within -clip to clip;
    o's peephole sees the new c.
    """
    forms = [_activation(name) for name in (recurrent_activation, cell_activation, activation)]
    ways = [(direction, weight_ih, weight_hh, bias, peephole)]
    if direction == "bidirectional":
        if weight_ih_back is None or weight_hh_back is None:
            raise ValueError("bidirectional without weights for the way back")
        back = (weight_ih_back, weight_hh_back, bias_back, peephole_back)
        ways = [("forward", *ways[0][1:]), ("reverse", *back)]
    starts = zip(*(tf.split(tensor(start), len(ways), -1) for start in (initial_h, initial_c)),
                 strict=True)  # fmt: skip
    made = [
        lstm_steps(directed(x, way), start, weights, forms, clip)
        for (way, *weights), start in zip(ways, starts, strict=True)
    ]
    sequences = [put_out(hidden, output_sequence) for hidden, _ in made]
    sequences[1:] = [tf.reverse(back, [0]) for back in sequences[1:]]
    return (
        tf.concat(sequences, -1),
        tf.concat([hidden[-1] for hidden, _ in made], -1),
        tf.concat([cell[-1] for _, cell in made], -1),
    )


def _activation(name: str) -> Form:
    spelled = _SPELLINGS.get(name.lower(), name.lower())
    if spelled not in FORMS:
        raise UnsupportedOpError(
            f"activation {name!r}; known are {', '.join([*FORMS, *_SPELLINGS])}"
        )
    return FORMS[spelled]
