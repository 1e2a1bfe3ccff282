"""Which values are rounded to 8 bits while a program runs: what convolutions and products read.

Chips that multiply whole numbers of 8 bits do so where a `quantize` and a `dequantize` stand in
front of an operation whose weights are of 8 bits, too (coremltools' guide, "Quantization
Overview"). They stand here in front of

- convolutions and dense layers whose weights are chosen,
- additions of two values of one shape, one of which such a layer makes, perhaps through an
  activation: the shortcuts of residual networks,
- poolings and concatenations whose result one of these reads, so that values need not be widened
  in between.

Maxima and concatenations pass numbers on as they are: they share the scale of what they make, and
lose nothing a second time. Outputs, and what any other operation reads, stay as they are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from coremltools.converters.mil.backend.mil.helper import create_scalar_value
from coremltools.proto import MIL_pb2

from mobilezoo.coreml.compress.forms import constant_of, operation

PRODUCTS = ("conv", "linear")
_ACTIVATIONS = (
    "clip", "leaky_relu", "prelu", "relu", "relu6", "scaled_tanh", "sigmoid", "sigmoid_hard", "tanh"
)  # fmt: skip
_PASSING_ON = ("concat", "max_pool")  # numbers stay what they are
_POOLING = ("avg_pool", *_PASSING_ON)
_FLOATS = (MIL_pb2.DataType.FLOAT16, MIL_pb2.DataType.FLOAT32)


@dataclass(frozen=True)
class Places:
    """Where values are rounded.

    Attributes:
        groups: values; those of a group share a scale.
        readers: what the operations make that read rounded values.
    """

    groups: tuple[tuple[str, ...], ...]
    readers: frozenset[str]


@dataclass(frozen=True)
class Scale:
    """How a value is rounded: to whole numbers times a step.

    Attributes:
        step: above 0.
        is_signed: whether these are -128 to 127; else 0 to 255.
    """

    step: float
    is_signed: bool


def find_places(function: Any, block: Any, layers: Collection[str]) -> Places:
    """Where values of a program are rounded.

    Args:
        function: `MIL_pb2.Function`.
        block: of it that runs.
        layers: what operations make whose weights are of 8 bits.
    """
    values = _Values(function, block)
    for raw in block.operations:
        if raw.type in PRODUCTS and raw.outputs[0].name in layers:
            values.round([_read(raw, "x")], raw)
    computed = _computed(block, layers)
    for raw in block.operations:
        if raw.type == "add" and values.are_alike(raw):
            both = [_read(raw, "x"), _read(raw, "y")]
            if computed.intersection(both):
                values.round(both, raw)
    for raw in reversed(block.operations):
        if raw.type in _POOLING and raw.outputs[0].name in values.rounded:
            parameter = "values" if raw.type == "concat" else "x"
            names = [binding.name for binding in raw.inputs[parameter].arguments]
            values.round(names, raw, shares=raw.type in _PASSING_ON)
    return values.places()


class _Values:
    """The values of a program, and which of them are rounded."""

    def __init__(self, function: Any, block: Any) -> None:
        self.rounded: dict[str, str] = {}  # to one of its group
        self._types = {item.name: item.type for item in function.inputs}
        for raw in block.operations:
            if raw.type != "const" and not raw.type.startswith("constexpr_"):
                self._types.update({output.name: output.type for output in raw.outputs})
        self._already = {
            raw.outputs[0].name for raw in block.operations if raw.type == "dequantize"
        }
        self._readers: set[str] = set()

    def round(self, names: Collection[str], reader: Any, *, shares: bool = False) -> None:
        """Round values in front of an operation, if all of them can be."""
        if not all(self._can_be(name) for name in names):
            return
        self._readers.add(reader.outputs[0].name)
        for name in names:
            self.rounded.setdefault(name, name)
        if shares:
            self._unite([reader.outputs[0].name, *names])

    def are_alike(self, raw: Any) -> bool:
        """Whether an operation joins two values of one shape that are computed."""
        x, y = (self._types.get(_read(raw, key)) for key in "xy")
        return x is not None and x == y

    def places(self) -> Places:
        groups: dict[str, list[str]] = {}
        for name in self.rounded:
            groups.setdefault(self._root(name), []).append(name)
        return Places(tuple(map(tuple, groups.values())), frozenset(self._readers))

    def _can_be(self, name: str) -> bool:
        known = self._types.get(name)
        real = known is not None and known.tensorType.dataType in _FLOATS
        return real and name not in self._already

    def _unite(self, names: Collection[str]) -> None:
        first, *others = [self._root(name) for name in names]
        for other in others:
            self.rounded[other] = first

    def _root(self, name: str) -> str:
        while self.rounded[name] != name:
            name = self.rounded[name]
        return name


def _computed(block: Any, layers: Collection[str]) -> set[str]:
    """What the layers make, as it is or behind an activation."""
    found = {
        raw.outputs[0].name
        for raw in block.operations
        if raw.type in PRODUCTS and raw.outputs[0].name in layers
    }
    for raw in block.operations:
        if raw.type in _ACTIVATIONS and _read(raw, "x") in found:
            found.add(raw.outputs[0].name)
    return found


def _read(raw: Any, parameter: str) -> str:
    """The value that an operation reads; empty where it is none but stands in the operation."""
    arguments = list(raw.inputs[parameter].arguments) if parameter in raw.inputs else []
    return str(arguments[0].name) if len(arguments) == 1 else ""


def round_values(
    function: Any, block: Any, scales: Mapping[str, Scale], readers: Collection[str]
) -> None:
    """Put a `quantize` and a `dequantize` behind values, and let the readers read these.

    Args:
        function: `MIL_pb2.Function`.
        block: of it that runs, changed.
        scales: by values.
        readers: what the operations make that read what was rounded.
    """
    taken = {output.name for raw in block.operations for output in raw.outputs}
    types = {item.name: item.type for item in function.inputs if item.name in scales}
    made: list[Any] = []
    restored: dict[str, str] = {}

    def rounded(name: str, kind: Any) -> Iterator[Any]:
        restored[name] = _free(f"{name}_rounded", taken)
        yield from _pair(name, restored[name], kind, scales[name])

    for name, kind in types.items():
        made += rounded(name, kind)
    for raw in block.operations:
        if raw.outputs and raw.outputs[0].name in readers:
            for argument in raw.inputs.values():
                for binding in argument.arguments:
                    if binding.name in restored:
                        binding.name = restored[binding.name]
        made.append(raw)
        for output in raw.outputs:
            if output.name in scales:
                made += rounded(output.name, output.type)
    block.CopyFrom(MIL_pb2.Block(inputs=block.inputs, outputs=block.outputs, operations=made))


def _free(name: str, taken: set[str]) -> str:
    while name in taken or f"{name}_codes" in taken:
        name += "_"
    taken.update({name, f"{name}_codes"})
    return name


def _pair(name: str, restored: str, kind: Any, scale: Scale) -> Iterator[Any]:
    """Constants, `quantize` and `dequantize`, as coremltools writes them."""
    half = kind.tensorType.dataType == MIL_pb2.DataType.FLOAT16
    step = (np.float16 if half else np.float32)(scale.step)
    codes = f"{restored}_codes"
    inputs = {"scale": f"{codes}_scale"}
    yield constant_of(inputs["scale"], create_scalar_value(step))
    if not scale.is_signed:
        inputs["zero_point"] = f"{codes}_zero_point"
        yield constant_of(inputs["zero_point"], create_scalar_value(np.uint8(0)))
    dtype = f"{codes}_dtype"
    yield constant_of(dtype, create_scalar_value("int8" if scale.is_signed else "uint8"))
    coded = MIL_pb2.ValueType()
    coded.CopyFrom(kind)
    coded.tensorType.dataType = getattr(MIL_pb2.DataType, "INT8" if scale.is_signed else "UINT8")
    given = {"input": name, "output_dtype": dtype, **inputs}
    yield operation("quantize", codes, [(codes, coded)], inputs=given)
    yield operation("dequantize", restored, [(restored, kind)], inputs={"input": codes, **inputs})
