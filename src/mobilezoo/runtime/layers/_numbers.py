"""Numbers that a layer must know while a network is traced."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from mobilezoo.errors import UnsupportedOpError
from mobilezoo.runtime.arithmetic import Array, Operand, tensor


def known(computed: Operand, use: str) -> Array:
    """What is computed from shapes and constants alone.

    Args:
        computed: a value of the network.
        use: what it is, for messages: "topK with a number".

    Raises:
        UnsupportedOpError: it depends on the values of the inputs.
    """
    value = tf.get_static_value(tensor(computed))
    if value is None:
        raise UnsupportedOpError(f"{use} that depends on the inputs")
    return np.asarray(value)


def known_number(computed: Operand, use: str) -> float:
    """The same, of one number: () or (1,)."""
    return float(known(computed, use).reshape(()))
