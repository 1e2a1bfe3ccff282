"""Per layer: does the leading axis stay the examples', and which parameter says 1?

A rule sees one layer that depends on an input. It may assume that the leading axis of every
moving value is the examples'.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import tensorflow as tf

from mobilezoo.runtime.arithmetic import Operand, tensor
from mobilezoo.runtime.network.layer_view import LayerView
from mobilezoo.runtime.operations import Constant, Operation
from mobilezoo.runtime.ops._pictures import elements

# --- rules: does the leading axis stay the examples'? -----------------------------------------


def _of_elements(view: LayerView) -> bool:
    """Moving operands have the rank of the result, so that their leading axes are one."""
    return all(view.ranks[name] == view.rank for name in view.inputs if name in view.moving)


def _of_pictures(view: LayerView) -> bool:
    """The last three axes belong to a picture, and there is one before them."""
    return view.x_alone() and view.x_rank >= 4


def _activation(view: LayerView) -> bool:
    per_channel = view.parameter("function") in ("PReLU", "parametricSoftplus")
    return not per_channel or view.x_rank >= 4


def _inner_product(view: LayerView) -> bool:
    return view.x_alone() and view.x_rank >= 2


def _batchnorm(view: LayerView) -> bool:
    of_the_batch = view.parameter("compute_mean_var", False) and not view.parameter(
        "instance_normalization", False
    )
    return _of_pictures(view) and not of_the_batch


def _permute(view: LayerView) -> bool:
    return _of_pictures(view) and (*view.parameter("axis"), 0)[0] == 0


def _reshape(view: LayerView) -> bool:
    return _of_pictures(view) and (view.rank == 4 or len(view.parameter("target_shape")) == 3)


def _mvn(view: LayerView) -> bool:
    within_channels = not view.parameter("across_channels", False)
    return view.x_alone() and view.x_rank >= (3 if within_channels else 4)


def _scale(view: LayerView) -> bool:
    """Scale and bias have no axis beside the examples' that is longer than 1."""
    stored = [view.parameter(key, None) for key in ("scale", "bias")]
    spread = any(item is not None and item.shape[0] != 1 for item in stored)
    return view.x_alone() and view.x_rank >= (4 if spread else 3)


def _slice(view: LayerView) -> bool:
    """The axis, counted from the end, is not the leading one."""
    above = {"WIDTH_AXIS": 1, "HEIGHT_AXIS": 2}.get(view.parameter("axis", ""), 3)
    return view.x_alone() and view.x_rank > above


def _crop(view: LayerView) -> bool:
    return view.x_rank >= 4 and view.inputs[0] in view.moving


def _pictures_together(view: LayerView) -> bool:
    return view.moving.issuperset(view.inputs) and view.rank >= 4


def _joined(view: LayerView) -> bool:
    """Every part must be moving: a constant part has one row, not one per example."""
    return (
        view.moving.issuperset(view.inputs)
        and _of_elements(view)
        and view.parameter("axis", 0) % view.rank != 0
    )


def _stacked(view: LayerView) -> bool:
    return view.moving.issuperset(view.inputs) and view.parameter("axis", 0) % view.rank != 0


def _axis(view: LayerView) -> bool:
    return view.x_alone() and view.parameter("axis", 0) % view.x_rank != 0


def _axes(view: LayerView) -> bool:
    """The axes are given and spare the leading one."""
    axes = view.parameter("axes")
    rank = max(view.x_rank, view.rank)  # expandDims counts in its result
    all_of_them = view.parameter("reduce_all", False) or view.parameter("squeeze_all", False)
    return bool(axes) and not all_of_them and all(axis % rank != 0 for axis in axes)


def _transpose(view: LayerView) -> bool:
    return bool(view.parameter("axes")[:1] == (0,))


def _to_shape(view: LayerView) -> bool:
    """Rows are in order, so that an example stays together where the result begins with 1."""
    target = view.parameter("target_shape")
    return bool(target[:1] == (1,) and all(size > 0 or size == -1 for size in target))


def _flatten_to_2d(view: LayerView) -> bool:
    return view.x_rank > 1 and view.parameter("axis", 0) in (1, 1 - view.x_rank)


def _matmul(view: LayerView) -> bool:
    """A fixed matrix on one side, or two moving stacks of matrices."""
    if len(view.inputs) == 1:
        return view.x_rank >= 2
    a, b = (view.ranks[name] for name in view.inputs)
    if view.moving.issuperset(view.inputs):
        return a == b >= 3
    if view.inputs[0] in view.moving:
        return a >= 3 and a >= b
    return b >= 3 and b >= a


def _layer_normalization(view: LayerView) -> bool:
    return len(view.parameter("normalized_shape")) < view.x_rank


def _slice_static(view: LayerView) -> bool:
    """The leading axis is taken whole: from 0, forwards by 1, with an axis left."""
    free_begin, free_end, dropped = (
        (*view.parameter(f"{key}_masks"), False)[0] for key in ("begin", "end", "squeeze")
    )
    return bool(
        not dropped
        and (free_begin or view.parameter("begin_ids")[:1] == (0,))
        and (free_end or view.parameter("end_ids")[:1] == (1,))
        and (*view.parameter("strides"), 1)[0] == 1
    )


def _gather(view: LayerView) -> bool:
    return _axis(view) and len(view.inputs) == 2


def _constant_pad(view: LayerView) -> bool:
    amounts = view.parameter("pad_amounts")
    to_size = view.parameter("pad_to_given_output_size_mode", False)
    return not to_size and tuple(amounts[:2]) == (0, 0)


