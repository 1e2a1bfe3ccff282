"""Elements put, or worked in, by place. Negative places count from the end."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import tensorflow as tf

from mobilezoo.errors import UnsupportedOpError
from mobilezoo.runtime.arithmetic import Operand, tensor
from mobilezoo.runtime.ops._axes import from_the_start

__all__ = ["scatter", "scatter_along_axis", "scatter_nd", "slice_update"]


def scatter(
    data: Operand,
    indices: Operand,
    updates: Operand,
    axis: int = 0,
    mode: str = "add",
    validate_indices: bool = False,
) -> tf.Tensor:
    """Work `updates` into `data` at positions along `axis`.

    data (*a, d, *b), indices (i,), updates (*a, i, *b) -> (*a, d, *b). The `mode` is update, add,
    sub, mul, div, max or min; where a position comes several times all but update count each.
    """
    data, places = tensor(data), tensor(indices)
    axis = range(len(data.shape))[int(axis)]
    order = [axis, *(i for i in range(len(data.shape)) if i != axis)]
    back = [order.index(i) for i in range(len(order))]
    y = scatter_nd(
        tf.transpose(data, order),
        tf.reshape(places, (-1, 1)),
        tf.transpose(tensor(updates), order),
        mode,
    )
    return tf.transpose(y, back)


def scatter_along_axis(
    data: Operand,
    indices: Operand,
    updates: Operand,
    axis: int = 0,
    mode: str = "add",
    validate_indices: bool = False,
) -> tf.Tensor:
    """Work updates[..., i, ...] into data[..., indices[..., i, ...], ...], i along `axis`.

    data (*a, d, *b), indices and updates (*a, i, *b) -> (*a, d, *b); `mode` as in `scatter`.
    """
    data, places = tensor(data), tensor(indices)
    sizes = tf.shape(places)
    grid = tf.meshgrid(*(tf.range(sizes[i]) for i in range(len(places.shape))), indexing="ij")
    grid[int(axis)] = from_the_start(places, tf.shape(data)[axis])
    return scatter_nd(data, tf.stack(grid, -1), updates, mode)


def scatter_nd(
    data: Operand,
    indices: Operand,
    updates: Operand,
    mode: str = "add",
    validate_indices: bool = False,
) -> tf.Tensor:
    """Work `updates` into parts of `data`.

    data (*p, *rest), indices (*i, number of p), updates (*i, *rest) -> the shape of data; `mode`
    as in `scatter`.
    """
    if mode not in _MODES:
        raise UnsupportedOpError(f"scatter with mode={mode!r}; known are {', '.join(_MODES)}")
    data, places = tensor(data), tensor(indices)
    places = from_the_start(places, tf.shape(data)[: places.shape[-1]])
    return _MODES[mode](data, places, tf.cast(tensor(updates), data.dtype))


def slice_update(
    x: Operand,
    update: Operand,
    begin: Operand,
    end: Operand,
    stride: Sequence[int] | None = None,
    begin_mask: Sequence[bool] | None = None,
    end_mask: Sequence[bool] | None = None,
    squeeze_mask: Sequence[bool] | None = None,
) -> tf.Tensor:
    """Return x after x[begin[0]:end[0]:stride[0], ...] = update; the rest as in slice_by_index."""
    x = tensor(x)
    rank = len(x.shape)
    return tf.raw_ops.TensorStridedSliceUpdate(
        input=x,
        begin=tf.cast(tensor(begin), tf.int32),
        end=tf.cast(tensor(end), tf.int32),
        strides=[1] * rank if stride is None else [int(step) for step in stride],
        value=tf.cast(tensor(update), x.dtype),
        begin_mask=_bits(begin_mask),
        end_mask=_bits(end_mask),
        shrink_axis_mask=_bits(squeeze_mask),
    )


def _bits(mask: Sequence[bool] | None) -> int:
    return 0 if mask is None else sum(1 << axis for axis, flag in enumerate(mask) if flag)


def _product(data: tf.Tensor, places: tf.Tensor, updates: tf.Tensor) -> tf.Tensor:
    """For each part of data the product of all its updates, 1 where there are none."""
    depth = places.shape[-1]
    sizes, rest = tf.shape(data)[:depth], tf.shape(data)[depth:]
    with tf.control_dependencies([tf.gather_nd(data, places)]):  # which are all inside
        rows = tf.reduce_sum(places * tf.math.cumprod(sizes, exclusive=True, reverse=True), -1)
        parts = tf.reshape(updates, tf.concat([[tf.size(rows)], rest], 0))
        made = tf.math.unsorted_segment_prod(parts, tf.reshape(rows, [-1]), tf.reduce_prod(sizes))
    return tf.reshape(made, tf.shape(data))


def _divided(data: tf.Tensor, places: tf.Tensor, updates: tf.Tensor) -> tf.Tensor:
    divide = tf.realdiv if data.dtype.is_floating else tf.truncatediv
    return divide(data, _product(data, places, updates))


_MODES: dict[str, Callable[..., tf.Tensor]] = {
    "update": tf.tensor_scatter_nd_update,
    "add": tf.tensor_scatter_nd_add,
    "sub": tf.tensor_scatter_nd_sub,
    "mul": lambda data, places, updates: data * _product(data, places, updates),
    "div": _divided,
    "max": tf.tensor_scatter_nd_max,
    "min": tf.tensor_scatter_nd_min,
}
