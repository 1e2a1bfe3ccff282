"""What a program will allocate and compute, known from its shapes before it runs.

TensorFlow knows the shape of whatever a traced program makes, also within an operation. Where
sizes depend on the numbers of an input, each operation is traced by itself as soon as the sizes
of what it reads are known.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from mobilezoo.errors import CoreMLFileError
from mobilezoo.runtime import limits
from mobilezoo.runtime.arithmetic import tensor
from mobilezoo.runtime.interpreter import evaluate
from mobilezoo.runtime.operations import Block, Constant, Operation, Stored
from mobilezoo.runtime.storage import Storage

# parameters that say how large a result is
_SIZES = frozenset({
    "amounts", "begin", "count", "counts", "crops", "end", "k", "one_hot_vector_size", "pad",
    "reps", "shape", "size", "split_sizes", "start", "step",
})  # fmt: skip
_FINDS_PLACES = ("non_zero", "whereNonZero")  # as many as there are
# what makes no numbers of its own
_FREE = frozenset({"Const", "ExpandDims", "Identity", "Placeholder", "Reshape", "Squeeze"})


@dataclass
class Demand:
    """Sums over what was counted so far, of one example; sizes that are open count as 1."""

    elements: int = 0
    mult_adds: int = 0

    def add(self, node: Any, place: str) -> None:
        """Count an operation of TensorFlow's.

        Raises:
            CoreMLFileError: it makes a value that is too large, or there are too many by now.
        """
        counts = [_count(output.shape) for output in node.outputs]
        self.elements += sum(counts)
        self.mult_adds += sum(counts) * _steps(node)
        largest = max(counts, default=0)
        if largest > limits.MOST_ELEMENTS:
            self._refuse(place, f"a value of {largest} elements", limits.MOST_ELEMENTS)
        self._check_all(place)
        if self.mult_adds > limits.MOST_MULT_ADDS:
            self._refuse(place, f"{self.mult_adds} mult-adds so far", limits.MOST_MULT_ADDS)

    def add_arrays(self, arrays: Iterable[Any], place: str) -> None:
        """Count stored weights, and arrays that are made of them; leave out what is neither.

        Raises:
            CoreMLFileError: as `add`.
        """
        counted = [item for item in arrays if isinstance(item, (np.ndarray, Stored))]
        self.elements += sum(math.prod(item.shape) for item in counted)
        self._check_all(place)

    def _check_all(self, place: str) -> None:
        if self.elements > limits.MOST_ELEMENTS_IN_ALL:
            self._refuse(place, f"{self.elements} elements so far", limits.MOST_ELEMENTS_IN_ALL)

    @staticmethod
    def _refuse(place: str, what: str, most: int) -> None:
        raise CoreMLFileError(
            f"{place} would make {what} for one example; at most {most} are supported "
            "(mobilezoo.runtime.limits)."
        )


@dataclass(frozen=True)
class Mark:
    """Up to which node of a traced graph an operation reaches."""

    nodes: int
    place: str


def check_demand(graph: Any, marks: Sequence[Mark], demand: Demand) -> None:
    """Add what a traced graph computes for its outputs.

    Args:
        graph: a `FuncGraph`.
        marks: of its operations, in their order.
        demand: to which it is added.

    Raises:
        CoreMLFileError: it is more than the limits; names the operation that exceeds them.
    """
    needed = _needed(graph.outputs)
    places = iter(marks)
    mark = next(places, None)
    for number, node in enumerate(graph.get_operations(), 1):
        while mark is not None and number > mark.nodes:
            mark = next(places, None)
        if node.name in needed and node.type not in _FREE:
            demand.add(node, "the program" if mark is None else mark.place)


def elements_made(graph: Any) -> int | None:
    """How many numbers a traced graph makes in all; None where a size is not known."""
    shapes = [output.shape for node in graph.get_operations() for output in node.outputs]
    if not all(shape.is_fully_defined() for shape in shapes):
        return None
    return sum(map(_count, shapes))


def has_computed_sizes(block: Block) -> bool:
    """Whether an operation finds places, or reads a size that is no constant."""
    return any(
        operation.type in _FINDS_PLACES
        or any(
            not isinstance(operation.arguments.get(key, Constant(None)), Constant) for key in _SIZES
        )
        for operation in block.operations
    )


def one_by_one(
    operations: Iterable[Operation], environment: dict[str, Any], storage: Storage
) -> Iterator[tuple[str, Any]]:
    """As `evaluate`, each operation being checked before it runs, with the sizes that it reads."""
    demand = Demand()
    for operation in operations:
        demand.add_arrays(operation.contents(), operation.place)
        _foresee(operation, environment, demand)
        for name, value in evaluate([operation], environment, storage):
            demand.add_arrays([value], operation.place)
            yield name, value


def _foresee(operation: Operation, environment: dict[str, Any], demand: Demand) -> None:
    names = [
        name
        for name in dict.fromkeys(operation.references())
        if isinstance(environment[name], tf.Tensor)
    ]

    def compute(*values: tf.Tensor) -> list[tf.Tensor]:
        inner = {**environment, **dict(zip(names, values, strict=True))}
        return [tensor(value) for _, value in evaluate([operation], inner, Storage())]

    given = [environment[name] for name in names]
    signature = [tf.TensorSpec(value.shape, value.dtype) for value in given]
    traced = tf.function(compute, input_signature=signature, autograph=False)
    check_demand(traced.get_concrete_function().graph, [Mark(1 << 62, operation.place)], demand)


def _needed(outputs: Iterable[tf.Tensor]) -> set[str]:
    """Names of the nodes that the outputs depend on."""
    waiting = [output.op for output in outputs]
    found = {node.name for node in waiting}
    while waiting:
        node = waiting.pop()
        for source in (*(value.op for value in node.inputs), *node.control_inputs):
            if source.name not in found:
                found.add(source.name)
                waiting.append(source)
    return found


def _count(shape: tf.TensorShape) -> int:
    if shape.rank is None:
        return 1
    return math.prod(1 if size is None else size for size in shape)


def _steps(node: Any) -> int:
    """How many mult-adds each element of the result takes, one where it is not known."""
    kind = node.type
    if kind in ("Conv2D", "DepthwiseConv2dNative", "Conv2DBackpropInput"):
        kernel = [size or 1 for size in node.inputs[1].shape]
        last = {"Conv2D": 3, "DepthwiseConv2dNative": 2, "Conv2DBackpropInput": 4}[kind]
        return max(1, math.prod(kernel[:last]) // (kernel[2] if last == 4 else 1))
    if kind in ("MatMul", "BatchMatMul", "BatchMatMulV2", "BatchMatMulV3"):
        turned = node.get_attr("transpose_a" if kind == "MatMul" else "adj_x")
        shape = node.inputs[0].shape
        return int(shape[-2 if turned else -1] or 1) if shape.rank else 1
    if kind == "Conv3D":
        return math.prod(size or 1 for size in node.inputs[1].shape[:4])
    if kind in ("MaxPool", "AvgPool", "MaxPool3D", "AvgPool3D"):
        return int(np.prod(node.get_attr("ksize"), dtype=np.int64))
    return 1
