"""The weight file of an ML program, filled while the program is being written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from coremltools.converters.mil.backend.mil.helper import (
    create_file_value_tensor,
    types_to_proto_primitive,
)
from coremltools.converters.mil.backend.mil.load import BlobWriter, should_use_weight_file

NAME = "weight.bin"
_IN_PACKAGE = f"@model_path/weights/{NAME}"


class WeightFile:
    """Arrays one behind the other, each 64-byte aligned, so that Core ML can map them to memory.

    An array goes to disk as soon as its operation exists, and the program keeps its shape only:
    no two large weights are in memory at once.

    Args:
        folder: an existing folder; the file is made with the first array.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self._writer: Any = None
        self._offsets: dict[Any, int] = {}

    def pour(self, made: Any, known: Iterable[Any]) -> None:
        """Write the constants that `made`, a variable, is computed from.

        Args:
            made: the last variable of a node.
            known: the variables that the node reads, where the search ends.
        """
        for constant in _constants(made, {id(variable) for variable in known}):
            self._pour_constant(constant)

    def value_of(self, constant: Any) -> Any:
        """The protobuf message that says where a constant's values lie."""
        if constant.op not in self._offsets:
            self._pour_constant(constant)
        return create_file_value_tensor(
            file_name=_IN_PACKAGE,
            offset=self._offsets[constant.op],
            dim=constant.val.shape,
            data_type=types_to_proto_primitive(constant.sym_type.get_primitive()),
        )

    def close(self) -> None:
        """Write what coremltools' writer still holds back."""
        self._writer = None

    def _pour_constant(self, constant: Any) -> None:
        values = constant.val
        if constant.op in self._offsets or not should_use_weight_file(values):
            return
        if self._writer is None:
            self._writer = BlobWriter(str(self.path))
        flat = np.ascontiguousarray(values).reshape(-1)
        if values.dtype == np.float16:
            offset = self._writer.write_fp16_data(flat.view(np.uint16))
        else:
            offset = self._writer.write_float_data(flat)
        self._offsets[constant.op] = offset
        hollow = np.broadcast_to(values.dtype.type(0), values.shape)  # the shape, without memory
        constant.op.val._sym_val.val = constant._sym_val.val = hollow


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
