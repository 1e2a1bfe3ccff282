"""Matrix products, einsum and attention."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from mobilezoo.graph.call import Call, Unsupported
from mobilezoo.graph.node import Array, Weight
from mobilezoo.graph.rules._checks import kernel_and_bias
from mobilezoo.graph.rules.expansion import expands
from mobilezoo.graph.rules.table import layer_rule, operation_rule
from mobilezoo.graph.variables import weight_of

_NEVER = -3e4  # a score that softmax turns to 0, also in float16


@layer_rule(layers.Dense)
def dense(call: Call) -> Any:
    """Dense: x (..., d_in) @ kernel (d_in, units) + bias."""
    layer = call.operation
    if getattr(layer, "quantization_mode", None):
        raise Unsupported("its weights are quantized; export the model before model.quantize()")
    x = call.recorder.operand(call.x)
    y = call.add("dense", x, weights=kernel_and_bias(layer, layer.kernel))
    return call.then(layer.activation, y)


@operation_rule("Matmul", "Dot")
def matmul(call: Call) -> Any:
    """x1 (..., n, k) @ x2 (..., k, m); x2 may be a matrix that the model holds."""
    x1, x2 = call.argument(0, "x1"), call.argument(1, "x2")
    held = not isinstance(x2, keras.KerasTensor)
    if isinstance(x1, keras.KerasTensor) and held and len(x2.shape) == 2:
        kernel = {"kernel": weight_of(x2)}
        return call.add("dense", call.recorder.operand(x1), weights=kernel)
    if type(call.operation).__name__ == "Dot":
        raise Unsupported("dot of two computed tensors is not supported; use keras.ops.matmul")
    return call.add("matmul", call.operand(0, "x1"), call.operand(1, "x2"))


def along(x: Any, axis: int, matrix: Array) -> Any:
    """A matrix (made, side) times the spatial `axis` of x (batch, ..., channels)."""
    rank = len(x.shape)
    if axis == rank - 2:
        return ops.matmul(ops.convert_to_tensor(matrix), x)
    order = list(range(rank))
    order[axis], order[rank - 2] = order[rank - 2], order[axis]
    made = ops.matmul(ops.convert_to_tensor(matrix), ops.transpose(x, order))
    return ops.transpose(made, order)


@operation_rule("Einsum")
def einsum(call: Call) -> Any:
    """Two operands: transposed and reshaped until a matrix product does it."""
    subscripts = call.operation.subscripts.replace(" ", "")
    if "->" not in subscripts or "." in subscripts or len(call.args) != 2:
        raise Unsupported(
            f"einsum {subscripts!r} is not supported; it takes two operands, '->' and no '...'"
        )
    (a, b), out = subscripts.partition("->")[0].split(","), subscripts.partition("->")[2]
    x, y = call.args
    if len(set(a)) < len(a) or len(set(b)) < len(b):
        raise Unsupported(f"einsum {subscripts!r} repeats an axis, which is not supported")
    if not isinstance(x, keras.KerasTensor):
        (x, y), (a, b) = (y, x), (b, a)
    sizes = {**dict(zip(a, x.shape, strict=True)), **dict(zip(b, y.shape, strict=True))}
    x, a = _without(x, a, set(a) - set(b) - set(out))
    if isinstance(y, keras.KerasTensor):
        y, b = _without(y, b, set(b) - set(a) - set(out))
        return _product(x, a, y, b, out, sizes)
    if set(b) - set(a) - set(out) or set(a) & set(b) & set(out):
        return _product(x, a, ops.convert_to_tensor(weight_of(y).read()), b, out, sizes)
    return _product_with_weight(call, x, a, y, b, out, sizes)


def _without(x: Any, labels: str, gone: set[str]) -> tuple[Any, str]:
    """Sum over axes that nothing else has."""
    if not gone:
        return x, labels
    axes = tuple(i for i, label in enumerate(labels) if label in gone)
    return ops.sum(x, axes), "".join(label for label in labels if label not in gone)


def _product(x: Any, a: str, y: Any, b: str, out: str, sizes: dict[str, Any]) -> Any:
    """(batch, rows, inner) @ (batch, inner, columns), where each is a group of axes."""
    batch = [label for label in out if label in a and label in b]
    inner = [label for label in a if label in b and label not in out]
    rows = [label for label in a if label not in b]
    columns = [label for label in b if label not in a]
    x = _grouped(x, a, [batch, rows, inner], sizes)
    y = _grouped(y, b, [batch, inner, columns], sizes)
    made = _shaped(ops.matmul(x, y), [*batch, *rows, *columns], sizes)
    return _ordered(made, "".join([*batch, *rows, *columns]), out)


def _product_with_weight(
    call: Call, x: Any, a: str, y: Any, b: str, out: str, sizes: dict[str, Any]
) -> Any:
    """x (..., inner) @ kernel (inner, columns): a dense layer."""
    inner = [label for label in a if label in b]
    rows = [label for label in a if label not in b]
    columns = [label for label in b if label not in a]
    x = _ordered(x, a, "".join([*rows, *inner]))
    depth = math.prod(sizes[label] for label in inner)
    width = math.prod(sizes[label] for label in columns)
    x = _reshaped(x, (*(sizes[label] for label in rows), depth))
    stored = weight_of(y)
    order = [b.index(label) for label in (*inner, *columns)]
    kernel = Weight(
        (depth, width),
        lambda: np.ascontiguousarray(stored.read().transpose(order)).reshape(depth, width),
        stored.source and (*stored.source, *order, depth),
    )
    made = keras.KerasTensor((*x.shape[:-1], width), x.dtype)
    name = call.add("dense", call.recorder.operand(x), shape=made.shape, weights={"kernel": kernel})
    call.recorder.bind(made, name)
    made = _shaped(made, [*rows, *columns], sizes)
    return _ordered(made, "".join([*rows, *columns]), out)


def _grouped(x: Any, labels: str, groups: list[list[str]], sizes: dict[str, Any]) -> Any:
    """x with its axes in the order of the groups; the last two groups as one axis each."""
    x = _ordered(x, labels, "".join(label for group in groups for label in group))
    first, *last = groups
    merged = [math.prod(sizes[label] for label in group) for group in last]
    return _reshaped(x, (*(sizes[label] for label in first), *merged))


def _shaped(x: Any, labels: list[str], sizes: dict[str, Any]) -> Any:
    return _reshaped(x, tuple(sizes[label] for label in labels))


def _reshaped(x: Any, shape: tuple[Any, ...]) -> Any:
    """The batch's size is not known: -1."""
    if tuple(x.shape) == shape:
        return x
    return ops.reshape(x, tuple(-1 if size is None else size for size in shape))


