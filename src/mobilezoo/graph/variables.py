"""Keras variables as weights that are read when needed, on any backend."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from mobilezoo.graph.node import Array, Weight


def weight_of(value: Any) -> Weight:
    """A Keras variable, backend tensor, array or number as a weight that is read when needed."""
    if isinstance(value, keras.Variable):
        return Weight(tuple(value.shape), lambda: _read(value), (id(value),))
    return Weight.of(keras.ops.convert_to_numpy(value) if hasattr(value, "shape") else value)


def _read(variable: keras.Variable) -> Array:
    """The values in float32 or wider, without a copy where backend and type allow it."""
    value = variable.value
    if keras.backend.backend() == "torch":
        value = keras.ops.convert_to_numpy(value)
    if hasattr(value, "read_value"):  # TensorFlow: the tensor shares the variable's buffer
        value = value.read_value()
    values = np.asarray(value)
    is_narrow = values.dtype.itemsize < 4 and not np.issubdtype(values.dtype, np.integer)
    return values.astype(np.float32) if is_narrow else values
