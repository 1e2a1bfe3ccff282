"""Layers that go along a sequence: x (s, b, i), step by step.

"reverse" goes from the end, and puts out in the order in which it goes; only the second half of
"bidirectional" is put in the order of x.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import tensorflow as tf

from mobilezoo.errors import UnsupportedOpError
from mobilezoo.runtime import limits
from mobilezoo.runtime.arithmetic import Array, Operand, tensor
from mobilezoo.runtime.ops._sizes import at_most

__all__ = ["gru", "lstm", "rnn"]

_ACTIVATIONS: dict[str, Callable[[tf.Tensor], tf.Tensor]] = {
    "linear": tf.identity,
    "relu": tf.nn.relu,
    "scaled_tanh": tf.tanh,
    "sigmoid": tf.sigmoid,
    "tanh": tf.tanh,
    **dict.fromkeys(
        ("hard_sigmoid", "sigmoid_hard"), lambda x: tf.clip_by_value(0.2 * x + 0.5, 0.0, 1.0)
    ),
}


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
    act, recurrent = _activation(activation), tensor(weight_hh)

    def step(states: Sequence[tf.Tensor], given: tf.Tensor) -> list[tf.Tensor]:
        return [act(given + tf.matmul(states[0], recurrent, transpose_b=True))]

    inputs = _projected(_directed(x, direction), weight_ih, bias)
    (hidden,) = _run(step, inputs, [tensor(initial_h)])
    return _sequence(hidden, output_sequence), hidden[-1]


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
    act, gate = _activation(activation), _activation(recurrent_activation)
    r_reset, r_new, r_update = tf.split(tensor(weight_hh), 3)
    inner = tf.zeros(()) if bias is None or not reset_after else tensor(bias)
    reset_bias, new_bias, update_bias = tf.split(inner, 3) if len(inner.shape) else [inner] * 3

    def step(states: Sequence[tf.Tensor], given: tf.Tensor) -> list[tf.Tensor]:
        h = states[0]
        x_reset, x_new, x_update = tf.split(given, 3, -1)
        reset = gate(x_reset + tf.matmul(h, r_reset, transpose_b=True) + reset_bias)
        update = gate(x_update + tf.matmul(h, r_update, transpose_b=True) + update_bias)
        if reset_after:
            new = act(x_new + reset * (tf.matmul(h, r_new, transpose_b=True) + new_bias))
        else:
            new = act(x_new + tf.matmul(reset * h, r_new, transpose_b=True))
        return [(1.0 - update) * new + update * h]

    inputs = _projected(_directed(x, direction), weight_ih, None if reset_after else bias)
    inputs = inputs if input_bias is None else inputs + tensor(input_bias)
    (hidden,) = _run(step, inputs, [tensor(initial_h)])
    return _sequence(hidden, output_sequence), hidden[-1]


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
        _lstm(_directed(x, way), start, weights, forms, clip)
        for (way, *weights), start in zip(ways, starts, strict=True)
    ]
    sequences = [_sequence(hidden, output_sequence) for hidden, _ in made]
    sequences[1:] = [tf.reverse(back, [0]) for back in sequences[1:]]
    return (
        tf.concat(sequences, -1),
        tf.concat([hidden[-1] for hidden, _ in made], -1),
        tf.concat([cell[-1] for _, cell in made], -1),
    )


def _lstm(
    x: tf.Tensor,
    start: Sequence[tf.Tensor],
    weights: Sequence[Array | None],
    forms: Sequence[Callable[[tf.Tensor], tf.Tensor]],
    clip: float | None,
) -> list[tf.Tensor]:
    """One way along the sequence: all h and all c."""
    (weight_ih, weight_hh, bias, peephole), (gate, cell_form, form) = weights, forms
    recurrent = tensor(weight_hh)
    peeps = [tf.zeros(())] * 3 if peephole is None else tf.split(tensor(peephole), 3)

    def step(states: Sequence[tf.Tensor], given: tf.Tensor) -> list[tf.Tensor]:
        h, c = states
        parts = tf.split(given + tf.matmul(h, recurrent, transpose_b=True), 4, -1)
        enter, forget = (gate(parts[i] + c * peeps[i]) for i in (0, 1))
        c = forget * c + enter * cell_form(parts[3])
        if clip is not None:
            c = tf.clip_by_value(c, -clip, clip)
        return [gate(parts[2] + c * peeps[2]) * form(c), c]

    return _run(step, _projected(x, weight_ih, bias), start)


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


def _directed(x: Operand, direction: str) -> tf.Tensor:
    if direction not in ("forward", "reverse"):
        raise UnsupportedOpError(f"direction={direction!r}")
    return tensor(x) if direction == "forward" else tf.reverse(tensor(x), [0])


def _sequence(hidden: tf.Tensor, whole: bool) -> tf.Tensor:
    return hidden if whole else hidden[-1:]


def _activation(name: str) -> Callable[[tf.Tensor], tf.Tensor]:
    if name.lower() not in _ACTIVATIONS:
        raise UnsupportedOpError(f"activation {name!r}; known are {', '.join(_ACTIVATIONS)}")
    return _ACTIVATIONS[name.lower()]
