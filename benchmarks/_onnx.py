"""A plain chain of Keras layers as ONNX, for networks that are too large for tf2onnx.

For VGG16 that takes more than 20 GB; this takes what the weights take.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers

_KINDS = (
    layers.InputLayer, layers.Conv2D, layers.MaxPooling2D, layers.Flatten, layers.Dense,
    layers.Dropout, layers.Activation, layers.ReLU,
)  # fmt: skip


def is_chain(model: keras.Model) -> bool:
    """Whether `write_chain` can write a network."""
    return all(type(layer) in _KINDS for layer in model.layers)


def write_chain(model: keras.Model, path: Path) -> None:
    """Write a network of convolutions, pools, Flatten and Dense in one line, all with biases."""
    import onnx

    chain = _Chain(onnx)
    x = chain.add("Transpose", "image", perm=[0, 3, 1, 2])
    for layer in model.layers:
        x = _emit(chain, layer, x)
    size = [None, *model.input_shape[1:]]
    kind = onnx.TensorProto.FLOAT
    graph = onnx.helper.make_graph(
        chain.nodes,
        model.name,
        [onnx.helper.make_tensor_value_info("image", kind, size)],
        [onnx.helper.make_tensor_value_info(x, kind, [None, model.output_shape[-1]])],
        chain.weights,
    )
    opset = onnx.helper.make_operatorsetid("", 17)
    onnx.save(onnx.helper.make_model(graph, opset_imports=[opset], ir_version=9), path)


class _Chain:
    """The nodes and weights until now."""

    def __init__(self, onnx: Any) -> None:
        self._onnx = onnx
        self.nodes: list[Any] = []
        self.weights: list[Any] = []

    def add(self, kind: str, *inputs: Any, **attributes: Any) -> str:
        """One node; arrays among its inputs become weights."""
        names = [item if isinstance(item, str) else self._keep(item) for item in inputs]
        output = f"{kind}_{len(self.nodes)}"
        self.nodes.append(self._onnx.helper.make_node(kind, names, [output], **attributes))
        return output

    def _keep(self, array: Any) -> str:
        name = f"weight_{len(self.weights)}"
        self.weights.append(self._onnx.numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name


def _emit(chain: _Chain, layer: keras.Layer, x: str) -> str:
    """One layer and its activation."""
    if isinstance(layer, layers.Conv2D):
        kernel, bias = (np.asarray(weight) for weight in layer.weights)
        kernel = kernel.transpose(3, 2, 0, 1)  # HWIO -> OIHW
        padding = f"{layer.padding.upper()}_UPPER" if layer.padding == "same" else "VALID"
        x = chain.add("Conv", x, kernel, bias, auto_pad=padding, strides=list(layer.strides))
    elif isinstance(layer, layers.MaxPooling2D):
        x = chain.add("MaxPool", x, kernel_shape=list(layer.pool_size), strides=list(layer.strides))
    elif isinstance(layer, layers.Flatten):
        x = chain.add("Flatten", chain.add("Transpose", x, perm=[0, 2, 3, 1]))
    elif isinstance(layer, layers.Dense):
        kernel, bias = (np.asarray(weight) for weight in layer.weights)
        x = chain.add("Gemm", x, kernel, bias)
    return _activate(chain, layer, x)


def _activate(chain: _Chain, layer: keras.Layer, x: str) -> str:
    if isinstance(layer, layers.ReLU):
        return chain.add("Relu", x)
    name = getattr(getattr(layer, "activation", None), "__name__", "linear")
    if name == "linear":
        return x
    kind = {"relu": "Relu", "softmax": "Softmax"}[name]
    return chain.add(kind, x)
