"""Matrix products."""

from __future__ import annotations

from typing import Any

from keras import layers

from mobilezoo.graph.call import Call, Unsupported
from mobilezoo.graph.rules._checks import kernel_and_bias
from mobilezoo.graph.rules.table import layer_rule, operation_rule


@layer_rule(layers.Dense)
def dense(call: Call) -> Any:
    """Dense: x (..., d_in) @ kernel (d_in, units) + bias."""
    layer = call.operation
    if getattr(layer, "quantization_mode", None):
        raise Unsupported("its weights are quantized; export the model before model.quantize()")
    x = call.recorder.operand(call.x)
    y = call.add("dense", x, weights=kernel_and_bias(layer, layer.kernel))
    return call.then(layer.activation, y)


@operation_rule("Matmul")
def matmul(call: Call) -> str:
    """x1 (..., n, k) @ x2 (..., k, m)."""
    return call.add("matmul", call.operand(0, "x1"), call.operand(1, "x2"))
