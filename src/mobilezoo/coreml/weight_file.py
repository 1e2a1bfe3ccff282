"""The weight file of an ML program, whose values are computed once the program is built."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from coremltools.converters.mil.backend.mil.helper import (
    create_file_value_tensor,
    types_to_proto_primitive,
)
from coremltools.converters.mil.backend.mil.load import BlobWriter, should_use_weight_file

from mobilezoo.errors import InvalidArgumentError, MobilezooError

_NAME = "weight.bin"
_IN_PACKAGE = f"@model_path/weights/{_NAME}"

Values = npt.NDArray[np.floating[Any]]


class _Promise(NamedTuple):
    compute: Callable[[], Values]
    same: Hashable | None


class WeightFile:
    """Arrays one behind the other, each 64-byte aligned, so that Core ML can map them to memory.

    While the program is built it gets hollow arrays, which have a shape and no values. These are
    computed one after the other when all is known, and go to disk at once: no two large weights
    are in memory.

        kernel = weights.later(compute, shape, np.float16)
        weights.pour(mb.conv(x=x, weight=kernel, ...), [x])
        weights.write()

    Args:
        folder: an existing folder; the file is made if there is an array.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / _NAME
        self._promised: dict[int, tuple[Values, _Promise]] = {}
        self._poured: dict[Any, _Promise] = {}  # by the constant's operation
        self._offsets: dict[Any, int] = {}

    def later(
        self,
        compute: Callable[[], Values],
        shape: Sequence[int],
        dtype: Any,
        same: Hashable | None = None,
    ) -> Values:
        """A hollow array, whose values `compute` gives when it is written.

        It may be reshaped and must become a constant of the node that is poured next. What is too
        small for the file is computed at once.

        Args:
            compute: gives the values.
            shape: of the values.
            dtype: of the values.
            same: arrays of which this is equal have the same values, and are written once; None
                where that is not known.
        """
        cell = np.zeros((), dtype)
        hollow = np.broadcast_to(cell, shape)
        if not should_use_weight_file(hollow):
            return compute()
        self._promised[id(cell)] = cell, _Promise(compute, same)
        return hollow

    def pour(self, made: Any, known: Iterable[Any]) -> None:
        """Take the values from the constants that `made`, a variable, is computed from.

        Args:
            made: the last variable of a node.
            known: the variables that the node reads, where the search ends.
        """
        for constant in _constants(made, {id(variable) for variable in known}):
            values = constant.val
            if should_use_weight_file(values):
                known_now = _Promise(partial(_given, values), None)
                _, promise = self._promised.pop(id(values.base), (None, known_now))
                self._poured[constant.op] = promise
                hollow = np.broadcast_to(values.dtype.type(0), values.shape)
                constant.op.val._sym_val.val = constant._sym_val.val = hollow

    def write(self) -> None:
        """Compute and write all that was poured, in that order."""
        if self._promised:
            raise MobilezooError(f"Bug: {len(self._promised)} weight(s) are in no constant.")
        if not self._poured:
            return
        writer = BlobWriter(str(self._path))  # which ends its file when it goes
        written: dict[Hashable, int] = {}
        for operation, promise in self._poured.items():
            key = operation if promise.same is None else promise.same
            if key not in written:
                written[key] = _write(writer, promise.compute())
            self._offsets[operation] = written[key]

    def value_of(self, constant: Any) -> Any:
        """The protobuf message that says where a constant's values lie, once they are written."""
        return create_file_value_tensor(
            file_name=_IN_PACKAGE,
            offset=self._offsets[constant.op],
            dim=constant.val.shape,
            data_type=types_to_proto_primitive(constant.sym_type.get_primitive()),
        )


def check_writer() -> None:
    """Raise InvalidArgumentError where coremltools cannot write weight files."""
    if BlobWriter is None:
        raise InvalidArgumentError(
            "This installation of coremltools has no native library, as on Windows, and cannot "
            "write a .mlpackage. Write a .mlmodel, or export on Linux or macOS."
        )


def _write(writer: Any, values: Values) -> int:
    """The offset in the file."""
    flat = np.ascontiguousarray(values).reshape(-1)
    if flat.dtype == np.float16:
        return int(writer.write_fp16_data(flat.view(np.uint16)))
    return int(writer.write_float_data(flat))  # no other type is in a program


def _given(values: Values) -> Values:
    return values


def _constants(variable: Any, seen: set[int]) -> Iterator[Any]:
    """What a variable is computed from, in the order of computation; `seen` grows."""
    if id(variable) in seen or variable.op is None:
        return
    seen.add(id(variable))
    if variable.op.op_type == "const":
        yield variable
        return
    for argument in variable.op.inputs.values():
        several = isinstance(argument, (list, tuple))
        for part in argument if several else (argument,):
            yield from _constants(part, seen)
