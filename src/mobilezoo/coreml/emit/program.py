"""Graph -> MIL program: what enters, what is computed, what leaves."""

from __future__ import annotations

from typing import Any

import coremltools as ct
import numpy as np
from coremltools.converters.mil.mil import Function, Program, get_new_symbol, mil_list, types

from mobilezoo.coreml.emit.builder import mb
from mobilezoo.coreml.emit.site import Layout
from mobilezoo.coreml.emit.walk import Value, Walk
from mobilezoo.coreml.interface import Input, Interface
from mobilezoo.coreml.names import INNER, helper, program_names
from mobilezoo.coreml.precision import Precision
from mobilezoo.coreml.weight_file import WeightFile
from mobilezoo.graph import Graph


def emit(graph: Graph, interface: Interface, precision: Precision, weights: WeightFile) -> Program:
    """A MIL program (opset iOS 15) that computes `graph`.

    Args:
        graph: folded.
        interface: features of the Core ML model.
        precision: of weights and activations; inputs and outputs stay float32.
        weights: takes the values of large constants.
    """
    placeholders = _placeholders(interface)
    mb.name_count.clear()  # else the names of constants count on from one export to the next
    program = Program()
    with Function(placeholders, opset_version=ct.target.iOS15) as function:
        readers = graph.consumers()
        walk = Walk(graph, interface, readers, program_names(graph), precision, weights)
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


def _placeholders(interface: Interface) -> dict[str, Any]:
    """One per input; the free batch of several inputs is one and the same number."""
    batch = get_new_symbol()
    placeholders = {}
    for item in interface.inputs:
        first, *rest = item.shape
        shape = [
            batch if first is None else first,
            *(get_new_symbol() if size is None else size for size in rest),
        ]
        placeholders[item.feature] = mb.placeholder(shape=shape, dtype=types.fp32)
    return placeholders


def _prepare(variable: Any, item: Input, precision: Precision, *, exact: bool) -> Value:
    """Input feature -> the tensor that the network takes, in float32 where it must be exact."""
    x = variable
    if precision.dtype is np.float16 and not exact:
        x = mb.cast(x=x, dtype="fp16", name=helper(item.feature, "float16"))
    if item.preprocessing is None:
        return Value(item.feature, {Layout.KERAS: x}, item.keras_shape)
    mean, scale = (
        np.array(values, precision.dtype).reshape(1, -1, 1, 1)
        for values in (item.preprocessing.mean, item.preprocessing.scale)
    )
    if mean.any():  # first, because pixel - 127.5 is exact in float16
        x = mb.sub(x=x, y=mean, name=helper(item.feature, "centred"))
    if (scale != 1).any():
        x = mb.mul(x=x, y=scale, name=helper(item.feature, "scaled"))
    return Value(item.feature, {Layout.CHANNELS_FIRST: x}, item.keras_shape)


def _finish(value: Any, feature: str) -> Any:
    """A tensor of the network -> output feature: float32, in Keras's order, under its name."""
    x = value.get(Layout.KERAS, len(value.shape))
    if x.dtype == types.fp32 and x.name == feature:
        return x
    if x.name == feature:
        x.name = helper(feature, INNER)
    return mb.cast(x=x, dtype="fp32", name=feature)


def _classify(probabilities: Any, labels: tuple[str, ...]) -> list[Any]:
    classes = mil_list([str(label) for label in labels])
    outputs = mb.classify(probabilities=probabilities, classes=mb.const(val=classes))
    outputs[0].name, outputs[1].name = "classLabel", "classLabelProbs"
    return list(outputs)
