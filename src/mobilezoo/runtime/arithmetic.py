"""The one place that decides in which precision a program is computed.

Policy: float32 throughout. A float16 constant is widened when it is read and a cast between
floating types changes nothing, so a float16 file computes what its rounded weights say,
without the rounding of intermediate values that a device adds. Integers keep their type.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from mobilezoo.errors import UnsupportedOpError

Array: TypeAlias = npt.NDArray[Any]
# what an op takes: a tensor of the program, a constant of the file, or a number
Operand: TypeAlias = Any

# constants up to this size stay in the graph, where TensorFlow can fold them
_EMBEDDED_BYTES = 1024

_CAST_TYPES = {
    "fp16": tf.float32,
    "fp32": tf.float32,
    "fp64": tf.float32,
    "int8": tf.int8,
    "uint8": tf.uint8,
    "int16": tf.int16,
    "uint16": tf.uint16,
    "int32": tf.int32,
    "bool": tf.bool,
}


def widen(value: Any) -> Any:
    """A constant in the precision of the computation: floating arrays as float32."""
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        return value.astype(np.float32, copy=False)
    return value


def tensor(x: Operand) -> tf.Tensor:
    """`x` as a tensor; a large constant is kept outside the graph that is being traced.

    The graph then holds a reference instead of a copy, which a GraphDef would limit to 2 GB.
    """
    if isinstance(x, tf.Tensor):
        return x
    array = widen(np.asarray(x, np.int32 if type(x) is int else None))
    if array.nbytes <= _EMBEDDED_BYTES:
        return tf.constant(array)
    with tf.init_scope():
        return tf.constant(array)  # a copy in row-major order


def transposed(x: Array, axes: Sequence[int]) -> tf.Tensor:
    """A constant with its axes in another order, brought into it once, before the graph runs."""
    if x.nbytes <= _EMBEDDED_BYTES:
        return tensor(x.transpose(axes))
    with tf.init_scope():
        return tf.transpose(tf.constant(widen(x)), axes)  # on all cores, as NumPy would not


def cast_type(dtype: str) -> tf.DType:
    """The TensorFlow type in which a value that MIL calls `dtype` is kept."""
    if dtype not in _CAST_TYPES:
        raise UnsupportedOpError(f"cast to {dtype!r}; known are {', '.join(_CAST_TYPES)}")
    return _CAST_TYPES[dtype]
