"""The walk over the graph: lay out, emit, compare the shape, go on."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from coremltools.converters.mil.mil import Builder as mb
from coremltools.converters.mil.mil import Function, Program, mil_list, types

from mobilezoo.coreml.description import Input, Interface
from mobilezoo.coreml.emit.site import EMITTERS, MIXED_RANK, Layout, Site
from mobilezoo.coreml.names import helper, program_names
from mobilezoo.coreml.precision import Precision
from mobilezoo.errors import MobilezooError
from mobilezoo.graph import Graph, Node
from mobilezoo.graph.node import Array


def emit(graph: Graph, interface: Interface, precision: Precision) -> Program:
    """A MIL program (opset iOS 15) that computes `graph`.

    Args:
        graph: folded; every axis but the batch is known, the batch becomes 1.
        interface: features of the Core ML model.
        precision: of weights and activations; inputs and outputs stay float32.
    """
    import coremltools as ct

    placeholders = {
        item.feature: mb.placeholder(shape=item.shape, dtype=types.fp32)
        for item in interface.inputs
    }
    mb.name_count.clear()  # else the names of constants count on from one export to the next
    program = Program()
    with Function(placeholders, opset_version=ct.target.iOS15) as function:
        walk = _Walk(program_names(graph), precision)
        readers = graph.consumers()
        for item in interface.inputs:
            kinds = {node.kind for node in readers.get(item.tensor, ())}
            exact = bool(kinds) and kinds <= _READ_WHOLE_NUMBERS
            variable = function.inputs[item.feature]
            walk.values[item.tensor] = _prepare(variable, item, precision, exact=exact)
        for node in graph.nodes:
            walk.add(node)
        outputs = []
        for tensor, feature in interface.outputs:
            outputs.append(_finish(walk.values[tensor], feature))
        if interface.labels is not None:
            outputs = [*_classify(outputs[0], interface.labels), *outputs[1:]]
        function.set_outputs(outputs)
    program.add_function("main", function)
    return program


_READ_WHOLE_NUMBERS = {"embedding"}  # float16 has them up to 2048 only
_CONSTANTS = {"bool": np.bool_, "int32": np.int32, "int64": np.int32}  # others are floats


@dataclass
class _Value:
    """A tensor of the program in one layout, and in the other one once somebody asked."""

    name: str
    layouts: dict[Layout, Any]
    shape: tuple[int, ...]  # in Keras's order

    @property
    def layout(self) -> Layout:
        return next(iter(self.layouts))

    def get(self, layout: Layout, rank: int) -> Any:
        """The variable in a layout; `rank` is that of the tensors it is combined with."""
        if len(self.shape) < MIXED_RANK or layout is Layout.EITHER:
            return self.layouts[self.layout]
        if layout not in self.layouts:
            source = self.layouts[self.layout]
            to_first = layout is Layout.CHANNELS_FIRST
            name = helper(self.name, "channels_first" if to_first else "channels_last")
            self.layouts[layout] = self._reordered(source, to_first, name)
        return self.layouts[layout]

    def _reordered(self, source: Any, to_first: bool, name: str) -> Any:
        first = Layout.CHANNELS_FIRST.axes(len(self.shape))
        target = (Layout.CHANNELS_FIRST if to_first else Layout.KERAS).shape(self.shape)
        *spatial, channels = self.shape[1:]
        if channels == 1 or math.prod(spatial) == 1:  # the elements stay where they are
            return mb.reshape(x=source, shape=target, name=name)
        perm = first if to_first else tuple(np.argsort(first))
        return mb.transpose(x=source, perm=perm, name=name)


@dataclass(frozen=True)
class _Constant:
    """An array that takes the layout of what it is combined with."""

    array: Array
    shape: tuple[int, ...]
    layout: Layout = Layout.EITHER

    def get(self, layout: Layout, rank: int) -> Array:
        if layout is not Layout.CHANNELS_FIRST or rank < MIXED_RANK or self.array.ndim == 0:
            return self.array
        full = self.array.reshape((1,) * (rank - self.array.ndim) + self.array.shape)
        return np.ascontiguousarray(full.transpose(layout.axes(rank)))


@dataclass
class _Walk:
    """The tensors emitted so far."""

    names: dict[str, str]
    precision: Precision
    values: dict[str, Any] = field(default_factory=dict)

    def add(self, node: Node) -> None:
        """Emit one node and compare its shape with the one that Keras declares."""
        shape = tuple(1 if size is None else size for size in node.output.shape)
        if node.kind == "constant":
            site = Site(node, self.names[node.name], Layout.EITHER, self.precision.dtype, shape)
            kind = _CONSTANTS.get(node.output.dtype)
            array = site.weight("value") if kind is None else node.weights["value"].read()
            self.values[node.name] = _Constant(array if kind is None else array.astype(kind), shape)
            return
        registered = EMITTERS[node.kind]
        operands = [self.values[name] for name in node.inputs]
        layout = registered.layout_for(node)
        if layout is Layout.EITHER:
            layout = _common_layout(operands)
        site = Site(node, self.names[node.name], layout, self.precision.dtype, shape)
        rank = max((len(operand.shape) for operand in operands), default=0)
        made = registered.emit(site, *(operand.get(layout, rank) for operand in operands))
        made_layout = layout if len(shape) == rank else Layout.KERAS  # a reduction keeps one kind
        _check_shape(node, tuple(made.shape), made_layout.shape(shape))
        self.values[node.name] = _Value(site.name, {made_layout: made}, shape)


def _common_layout(operands: list[Any]) -> Layout:
    """Channels first where a picture already is, unless a tensor of lower rank joins in."""
    tensors = [operand for operand in operands if isinstance(operand, _Value)]
    ranks = {len(tensor.shape) for tensor in tensors}
    first = any(tensor.layout is Layout.CHANNELS_FIRST for tensor in tensors)
    return Layout.CHANNELS_FIRST if first and len(ranks) == 1 else Layout.KERAS


def _prepare(variable: Any, item: Input, precision: Precision, *, exact: bool) -> _Value:
    """Input feature -> the tensor that the network takes, in float32 where it must be exact."""
    x = variable
    if precision.dtype is np.float16 and not exact:
        x = mb.cast(x=x, dtype="fp16", name=helper(item.feature, "float16"))
    if item.preprocessing is None:
        return _Value(item.feature, {Layout.KERAS: x}, item.shape)
    batch, channels, height, width = item.shape
    mean, scale = (
        np.array(values, precision.dtype).reshape(1, -1, 1, 1)
        for values in (item.preprocessing.mean, item.preprocessing.scale)
    )
    if mean.any():  # first, because pixel - 127.5 is exact in float16
        x = mb.sub(x=x, y=mean, name=helper(item.feature, "centred"))
    if (scale != 1).any():
        x = mb.mul(x=x, y=scale, name=helper(item.feature, "scaled"))
    return _Value(item.feature, {Layout.CHANNELS_FIRST: x}, (batch, height, width, channels))


def _finish(value: Any, feature: str) -> Any:
    """A tensor of the network -> output feature: float32, in Keras's order, under its name."""
    x = value.get(Layout.KERAS, len(value.shape))
    if x.dtype == types.fp32 and x.name == feature:
        return x
    if x.name == feature:
        x.name = helper(feature, "inner")
    return mb.cast(x=x, dtype="fp32", name=feature)


def _classify(probabilities: Any, labels: tuple[str, ...]) -> list[Any]:
    classes = mil_list([str(label) for label in labels])
    outputs = mb.classify(probabilities=probabilities, classes=mb.const(val=classes))
    outputs[0].name, outputs[1].name = "classLabel", "classLabelProbs"
    return list(outputs)


def _check_shape(node: Node, made: tuple[int, ...], declared: tuple[int, ...]) -> None:
    if made != declared:
        raise MobilezooError(
            f"Bug in the emitter for '{node.kind}': it made {made} for '{node.name}', Keras "
            f"declares {declared}. Please report this with the layer's configuration."
        )
