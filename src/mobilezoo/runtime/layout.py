"""NCHW outside, NHWC inside.

MIL's axes are (n, c, h, w); TensorFlow's CPU kernels want (n, h, w, c). An op that profits
takes `channels_last(x)` and returns `channels_first(y)`. While a graph is traced, a tensor
that `channels_first` made still knows the `y` it came from, its twin, and `channels_last`
hands that twin back: the two transposes meet, nobody reads them, and TensorFlow drops them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from mobilezoo.runtime.arithmetic import Array, Operand, tensor

TO_LAST = (0, 2, 3, 1)  # NCHW -> NHWC
TO_FIRST = (0, 3, 1, 2)  # NHWC -> NCHW


def channels_last(x: Operand) -> tf.Tensor:
    """(n, c, h, w) -> (n, h, w, c): the twin where there is one, else a transpose."""
    if isinstance(x, np.ndarray):
        return tensor(x.transpose(TO_LAST))
    twin = _twin(x)
    return tf.transpose(x, TO_LAST) if twin is None else twin


def channels_first(y: tf.Tensor) -> tf.Tensor:
    """(n, h, w, c) -> (n, c, h, w); `y` becomes the twin of the result."""
    return tf.transpose(y, TO_FIRST)


def volumes_last(x: Operand) -> tf.Tensor:
    """(n, c, d, h, w) -> (n, d, h, w, c)."""
    return tf.transpose(tensor(x), (0, 2, 3, 4, 1))


def volumes_first(y: tf.Tensor) -> tf.Tensor:
    """(n, d, h, w, c) -> (n, c, d, h, w)."""
    return tf.transpose(y, (0, 4, 1, 2, 3))


def is_stored_last(x: Operand) -> bool:
    """Whether `channels_last(x)` costs nothing."""
    return _twin(x) is not None


def in_stored_order(x: tf.Tensor) -> tf.Tensor:
    """`x` with its axes in the order in which they are stored, where that does not matter."""
    twin = _twin(x)
    return x if twin is None else twin


def last_axis_of(axis: int) -> int:
    """Where axis `axis` of (n, c, h, w) lies in (n, h, w, c); negative axes count from the end."""
    return TO_LAST.index(axis % 4)


def reorder(per_axis: Sequence[object]) -> list[object]:
    """One item per axis of (n, c, h, w) -> one item per axis of (n, h, w, c)."""
    return [per_axis[axis] for axis in TO_LAST]


def elementwise(function: Callable[..., tf.Tensor], *operands: Operand) -> tf.Tensor:
    """Apply a broadcasting `function` in the layout in which the operands are stored."""
    if any(is_stored_last(x) for x in operands) and all(_rank(x) <= 4 for x in operands):
        return channels_first(function(*(_spread_last(x) for x in operands)))
    return function(*(_tensor_or_number(x) for x in operands))


def along(axis: int, x: tf.Tensor, function: Callable[[tf.Tensor, int], tf.Tensor]) -> tf.Tensor:
    """Apply `function(x, axis)`, which keeps the axes' order, in the layout of `x`."""
    if is_stored_last(x):
        return channels_first(function(channels_last(x), last_axis_of(axis)))
    return function(x, axis)


def _twin(x: Operand) -> tf.Tensor | None:
    """The (n, h, w, c) tensor whose transpose `x` is, if the graph says so."""
    if not tf.is_symbolic_tensor(x) or x.op.type != "Transpose":
        return None
    source, perm = x.op.inputs
    order = tf.get_static_value(perm)
    return source if order is not None and tuple(order) == TO_FIRST else None


def _rank(x: Operand) -> int:
    return len(x.shape) if hasattr(x, "shape") else np.ndim(x)


def _tensor_or_number(x: Operand) -> Operand:
    # a Python number takes its type from the other operand
    return x if isinstance(x, (bool, int, float)) else tensor(x)


def _spread_last(x: Operand) -> Operand:
    """An operand that broadcasts against (n, c, h, w), made to broadcast against NHWC."""
    missing = 4 - _rank(x)
    if missing == 4:
        return _tensor_or_number(x)
    if isinstance(x, np.ndarray):
        if x.size == 1:  # (1, 1, 1, 1) after a bias is more than TensorFlow's optimiser can bear
            return tensor(x.reshape(()))
        return channels_last(_with_leading_ones(x, missing))
    for _ in range(missing):
        x = tf.expand_dims(x, 0)
    return channels_last(x)


def _with_leading_ones(x: Array, count: int) -> Array:
    return x.reshape((1,) * count + x.shape)