def _ordered(x: Any, labels: str, wanted: str) -> Any:
    if labels == wanted:
        return x
    return ops.transpose(x, [labels.index(label) for label in wanted])


@expands("DotProductAttention")
def dot_product_attention(
    operation: Any,
    query: Any,
    key: Any,
    value: Any,
    bias: Any = None,
    mask: Any = None,
    scale: Any = None,
) -> Any:
    """Attention of (batch, length, heads, depth) to another sequence."""
    if mask is not None:
        raise Unsupported("attention with a mask is not supported; add it as a bias")
    if operation.attn_logits_soft_cap is not None:
        raise Unsupported("attn_logits_soft_cap is not supported")
    heads, depth = query.shape[2], query.shape[3]
    if key.shape[2] != heads:
        key, value = (ops.repeat(x, heads // x.shape[2], axis=2) for x in (key, value))
    scale = 1.0 / math.sqrt(depth) if scale is None else scale
    query, value = (ops.transpose(x, (0, 2, 1, 3)) for x in (query * scale, value))
    scores = ops.matmul(query, ops.transpose(key, (0, 2, 3, 1)))
    if bias is not None:
        scores = scores + bias
    if operation.is_causal:
        later = np.triu(np.ones(scores.shape[-2:], np.float32), 1)
        scores = scores + _NEVER * later
    return ops.transpose(ops.matmul(ops.softmax(scores), value), (0, 2, 1, 3))
