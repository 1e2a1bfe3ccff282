"""Per operation: does the leading axis stay the examples', and which constant says 1?

A rule sees one operation that depends on an input. It may assume that the leading axis of
every moving value is the examples', and that each output is declared with a leading 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mobilezoo.runtime.operations import (
    Argument,
    Constant,
    Operation,
    Reference,
    Several,
    Shape,
)


@dataclass(frozen=True)
class OperationView:
    """One operation, and what is known of the values it reads."""

    operation: Operation
    shapes: Mapping[str, Shape]  # of every value
    moving: frozenset[str]  # values that depend on an input; their leading axis is the examples'

    def moves(self, key: str) -> bool:
        """Whether an argument depends on an input."""
        return _name(self.operation.arguments.get(key)) in self.moving

    def only_moving(self, key: str) -> bool:
        """Whether an argument is the only one that depends on an input."""
        return self.moves(key) and all(
            name not in self.moving or name == _name(self.operation.arguments[key])
            for name in self.operation.references()
        )

    def rank(self, key: str) -> int:
        """Rank of an argument."""
        argument = self.operation.arguments[key]
        if isinstance(argument, Reference):
            return len(self.shapes[argument.name])
        if isinstance(argument, Constant):
            return len(getattr(argument.content, "shape", ()))
        raise TypeError(f"{key} has several members")

    def constant(self, key: str, default: Any = None) -> Any:
        """An argument that the file fixes; None if it is computed."""
        argument = self.operation.arguments.get(key)
        if argument is None:
            return default
        return argument.value() if isinstance(argument, Constant) else None

    @property
    def out_rank(self) -> int:
        """Rank of the first output."""
        return len(self.operation.outputs[0].shape)


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
        and all(_name(part) in view.moving for part in parts.members)
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


def _reshape(view: OperationView) -> bool:
    """Both shapes start with 1 and rows are in order, so that an example stays together."""
    return (
        view.only_moving("x")
        and view.shapes[_name(view.operation.arguments["x"])][:1] == (1,)
        and None not in view.operation.outputs[0].shape
    )


def _slice_by_index(view: OperationView) -> bool:
    """The leading axis is taken whole: from 0, forwards by 1, with an axis left."""
    begin, end = view.constant("begin"), view.constant("end")
    if begin is None or end is None or not view.only_moving("x"):
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


RULES: dict[str, Callable[[OperationView], bool]] = {
    **dict.fromkeys(
        ("abs", "acos", "asin", "atan", "atanh", "avg_pool", "batch_norm", "cast", "ceil", "clip",
         "conv", "conv_transpose", "cos", "cosh", "elu", "erf", "exp", "exp2", "floor", "gelu",
         "identity", "inverse", "leaky_relu", "linear_activation", "local_response_norm", "log",
         "logical_not", "max_pool", "prelu", "relu", "relu6", "resize_bilinear",
         "resize_nearest_neighbor", "round", "rsqrt", "scaled_tanh", "sigmoid", "sigmoid_hard",
         "sign", "silu", "sin", "sinh", "softplus", "softsign", "sqrt", "square", "tan", "tanh",
         "threshold", "thresholded_relu", "upsample_bilinear", "upsample_nearest_neighbor"),
        _x_alone,
    ),
    **dict.fromkeys(
        ("add", "equal", "floor_div", "greater", "greater_equal", "less", "less_equal",
         "logical_and", "logical_or", "logical_xor", "maximum", "minimum", "mod", "mul",
         "not_equal", "pow", "real_div", "select", "sub"),
        _broadcast,
    ),
    **dict.fromkeys(
        ("expand_dims", "layer_norm", "reduce_max", "reduce_mean", "reduce_min", "reduce_prod",
         "reduce_sum", "reverse", "squeeze"),
        _axes,
    ),
    "concat": _joined,
    "cumsum": _along_first,
    "gather": _gather,
    "linear": _linear,
    "matmul": _matmul,
    "pad": _pad,
    "reduce_argmax": _along_last,
    "reduce_argmin": _along_last,
    "reshape": _reshape,
    "slice_by_index": _slice_by_index,
    "slice_by_size": _slice_by_size,
    "softmax": _along_last,
    "split": _along_first,
    "stack": _joined,
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
    "slice_by_size": _all_rows,
}


def _name(argument: Argument | None) -> str:
    return argument.name if isinstance(argument, Reference) else ""
