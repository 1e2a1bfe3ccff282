"""Per operation: does the leading axis stay the examples', and which constant says 1?

A rule sees one operation that depends on an input. It may assume that the leading axis of
every moving value is the examples', and that each output is declared with a leading 1.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mobilezoo.runtime.operation_view import OperationView, name_of
from mobilezoo.runtime.operations import Argument, Constant, Several

# --- rules: does the leading axis stay the examples'? -----------------------------------------


def _x_alone(view: OperationView) -> bool:
    return view.only_moving("x")


def _broadcast(view: OperationView) -> bool:
    """Moving operands have the rank of the output, so that their leading axes are one."""
    return all(
        len(view.shapes[name]) == view.out_rank
        for name in view.operation.references()
        if name in view.moving
    )


def _axis(view: OperationView, rank: int, default: int = 0) -> bool:
    """Whether the parameter `axis` is not the leading axis."""
    axis = view.constant("axis", default)
    return axis is not None and int(axis) % rank != 0


def _along_last(view: OperationView) -> bool:
    """`axis` is -1 where the file does not say."""
    return view.only_moving("x") and _axis(view, view.rank("x"), -1)


def _along_first(view: OperationView) -> bool:
    """`axis` is 0 where the file does not say."""
    return view.only_moving("x") and _axis(view, view.rank("x"))


def _joined(view: OperationView) -> bool:
    """Every part must be moving: a constant part has one row, not one per example."""
    parts = view.operation.arguments["values"]
    return (
        isinstance(parts, Several)
        and all(name_of(part) in view.moving for part in parts.members)
        and _axis(view, view.out_rank)
    )


def _axes(view: OperationView) -> bool:
    """Whether the parameter `axes` is given and spares the leading axis."""
    axes = view.constant("axes")
    if axes is None or not view.only_moving("x"):
        return False
    rank = max(view.rank("x"), view.out_rank)  # expand_dims counts in its output
    return all(int(axis) % rank != 0 for axis in axes)


def _transpose(view: OperationView) -> bool:
    perm = view.constant("perm")
    return perm is not None and int(perm[0]) % len(perm) == 0


def _flatten(view: OperationView) -> bool:
    """Rows are examples where nothing but them is in front of the axis."""
    axis = view.constant("axis", 1)
    if axis is None or not view.only_moving("x"):
        return False
    shape = view.shapes[name_of(view.operation.arguments["x"])]
    first = int(axis) % len(shape)
    return first > 0 and all(size == 1 for size in shape[1:first])


def _reshape(view: OperationView) -> bool:
    """Both shapes start with 1 and rows are in order, so that an example stays together."""
    return (
        view.only_moving("x")
        and view.shapes[name_of(view.operation.arguments["x"])][:1] == (1,)
        and None not in view.operation.outputs[0].shape
    )


def _slice_by_index(view: OperationView) -> bool:
    return view.only_moving("x") and _whole_leading_axis(view)


def _whole_leading_axis(view: OperationView) -> bool:
    """The leading axis is taken whole: from 0, forwards by 1, with an axis left."""
    begin, end = view.constant("begin"), view.constant("end")
    if begin is None or end is None:
        return False
    mask = [False] * len(begin)
    step = view.constant("stride", [1] * len(begin))
    free_begin, free_end = view.constant("begin_mask", mask), view.constant("end_mask", mask)
    return bool(
        (free_begin[0] or begin[0] == 0)
        and (free_end[0] or end[0] == 1)
        and step[0] == 1
        and not view.constant("squeeze_mask", mask)[0]
    )


def _slice_by_size(view: OperationView) -> bool:
    begin, size = view.constant("begin"), view.constant("size")
    if begin is None or size is None or not view.only_moving("x"):
        return False
    return bool(begin[0] == 0 and size[0] in (1, -1))


def _tile(view: OperationView) -> bool:
    reps = view.constant("reps")
    return reps is not None and reps[0] == 1 and view.only_moving("x")


def _pad(view: OperationView) -> bool:
    amounts = view.constant("pad")
    if amounts is None or not view.only_moving("x"):
        return False
    return len(amounts) < 2 * view.rank("x") or not (amounts[0] or amounts[1])


def _linear(view: OperationView) -> bool:
    return view.only_moving("x") and view.rank("x") >= 2


def _matmul(view: OperationView) -> bool:
    """A fixed matrix on one side, or two moving stacks of matrices."""
    rank_x, rank_y = view.rank("x"), view.rank("y")
    if view.moves("x") and view.moves("y"):
        return rank_x == rank_y >= 3
    if view.moves("x"):
        rows = rank_x == 2 and not view.constant("transpose_x", False)
        return rank_x >= rank_y and (rank_x >= 3 or rows)
    return rank_y >= 3 and rank_y >= rank_x


def _gather(view: OperationView) -> bool:
    """Fixed positions within each example, or a fixed table looked up by each example."""
    if view.constant("batch_dims", 0) != 0:
        return False
    if view.only_moving("x"):
        return _axis(view, view.rank("x"))
    return view.only_moving("indices") and int(view.constant("axis", 0)) % view.rank("x") == 0


def _input_alone(view: OperationView) -> bool:
    """Codes have one scale, or one along another axis than the examples'."""
    axis = view.constant("axis")
    return view.only_moving("input") and (axis is None or int(axis) % view.out_rank != 0)


def _rank_above(rank: int) -> Callable[[OperationView], bool]:
    """The last `rank` axes are not the examples'."""
    return lambda view: view.only_moving("x") and view.rank("x") > rank


def _resize(view: OperationView) -> bool:
    count = view.constant("resized_dims")
    return view.only_moving("x") and count is not None and int(count) < view.rank("x")


