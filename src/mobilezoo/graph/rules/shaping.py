"""Operations that move values and compute nothing."""

from __future__ import annotations

import math
from numbers import Integral
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from mobilezoo.graph.call import Call, Unsupported
from mobilezoo.graph.node import Shape
from mobilezoo.graph.rules._checks import as_sequence, channels_last, keep_batch
from mobilezoo.graph.rules.expansion import expands
from mobilezoo.graph.rules.table import layer_rule, operation_rule

_BORDERS = {"reflect": 1, "symmetric": 0}  # elements at the end that are not repeated


@operation_rule("ExpandDims", "Reshape", "Squeeze", any_dtype=True)
def reshape(call: Call) -> Any:
    """Another shape for the same elements in row-major order (also expand_dims, squeeze)."""
    given, made = call.x.shape, _completed(call.x.shape, call.outputs[0].shape)
    if given[0] is None:  # each example must keep its own elements
        known = None not in given[1:] and None not in made[1:]
        keep_batch(call, len(made) > 0 and made[0] is None)
        keep_batch(call, not known or _elements(given) == _elements(made))
    name = call.add("reshape", call.recorder.operand(call.x), shape=made)
    tensor = keras.KerasTensor(made, call.outputs[0].dtype)
    call.recorder.bind(tensor, name)
    return tensor


def _completed(given: Shape, made: Shape) -> Shape:
    """The one size that Keras leaves open, as after reshape(x, (shape(x)[0], -1)), worked out."""
    if len(made) < 2 or made[0] is not None or None in given[1:] or made[1:].count(None) != 1:
        return tuple(made)
    rest = _elements(given) // _elements(made)
    return tuple(rest if i and size is None else size for i, size in enumerate(made))


def _elements(shape: Shape) -> int:
    """Of one example, sizes that are open left out."""
    return math.prod(size for size in shape[1:] if size is not None)


@operation_rule("Transpose", any_dtype=True)
def transpose(call: Call) -> str:
    """Axis i of the output is axis axes[i] of the input; the batch axis stays."""
    rank = len(call.x.shape)
    axes = call.operation.axes
    axes = tuple(range(rank))[::-1] if axes is None else tuple(axis % rank for axis in axes)
    keep_batch(call, axes[0] == 0)
    return call.add("transpose", call.recorder.operand(call.x), axes=axes)


@operation_rule("Concatenate", any_dtype=True)
def concat(call: Call) -> str:
    """Tensors joined along one axis."""
    axis = call.operation.axis % len(call.outputs[0].shape)
    keep_batch(call, axis != 0)
    names = [call.recorder.operand(item, call.outputs[0].dtype) for item in call.x]
    return call.add("concat", *names, axis=axis)


@operation_rule("Pad")
def pad(call: Call) -> Any:
    """Something around a tensor; pairs (before, after), one per axis."""
    operation = call.operation
    widths = tuple((int(before), int(after)) for before, after in operation.pad_width)
    if len(widths) == 1:
        widths *= len(call.x.shape)
    keep_batch(call, not any(widths[0]))
    if operation.mode == "constant":
        value = float(call.argument(1, "constant_values") or 0.0)
        return call.add("pad", call.recorder.operand(call.x), widths=widths, value=value)
    if operation.mode not in _BORDERS:
        raise Unsupported(
            f"padding mode {operation.mode!r} is not supported; use constant, reflect or symmetric"
        )
    x = call.x
    for axis, pair in enumerate(widths):
        if any(pair):
            x = _mirrored(x, axis, pair, _BORDERS[operation.mode])
    return x


def _mirrored(x: Any, axis: int, pair: tuple[int, int], border: int) -> Any:
    """The ends of an axis, mirrored; `border`: how many elements at the end are not repeated."""
    before, after = pair
    size = x.shape[axis]
    front = (slice(None),) * axis
    parts = [x]
    if before:
        parts.insert(0, ops.flip(x[(*front, slice(border, border + before))], axis))
    if after:
        parts.append(ops.flip(x[(*front, slice(size - border - after, size - border))], axis))
    return ops.concatenate(parts, axis)


