"""Operations that take some of the values: slices, positions, rows of a table."""

from __future__ import annotations

from itertools import pairwise
from numbers import Integral
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import layers, ops

from mobilezoo.graph.call import Call, Unsupported
from mobilezoo.graph.rules._checks import as_sequence, keep_batch
from mobilezoo.graph.rules.expansion import expands
from mobilezoo.graph.rules.table import layer_rule, operation_rule
from mobilezoo.graph.variables import weight_of

# the second is of Keras 3.13
_EMBEDDINGS = {layers.Embedding, getattr(layers, "ReversibleEmbedding", layers.Embedding)}


@operation_rule("GetItem", any_dtype=True)
def get_item(call: Call) -> Any:
    """x[key] with slices, whole numbers, None and `...`."""
    key = call.argument(1, "key")
    key = tuple(key) if isinstance(key, (list, tuple)) else (key,)
    plan = _plan(call, key)
    sliced = tuple(item.size for item in plan)
    name = call.recorder.operand(call.x)
    if any(not item.whole for item in plan):
        name = call.add(
            "slice",
            name,
            shape=sliced,
            suffix="slice",
            begin=tuple(item.begin for item in plan),
            end=tuple(item.end for item in plan),
            strides=tuple(item.step for item in plan),
        )
    made = tuple(call.outputs[0].shape)
    return name if made == sliced else call.add("reshape", name)


class _Range(NamedTuple):
    begin: int
    end: int
    step: int
    size: int | None
    whole: bool


def _plan(call: Call, key: tuple[Any, ...]) -> list[_Range]:
    """What is taken of each axis of x."""
    shape = tuple(call.x.shape)
    items = [item for item in key if item is not None]
    if Ellipsis in items:
        at = items.index(Ellipsis)
        missing = len(shape) - len(items) + 1
        items[at : at + 1] = [slice(None)] * missing
    items += [slice(None)] * (len(shape) - len(items))
    if len(items) > 0 and shape[0] is None:
        keep_batch(call, isinstance(items[0], slice) and items[0] == slice(None))
    return [_range(item, size) for item, size in zip(items, shape, strict=True)]


def _range(item: Any, size: int | None) -> _Range:
    if isinstance(item, slice) and item == slice(None):
        return _Range(0, 0 if size is None else size, 1, size, True)
    if size is None:
        raise Unsupported("it cuts a side whose size is free; pass input_shape")
    if isinstance(item, slice):
        begin, end, step = item.indices(int(size or 0))
        if step < 1:
            raise Unsupported("a slice that runs backwards is not supported; use keras.ops.flip")
        return _Range(begin, end, step, len(range(begin, end, step)), False)
    if not isinstance(item, Integral):
        raise Unsupported("indexing by a tensor is not supported; use keras.ops.take")
    at = int(item) % int(size or 1)
    return _Range(at, at + 1, 1, 1, False)


@operation_rule("Flip", any_dtype=True)
def flip(call: Call) -> str:
    """Axes in reverse order."""
    axis, rank = call.operation.axis, len(call.x.shape)
    axes = range(rank) if axis is None else [item % rank for item in as_sequence(axis)]
    keep_batch(call, 0 not in axes)
    return call.add("flip", call.recorder.operand(call.x), axes=tuple(sorted(axes)))


@operation_rule("Take", any_dtype=True)
def take(call: Call) -> Any:
    """Positions along an axis, known when the file is written."""
    indices, axis = call.argument(1, "indices"), call.operation.axis
    if isinstance(indices, keras.KerasTensor):
        if axis != 0 or isinstance(call.x, keras.KerasTensor):
            raise Unsupported("positions that the model computes may choose rows of a table only")
        table = {"table": weight_of(call.x)}
        return call.add("embedding", call.recorder.operand(indices), weights=table)
    if axis is None:
        raise Unsupported("take without an axis mixes the batch; pass axis")
    rank, array = len(call.x.shape), np.asarray(indices)
    axis %= rank
    keep_batch(call, axis != 0)
    if array.ndim == 0:
        return call.x[(*(slice(None),) * axis, int(array))]
    if array.ndim > 1:
        raise Unsupported("take with more than one axis of positions is not supported")
    positions = tuple(int(item) % call.x.shape[axis] for item in array)
    return call.add("gather", call.recorder.operand(call.x), indices=positions, axis=axis)


@layer_rule(*_EMBEDDINGS)
def embedding(call: Call) -> str:
    """Rows of a table, chosen by whole numbers (batch, ...) -> (batch, ..., d)."""
    layer = call.operation
    if call.kwargs.get("reverse"):
        raise Unsupported("an embedding in reverse is not supported; use a Dense layer")
    if getattr(layer, "quantization_mode", None):
        raise Unsupported("its weights are quantized; export the model before model.quantize()")
    table = weight_of(layer.embeddings)
    return call.add("embedding", call.recorder.operand(call.x), weights={"table": table})


@expands("Split")
def split(operation: Any, x: Any) -> Any:
    """Parts along an axis: so many, or up to given positions."""
    axis = operation.axis % len(x.shape)
    size, given = x.shape[axis], operation.indices_or_sections
    inner = range(size // given, size, size // given) if isinstance(given, int) else given
    bounds = [0, *inner, size]
    front = (slice(None),) * axis
    return [x[(*front, slice(first, last))] for first, last in pairwise(bounds)]


@expands("Unstack")
def unstack(operation: Any, x: Any) -> Any:
    """The slices along an axis."""
    axis = operation.axis % len(x.shape)
    front = (slice(None),) * axis
    return [x[(*front, i)] for i in range(x.shape[axis])]


@expands("Roll")
def roll(operation: Any, x: Any) -> Any:
    """Elements shifted along axes; what leaves one end comes in at the other."""
    if operation.axis is None:
        raise Unsupported("roll without an axis mixes the batch; pass axis")
    axes, shifts = as_sequence(operation.axis), as_sequence(operation.shift)
    for axis, shift in zip(axes, shifts, strict=True):
        front = (slice(None),) * (axis % len(x.shape))
        at = -shift % x.shape[axis]
        if at:
            x = ops.concatenate([x[(*front, slice(at, None))], x[(*front, slice(0, at))]], axis)
    return x
