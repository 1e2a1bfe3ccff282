"""Ranks of the values of a network, as far as the layers' parameters tell them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mobilezoo.runtime.network.weights import StoredWeights
from mobilezoo.runtime.operations import Constant, Operation


def rank_of(operation: Operation, ranks: Mapping[str, int]) -> int | None:
    """The rank of a layer's outputs, or None where it is not known.

    Args:
        operation: the layer.
        ranks: of the values that it reads, by name.
    """
    inputs = [ranks[name] for name in operation.references()]
    parameters = {
        key: argument.content
        for key, argument in operation.arguments.items()
        if isinstance(argument, Constant)
    }
    rule = _RANKS.get(operation.type)
    if rule is not None:
        return rule(inputs, parameters)
    return max(inputs, default=None)


Rule = Callable[[Sequence[int], Mapping[str, Any]], int | None]


def _first(inputs: Sequence[int], _: Mapping[str, Any]) -> int:
    return inputs[0]


def _reduced(inputs: Sequence[int], parameters: Mapping[str, Any]) -> int:
    if parameters.get("keep_dims", False):
        return inputs[0]
    if parameters.get("reduce_all", False):
        return 1
    return max(1, inputs[0] - len(parameters.get("axes", ())))


def _position(inputs: Sequence[int], parameters: Mapping[str, Any]) -> int:
    return max(1, inputs[0] - 1) if parameters.get("remove_dim", False) else inputs[0]


def _squeezed(inputs: Sequence[int], parameters: Mapping[str, Any]) -> int | None:
    if parameters.get("squeeze_all", False):
        return None
    return max(1, inputs[0] - len(parameters.get("axes", ())))


def _sliced(inputs: Sequence[int], parameters: Mapping[str, Any]) -> int:
    return inputs[0] - [*parameters.get("squeeze_masks", ())].count(True)


def _product(inputs: Sequence[int], parameters: Mapping[str, Any]) -> int:
    return inputs[0] if len(inputs) == 1 else max(2, *inputs)


def _constant(inputs: Sequence[int], parameters: Mapping[str, Any]) -> int:
    data: StoredWeights = parameters["data"]
    return len(data.shape)


def _target(inputs: Sequence[int], parameters: Mapping[str, Any]) -> int:
    return len(parameters.get("target_shape", ()))


_RANKS: Mapping[str, Rule] = {
    **dict.fromkeys(
        ("reduceL1", "reduceL2", "reduceLogSum", "reduceLogSumExp", "reduceMax", "reduceMean",
         "reduceMin", "reduceProd", "reduceSum", "reduceSumSquare"),
        _reduced,
    ),
    **dict.fromkeys(("broadcastToStatic", "fillStatic", "reshapeStatic"), _target),
    **dict.fromkeys(("argMax", "argMin"), _position),
    **dict.fromkeys(
        ("convolution", "crop", "constantPad", "cumSum", "fillLike", "gatherAlongAxis",
         "reverseSeq", "scatter", "scatterAlongAxis", "scatterND", "sliceBySize", "tile", "topK"),
        _first,
    ),
    **dict.fromkeys(
        ("broadcastToDynamic", "fillDynamic", "reshapeDynamic", "sliceDynamic",
         "NonMaximumSuppression"), lambda *_: None
    ),
    "batchedMatmul": _product,
    "expandDims": lambda inputs, given: inputs[0] + len(given.get("axes", ())),
    "flattenTo2D": lambda *_: 2,
    "broadcastToLike": lambda inputs, _: inputs[1],
    "gatherND": lambda *_: None,
    "getShape": lambda *_: 1,
    "oneHot": lambda inputs, _: inputs[0] + 1,
    "rangeDynamic": lambda *_: 1,
    "rangeStatic": lambda *_: 1,
    "gather": lambda inputs, _: inputs[0] + inputs[1] - 1,
    "loadConstant": lambda _, given: given.get("rank", 5),
    "loadConstantND": _constant,
    "reshapeLike": lambda inputs, _: inputs[1],
    "sliceStatic": _sliced,
    "slidingWindows": lambda inputs, _: inputs[0] + 1,
    "squeeze": _squeezed,
    "stack": lambda inputs, _: inputs[0] + 1,
    "whereNonZero": lambda *_: 2,
}  # fmt: skip