@layer_rule(layers.Cropping1D, layers.Cropping2D)
def cropping(call: Call) -> str:
    """Cropping1D and Cropping2D: the ends of the spatial axes taken off."""
    layer = call.operation
    pairs = [layer.cropping] if len(call.x.shape) == 3 else channels_last(layer).cropping
    widths = ((0, 0), *(tuple(pair) for pair in pairs), (0, 0))
    return call.add("crop", call.recorder.operand(call.x), widths=widths)


@operation_rule("Tile", any_dtype=True)
def tile(call: Call) -> str:
    """The tensor, so many times along each axis."""
    rank = len(call.x.shape)
    repeats = as_sequence(call.operation.repeats)
    repeats = (*(1,) * (rank - len(repeats)), *(int(count) for count in repeats))
    keep_batch(call, len(repeats) == rank and repeats[0] == 1)
    return call.add("tile", call.recorder.operand(call.x), repeats=tuple(repeats))


@operation_rule("BroadcastTo", any_dtype=True)
def broadcast_to(call: Call) -> Any:
    """The tensor, repeated along axes of size 1."""
    shape, wanted = tuple(call.x.shape), tuple(call.outputs[0].shape)
    if len(shape) < len(wanted):
        raise Unsupported(
            "broadcast_to with new axes is not supported; use keras.ops.reshape first"
        )
    keep_batch(call, shape[0] is not None and wanted[0] == shape[0])
    counts = [1 if have == want else want for have, want in zip(shape, wanted, strict=True)]
    return ops.tile(call.x, counts)


@expands("Repeat")
def repeat_elements(operation: Any, x: Any) -> Any:
    """Each element several times in a row."""
    count, axis = operation.repeats, operation.axis
    if axis is None or not isinstance(count, Integral):
        raise Unsupported("repeat needs an axis and one number of repeats")
    axis %= len(x.shape)
    counts = [1] * (len(x.shape) + 1)
    counts[axis + 1] = int(count)
    shape = list(x.shape)
    shape[axis] *= int(count)
    spread = ops.tile(ops.expand_dims(x, axis + 1), counts)
    return ops.reshape(spread, [-1 if size is None else size for size in shape])


@expands("Stack")
def stack(operation: Any, x: Any) -> Any:
    """Tensors side by side along a new axis."""
    return ops.concatenate([ops.expand_dims(item, operation.axis) for item in x], operation.axis)


@expands("Swapaxes")
def swapaxes(operation: Any, x: Any) -> Any:
    """Two axes exchanged."""
    order = list(range(len(x.shape)))
    first, second = operation.axis1 % len(order), operation.axis2 % len(order)
    order[first], order[second] = order[second], order[first]
    return ops.transpose(x, order)


@expands("Moveaxis")
def moveaxis(operation: Any, x: Any) -> Any:
    """Axes moved to other places."""
    rank = len(x.shape)
    source = [axis % rank for axis in operation.source]
    order = [axis for axis in range(rank) if axis not in source]
    for place, axis in sorted(
        zip((item % rank for item in operation.destination), source, strict=True)
    ):
        order.insert(place, axis)
    return ops.transpose(x, order)


@expands("Tril")
def tril(operation: Any, x: Any) -> Any:
    """The lower triangle of matrices."""
    return x * np.tril(np.ones(x.shape[-2:], np.float32), operation.k)


@expands("Triu")
def triu(operation: Any, x: Any) -> Any:
    """The upper triangle of matrices."""
    return x * np.triu(np.ones(x.shape[-2:], np.float32), operation.k)


@expands("ZerosLike")
def zeros_like(_: Any, x: Any, dtype: Any = None) -> Any:
    """Zeros of the shape of x."""
    return x * 0.0


@expands("OnesLike")
def ones_like(_: Any, x: Any, dtype: Any = None) -> Any:
    """Ones of the shape of x."""
    return x * 0.0 + 1.0


@layer_rule(layers.TimeDistributed)
def time_distributed(call: Call) -> Any:
    """TimeDistributed: its layer applied to each step, (batch, steps, ...)."""
    steps = call.x.shape[1]
    if steps is None:
        raise Unsupported("TimeDistributed needs a known number of steps; pass input_shape")
    return ops.stack([call.operation.layer(call.x[:, step]) for step in range(steps)], axis=1)