def _affine(view: OperationView) -> bool:
    """One matrix for all, or one for each."""
    return view.only_moving("x") or view.all_move("x", "transform_matrix")


def _one_hot(view: OperationView) -> bool:
    return view.only_moving("indices") and _axis(view, view.out_rank, -1)


def _each_with_its_own(*keys: str) -> Callable[[OperationView], bool]:
    """Each example has all of these, along the leading axis."""
    return lambda view: view.all_move(*keys)


def _along_axis(*keys: str) -> Callable[[OperationView], bool]:
    """Each example has all of these, and chooses along another axis."""
    return lambda view: view.all_move(*keys) and _axis(view, view.out_rank)


def _gather_nd(view: OperationView) -> bool:
    """Places within each example, or a fixed table looked up by each example."""
    batch_dims = int(view.constant("batch_dims", 0))
    if batch_dims:
        return view.all_move("x", "indices")
    return view.only_moving("indices") and view.rank("indices") >= 2


def _reverse_sequence(view: OperationView) -> bool:
    rank = view.rank("x")
    seq, batch = (int(view.constant(key, 0)) % rank for key in ("seq_axis", "batch_axis"))
    return seq != 0 and (view.all_move("x", "lengths") if batch == 0 else view.only_moving("x"))


def _slice_update(view: OperationView) -> bool:
    return view.all_move("x", "update") and _whole_leading_axis(view)


def _einsum(view: OperationView) -> bool:
    return view.out_rank == 4 and _broadcast(view)


RULES: dict[str, Callable[[OperationView], bool]] = {
    **dict.fromkeys(
        ("abs", "acos", "asin", "atan", "atanh", "avg_pool", "batch_norm", "cast", "ceil",
         "clamped_relu", "clip", "conv", "conv_quantized", "conv_transpose", "cos", "cosh", "crop",
         "depth_to_space", "elu", "erf", "exp", "exp2", "floor", "gelu", "identity",
         "instance_norm", "inverse", "leaky_relu", "linear_activation", "local_response_norm",
         "log", "logical_not", "max_pool", "pixel_shuffle", "pixel_unshuffle", "prelu", "relu",
         "relu6", "resize_bilinear", "resize_nearest_neighbor", "round", "rsqrt", "scaled_tanh",
         "sigmoid", "sigmoid_hard", "sign", "silu", "sin", "sinh", "softplus",
         "softplus_parametric", "softsign", "space_to_depth", "sqrt", "square", "tan", "tanh",
         "threshold", "thresholded_relu", "upsample_bilinear", "upsample_nearest_neighbor"),
        _x_alone,
    ),
    **dict.fromkeys(
        # of attention, the ranks are 3 or more
        ("add", "equal", "floor_div", "greater", "greater_equal", "less", "less_equal",
         "logical_and", "logical_or", "logical_xor", "maximum", "minimum", "mod", "mul",
         "not_equal", "pow", "real_div", "scaled_dot_product_attention", "select", "sub"),
        _broadcast,
    ),
    **dict.fromkeys(
        ("expand_dims", "layer_norm", "reduce_l1_norm", "reduce_l2_norm", "reduce_log_sum",
         "reduce_log_sum_exp", "reduce_max", "reduce_mean", "reduce_min", "reduce_prod",
         "reduce_sum", "reduce_sum_square", "reverse", "squeeze"),
        _axes,
    ),
    **dict.fromkeys(("argsort", "reduce_argmax", "reduce_argmin", "softmax", "topk"), _along_last),
    **dict.fromkeys(("cumsum", "sliding_windows", "split"), _along_first),
    **dict.fromkeys(("concat", "stack"), _joined),
    **dict.fromkeys(("dequantize", "quantize"), _input_alone),
    "affine": _affine,
    "band_part": _rank_above(2),
    "einsum": _einsum,
    "fill_like": _each_with_its_own("ref_tensor"),
    "flatten2d": _flatten,
    "gather": _gather,
    "gather_along_axis": _along_axis("x", "indices"),
    "gather_nd": _gather_nd,
    "l2_norm": _rank_above(3),
    "linear": _linear,
    "matmul": _matmul,
    "non_maximum_suppression": _each_with_its_own("boxes", "scores"),
    "one_hot": _one_hot,
    "pad": _pad,
    "resample": _each_with_its_own("x", "coordinates"),
    "reshape": _reshape,
    "resize": _resize,
    "reverse_sequence": _reverse_sequence,
    "scatter": _along_axis("data", "updates"),
    "scatter_along_axis": _along_axis("data", "indices", "updates"),
    "slice_by_index": _slice_by_index,
    "slice_by_size": _slice_by_size,
    "slice_update": _slice_update,
    "tile": _tile,
    "transpose": _transpose,
}  # fmt: skip


# --- constants that spell the leading 1 out ----------------------------------------------------


def _any_leading(view: OperationView) -> dict[str, Argument]:
    return {"shape": Constant(np.array([-1, *view.operation.outputs[0].shape[1:]], np.int32))}


def _open_slice(view: OperationView) -> dict[str, Argument]:
    mask = view.constant("end_mask", [False] * view.rank("x"))
    return {"end_mask": Constant((True, *mask[1:]))}


def _all_rows(view: OperationView) -> dict[str, Argument]:
    return {"size": Constant(np.array([-1, *view.constant("size")[1:]], np.int32))}


LOOSEN: dict[str, Callable[[OperationView], dict[str, Argument]]] = {
    "reshape": _any_leading,
    "slice_by_index": _open_slice,
    "slice_update": _open_slice,
    "slice_by_size": _all_rows,
}
