"""The weight file of an ML program, filled while the program is being written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

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
        self._promised: dict[int, tuple[Values, Callable[[], Values]]] = {}
        self._poured: dict[Any, Callable[[], Values]] = {}  # by the constant's operation
        self._offsets: dict[Any, int] = {}

    def later(self, compute: Callable[[], Values], shape: Sequence[int], dtype: Any) -> Values:
        """A hollow array, whose values `compute` gives when it is written.

        It may be reshaped and must become a constant of the node that is poured next. What is too
        small for the file is computed at once.
        """
        cell = np.zeros((), dtype)
        hollow = np.broadcast_to(cell, shape)
        if not should_use_weight_file(hollow):
            return compute()
        self._promised[id(cell)] = cell, compute
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
                _, compute = self._promised.pop(id(values.base), (None, partial(_same, values)))
                self._poured[constant.op] = compute
                hollow = np.broadcast_to(values.dtype.type(0), values.shape)
                constant.op.val._sym_val.val = constant._sym_val.val = hollow

    def write(self) -> None:
        """Compute and write all that was poured, in that order."""
        if self._promised:
            raise MobilezooError(f"Bug: {len(self._promised)} weight(s) are in no constant.")
        if not self._poured:
            return
        writer = BlobWriter(str(self._path))  # which ends its file when it goes
        for operation, compute in self._poured.items():
            flat = np.ascontiguousarray(compute()).reshape(-1)
            if flat.dtype == np.float16:
                self._offsets[operation] = writer.write_fp16_data(flat.view(np.uint16))
            else:  # float32: no other type is written
                self._offsets[operation] = writer.write_float_data(flat)

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


def _same(values: Values) -> Values:
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