def _tile(view: LayerView) -> bool:
    """Fewer numbers than axes are those of the last axes."""
    reps = view.parameter("reps")
    return len(view.inputs) == 1 and (len(reps) < view.x_rank or reps[0] == 1)


def _cum_sum(view: LayerView) -> bool:
    """The axis is the parameter's, no computed one."""
    return _axis(view) and len(view.inputs) == 1


def _reverse_seq(view: LayerView) -> bool:
    """Each example has lengths of its own, or all go by the same ones along another axis."""
    batch, sequence = (view.parameter(key, 0) for key in ("batch_axis", "sequence_axis"))
    own = batch % view.x_rank == 0
    alike = view.moving.issuperset(view.inputs) if own else view.x_alone()
    return alike and sequence % view.x_rank != 0


def _scatter(view: LayerView) -> bool:
    """The same places within each example, which has its own updates."""
    x, indices, updates = view.inputs
    within = view.parameter("axis", 0) % view.x_rank != 0
    return within and view.moving.issuperset({x, updates}) and indices not in view.moving


def _scatter_along_axis(view: LayerView) -> bool:
    within = view.parameter("axis", 0) % view.x_rank != 0
    return within and view.moving.issuperset(view.inputs)


RULES: Mapping[str, Callable[[LayerView], bool]] = {
    **dict.fromkeys(
        ("acos", "acosh", "add", "addBroadcastable", "asin", "asinh", "atan", "atanh", "average",
         "ceil", "clampedReLU", "clip", "copy", "cos", "cosh", "divideBroadcastable", "equal",
         "erf", "exp2", "floor", "floorDivBroadcastable", "gelu", "greaterEqual", "greaterThan",
         "lessEqual", "lessThan", "logicalAnd", "logicalNot", "logicalOr", "logicalXor", "max",
         "maxBroadcastable", "min", "minBroadcastable", "modBroadcastable", "multiply",
         "multiplyBroadcastable", "notEqual", "powBroadcastable", "round", "sign", "sin", "sinh",
         "subtractBroadcastable", "tan", "tanh", "unary", "whereBroadcastable"),
        _of_elements,
    ),
    **dict.fromkeys(
        ("convolution", "embedding", "flatten", "l2normalize", "lrn", "padding",
         "pooling", "reduce", "reorganizeData", "resizeBilinear", "softmax",
         "split", "upsample"),
        _of_pictures,
    ),
    **dict.fromkeys(
        ("expandDims", "reduceL1", "reduceL2", "reduceLogSum", "reduceLogSumExp", "reduceMax",
         "reduceMean", "reduceMin", "reduceProd", "reduceSum", "reduceSumSquare", "squeeze"),
        _axes,
    ),
    **dict.fromkeys(
        ("argMax", "argMin", "argSort", "sliceBySize", "slidingWindows", "softmaxND", "splitND",
         "topK"),
        _axis,
    ),
    **dict.fromkeys(("concat", "dot"), _pictures_together),
    "activation": _activation,
    **dict.fromkeys(
        ("convolution3d", "globalPooling3d", "pooling3d"), lambda view: view.x_rank == 5
    ),
    "batchedMatmul": _matmul,
    "batchnorm": _batchnorm,
    "bias": _scale,
    "concatND": _joined,
    "constantPad": _constant_pad,
    "crop": _crop,
    "cumSum": _cum_sum,
    "embeddingND": _inner_product,
    "flattenTo2D": _flatten_to_2d,
    "gather": _gather,
    "innerProduct": _inner_product,
    "layerNormalization": _layer_normalization,
    "mvn": _mvn,
    "permute": _permute,
    "rankPreservingReshape": _to_shape,
    "reshape": _reshape,
    "reshapeStatic": _to_shape,
    "reverseSeq": _reverse_seq,
    "scale": _scale,
    "scatter": _scatter,
    "scatterAlongAxis": _scatter_along_axis,
    "slice": _slice,
    "sliceStatic": _slice_static,
    "stack": _stacked,
    "tile": _tile,
    "transpose": _transpose,
}  # fmt: skip


# --- parameters that spell the leading 1 out ---------------------------------------------------


def _reshape_each(x: Operand, *, target_shape: Sequence[int]) -> tf.Tensor:
    """As reshapeStatic, each example on its own."""
    x = tensor(x)
    rest = list(target_shape[1:])
    kept = len(x.shape) - 1
    for axis in (i for i, size in enumerate(rest) if size == -1):
        others = [size for size in rest if size != -1]
        rest[axis] = elements(x, kept) // max(1, math.prod(others))
    if math.prod(rest) != elements(x, kept):
        raise ValueError(f"the input has shape {tuple(x.shape)}, not to fill {target_shape}")
    return tf.reshape(x, (-1, *rest))


def _reshaped(view: LayerView) -> Operation:
    return replace(view.operation, function=_reshape_each)


def _open_slice(view: LayerView) -> Operation:
    mask = tuple(view.parameter("end_masks")) or (False,) * view.x_rank
    arguments = {**view.operation.arguments, "end_masks": Constant((True, *mask[1:]))}
    return replace(view.operation, arguments=arguments)


LOOSEN: Mapping[str, Callable[[LayerView], Operation]] = {
    "rankPreservingReshape": _reshaped,
    "reshapeStatic": _reshaped,
    "sliceStatic": _open_slice,
}
