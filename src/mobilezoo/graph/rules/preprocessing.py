"""Preprocessing of pixels that belongs to inference."""

from __future__ import annotations

from keras import layers

from mobilezoo.graph.call import Call
from mobilezoo.graph.rules.table import layer_rule


@layer_rule(layers.Rescaling)
def rescaling(call: Call) -> str:
    """Rescaling: x * scale + offset."""
    layer = call.operation
    y = call.recorder.operand(call.x)
    for kind, value in (("multiply", layer.scale), ("add", layer.offset)):
        constant = call.recorder.operand(value, call.outputs[0].dtype)
        y = call.add(kind, y, constant)
    return y
