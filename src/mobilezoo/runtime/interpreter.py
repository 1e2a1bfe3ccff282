"""The loop: one operation after the other."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from mobilezoo.errors import (
    CoreMLFileError,
    InvalidArgumentError,
    MobilezooError,
    UnsupportedOpError,
)
from mobilezoo.runtime import limits
from mobilezoo.runtime.operations import Operation, Output, Reference, Shape
from mobilezoo.runtime.storage import Storage

# what a kernel raises when a parameter or a shape makes no sense to it
_FAILURES = (
    ValueError, TypeError, AttributeError, LookupError, ArithmeticError, AssertionError,
    MemoryError, RecursionError, NotImplementedError, tf.errors.OpError,
)  # fmt: skip

_BEYOND_VALUE = re.compile(r"= \[[-\d, ]*\] does not index into")
_BEYOND_TABLE = re.compile(r"= (-?\d+) is not in \[0, (\d+)\)")
# what TensorFlow says of its own machinery, before and after the reason
_TRACES = re.compile(
    r"Graph execution error:|Detected at node.*|\(most recent call last\):|\s*File .*|<stack.*"
    r"|\{\{function_node \S*\}\}|\[Op:.*"
)


def evaluate(
    operations: Iterable[Operation], environment: dict[str, Any], storage: Storage
) -> Iterator[tuple[str, Any]]:
    """Run `operations` in order and yield each value with its name.

    Args:
        operations: in program order.
        environment: name -> value; the inputs, to which each result is added.
        storage: how values are kept.

    Raises:
        CoreMLFileError: a value does not have the shape that the file declares.
    """
    for operation in operations:
        results = _run(operation, environment, storage)
        for output, value in zip(operation.outputs, results, strict=True):
            _check_shape(operation, output, value)
            environment[output.name] = storage.result(operation, output, value)
            yield output.name, environment[output.name]


def _run(operation: Operation, environment: Mapping[str, Any], storage: Storage) -> tuple[Any, ...]:
    """The results of one operation, errors of TensorFlow's explained by its place."""
    try:
        inputs = {
            key: storage.argument(key, item.value(environment))
            for key, item in operation.arguments.items()
        }
        result = operation.function(**inputs)
    except UnsupportedOpError as error:
        raise UnsupportedOpError(f"{operation.place}: {error}") from error
    except _FAILURES as error:
        raise failure(error, operation.place, [operation]) from error
    results = tuple(result) if isinstance(result, (list, tuple)) else (result,)
    if len(results) != len(operation.outputs):
        raise CoreMLFileError(
            f"{operation.place}: {len(results)} results, but the file names "
            f"{len(operation.outputs)}."
        )
    return results


def failure(error: Exception, place: str, operations: Iterable[Operation]) -> MobilezooError:
    """TensorFlow's error as one of the library's: who is to blame, and why in one line.

    Args:
        error: what a kernel raised.
        place: that could not be computed.
        operations: one of which raised it.
    """
    text = str(error)
    row = _BEYOND_TABLE.search(text)
    chosen = [operation.arguments.get("indices") for operation in operations]
    computed = any(isinstance(indices, Reference) for indices in chosen)
    if computed and _BEYOND_VALUE.search(text):
        return InvalidArgumentError(
            f"The inputs ask for a place that a value does not have ({place}): {_reason(error)}."
        )
    if computed and row is not None:
        return InvalidArgumentError(
            f"The inputs ask for row {row[1]} of a table with {row[2]} ({place}); pass whole "
            f"numbers from 0 to {int(row[2]) - 1}."
        )
    return CoreMLFileError(f"{place} cannot be computed: {_reason(error)}")


def _reason(error: Exception) -> str:
    """The first line that tells something."""
    lines = (_TRACES.sub("", line).strip() for line in str(error).splitlines())
    return next((line for line in lines if line), type(error).__name__)


def _check_shape(operation: Operation, output: Output, value: Any) -> None:
    if isinstance(value, tf.Tensor) and value.shape.rank is None:
        raise UnsupportedOpError(
            f"{operation.place}: how many axes {output.name!r} has depends on the numbers."
        )
    shape = tuple(np.shape(value) if isinstance(value, np.ndarray) else value.shape)
    if len(shape) > limits.MOST_AXES:  # TensorFlow ends the process at 254
        raise CoreMLFileError(
            f"{operation.place}: {output.name!r} has {len(shape)} axes; at most "
            f"{limits.MOST_AXES} are supported."
        )
    count = math.prod(size or 1 for size in shape)
    if count > limits.MOST_ELEMENTS:
        raise CoreMLFileError(
            f"{operation.place}: {output.name!r} has shape {shape}, {count} elements; at most "
            f"{limits.MOST_ELEMENTS} are supported."
        )
    if operation.shapes_declared and not _agrees(shape, output.shape):
        raise CoreMLFileError(
            f"{operation.place}: {output.name!r} has shape {shape}, "
            f"the file declares {output.shape}."
        )


def _agrees(shape: Shape, declared: Shape) -> bool:
    return len(shape) == len(declared) and all(
        expected is None or size is None or size == expected
        for size, expected in zip(shape, declared, strict=True)
    )
