"""What `arithmetic="float16"` adds: values are kept as a device of float16 would keep them.

Each op still computes in float32 and accumulates in float32; only its result is rounded to the
nearest float16 before the next op reads it. What ends at 65504 there becomes infinity, as it would
on the device, and the op at which that begins is named.

A program says of each value whether it is float16 or float32, and that is followed. A program
without any float16, and a neural network, whose types the device chooses, are rounded throughout,
weights included: they show what float16 would cost.
"""

from __future__ import annotations

import inspect
import math
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from mobilezoo.errors import Float16OverflowWarning
from mobilezoo.runtime.arithmetic import Array
from mobilezoo.runtime.layout import elementwise, in_stored_order
from mobilezoo.runtime.operations import Block, Operation, Output

_LIBRARY = str(Path(__file__).parents[1])
_LARGEST = 65504.0  # of float16
_INFINITE_FROM = 65520.0  # half way to what would come next: rounding to even gives infinity
_OPERANDS = frozenset({"x", "y", "values"})  # numbers there are values, elsewhere parameters
_WEIGHT = "weight"  # of convolutions and products: large, and never infinite on purpose
_MOST_NAMED = 3  # places in a warning


class Storage:
    """Keeps every value of a program as it was computed, in float32."""

    def __init__(self, block: Block | None = None) -> None:
        """Nothing of the program matters here."""

    def argument(self, parameter: str, value: Any) -> Any:
        """What an op reads where the file has `value`, a constant."""
        return value

    def entered(self, name: str, mil_type: str, value: Any) -> Any:
        """An input of the program, as it is kept."""
        return value

    def result(self, operation: Operation, output: Output, value: Any) -> Any:
        """A value that an op made, as it is kept."""
        return value

    def peaks(self) -> list[tf.Tensor]:
        """What `report` needs to know of a run that was traced: at most one vector."""
        return []

    def report(self, names: Iterable[str] | None = None, peaks: Sequence[Array] = ()) -> None:
        """Warn of values that cannot be kept.

        Args:
            names: of the values to look at; all if None.
            peaks: the numbers of `peaks()`; of a run that was not traced they are known.
        """


@dataclass(frozen=True)
class Kept:
    """What is known of a value before it is computed."""

    place: str
    reads: tuple[str, ...]  # names of the values that it is made from
    infinite_from: float
    may_begin: bool = True  # no constant that it is made from is a mask


class Float16Storage(Storage):
    """Rounds to float16, and notes the largest magnitude of each value before that.

    Args:
        block: of the program that is run.
    """

    def __init__(self, block: Block) -> None:
        declared = {output.type for item in block.operations for output in item.outputs}
        self._throughout = "FLOAT16" not in declared
        self._kept: dict[str, Kept] = {}
        self._peaks: dict[str, Any] = {}  # of the same names: scalars, symbolic while tracing

    def argument(self, parameter: str, value: Any) -> Any:
        """As `Storage.argument`: a float16 constant is what it is, others are rounded."""
        if not self._throughout:
            return value
        if isinstance(value, tuple):
            return tuple(self.argument(parameter, item) for item in value)
        if isinstance(value, float) and parameter in _OPERANDS:
            return float(_rounded(np.float32(value)))
        is_array = isinstance(value, np.ndarray) and _is_floating(value)
        return _rounded(value) if is_array else value

    def entered(self, name: str, mil_type: str, value: Any) -> Any:
        """As `Storage.entered`."""
        return self._keep(name, Kept(f"input {name!r}", (), self._infinite_from(mil_type)), value)

    def result(self, operation: Operation, output: Output, value: Any) -> Any:
        """As `Storage.result`."""
        kept = Kept(
            operation.place,
            tuple(operation.references()),
            self._infinite_from(output.type),
            not any(map(_is_mask, operation.constants(without=_WEIGHT))),
        )
        return self._keep(output.name, kept, value)

    def peaks(self) -> list[tf.Tensor]:
        """As `Storage.peaks`."""
        return [tf.stack(list(self._peaks.values()))]

    def report(self, names: Iterable[str] | None = None, peaks: Sequence[Array] = ()) -> None:
        """As `Storage.report`: names the ops that make something infinite of finite values."""
        numbers: Iterable[Any] = peaks[0] if peaks else self._peaks.values()
        found = dict(zip(self._kept, map(float, numbers), strict=True))
        infinite = {n for n, peak in found.items() if peak >= self._kept[n].infinite_from}
        begins = [
            name for name in (self._kept if names is None else names)
            if name in infinite
            and self._kept[name].may_begin
            and infinite.isdisjoint(self._kept[name].reads)
        ]  # fmt: skip
        if begins:
            _warn([(self._kept[name].place, found[name]) for name in begins])

    def _infinite_from(self, mil_type: str) -> float:
        return _INFINITE_FROM if self._throughout or mil_type == "FLOAT16" else math.inf

    def _keep(self, name: str, kept: Kept, value: Any) -> Any:
        if not _is_floating(value):
            return value
        self._kept[name] = kept
        self._peaks[name] = _peak(value)
        return value if kept.infinite_from == math.inf else _rounded(value)


def _warn(found: Sequence[tuple[str, float]]) -> None:
    listed = "; ".join(
        f"{place} computes magnitudes up to {peak:.6g}" for place, peak in found[:_MOST_NAMED]
    )
    more = f"; and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
    warnings.warn(
        f"float16 ends at {_LARGEST:g}: {listed}{more}. What comes after is computed from "
        "infinity, as on a device of float16. Keep these layers in float32, or scale the weights "
        "before them down.",
        Float16OverflowWarning,
        stacklevel=_caller(),
    )


def _caller() -> int:
    """How far up the code is that called the library."""
    frame, level = inspect.currentframe(), 0
    while frame is not None and frame.f_code.co_filename.startswith(_LIBRARY):
        frame, level = frame.f_back, level + 1
    return level


def _is_mask(value: Any) -> bool:
    """Whether it has infinity, or what is so far below 0 that it can only mean that."""
    is_number = isinstance(value, float) or _is_floating(value)
    return is_number and bool(((np.isinf(value)) | (np.asarray(value) <= -_INFINITE_FROM)).any())


def _is_floating(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return bool(value.dtype.kind == "f")
    return isinstance(value, tf.Tensor) and bool(value.dtype.is_floating)


def _rounded(value: Any) -> Any:
    """The nearest float16, in float32."""
    if isinstance(value, tf.Tensor):
        return elementwise(lambda x: tf.cast(tf.cast(x, tf.float16), tf.float32), value)
    with np.errstate(over="ignore"):  # infinity is what is wanted
        return value.astype(np.float16).astype(np.float32)


def _peak(value: Any) -> Any:
    """The largest magnitude of its numbers."""
    if isinstance(value, np.ndarray):
        return np.float32(np.nanmax(np.abs(value), initial=0.0))
    magnitudes = tf.abs(in_stored_order(value))
    return tf.reduce_max(tf.where(tf.math.is_nan(magnitudes), 0.0, magnitudes))
