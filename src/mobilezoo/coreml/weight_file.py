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
from coremltools.converters.mil.backend.mil.load import should_use_weight_file

from mobilezoo.coreml.blob_writer import BlobWriter
from mobilezoo.errors import MobilezooError

_NAME = "weight.bin"
_IN_PACKAGE = f"@model_path/weights/{_NAME}"

Values = npt.NDArray[np.floating[Any]]
Parts = Callable[[], Iterable[Values]]


class _Promise(NamedTuple):
    parts: Parts
    same: Hashable | None


class WeightFile:
    """Arrays one behind the other, each 64-byte aligned, so that Core ML can map them to memory.

    While the program is built it gets hollow arrays, which have a shape and no values. These are
    computed when all is known, part by part, and go to disk at once: no large weight is in memory.

        kernel = weights.later(parts, shape, np.float16)
        weights.pour(mb.conv(x=x, weight=kernel, ...), [x])
        weights.write()

    Args:
        folder: an existing folder; the file is made if there is an array.

    Attributes:
        digests: SHA-256 of the written file by its name in the package; empty without one.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / _NAME
        self._promised: dict[int, tuple[Values, _Promise]] = {}
        self._poured: dict[Any, _Promise] = {}  # by the constant's operation
        self._offsets: dict[Any, int] = {}
        self.digests: dict[str, bytes] = {}

    def later(
        self,
        parts: Parts,
        shape: Sequence[int],
        dtype: Any,
        same: Hashable | None = None,
    ) -> Values:
        """A hollow array, whose values `parts` gives when it is written.

        It may be reshaped and must become a constant of the node that is poured next. What is too
        small for the file is computed at once.

        Args:
            parts: gives the values in their order, in C-contiguous arrays of any shape.
            shape: of the values.
            dtype: of the values.
            same: arrays of which this is equal have the same values, and are written once; None
                where that is not known.
        """
        cell = np.zeros((), dtype)
        hollow = np.broadcast_to(cell, shape)
        if not should_use_weight_file(hollow):
            return np.concatenate([part.reshape(-1) for part in parts()]).reshape(shape)
        self._promised[id(cell)] = cell, _Promise(parts, same)
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
        keys = {made: made if p.same is None else p.same for made, p in self._poured.items()}
        written: dict[Hashable, int] = {}
        with BlobWriter(self._path, len(set(keys.values()))) as writer:
            for operation, promise in self._poured.items():
                key = keys[operation]
                if key not in written:
                    hollow = operation.val.val
                    written[key] = writer.add(hollow.dtype, hollow.nbytes, promise.parts())
                self._offsets[operation] = written[key]
        self.digests = {f"weights/{_NAME}": writer.digest}

    def value_of(self, constant: Any) -> Any:
        """The protobuf message that says where a constant's values lie, once they are written."""
        return create_file_value_tensor(
            file_name=_IN_PACKAGE,
            offset=self._offsets[constant.op],
            dim=constant.val.shape,
            data_type=types_to_proto_primitive(constant.sym_type.get_primitive()),
        )


def _given(values: Values) -> Iterable[Values]:
    return (np.ascontiguousarray(values),)


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
