"""Parameters and mult-adds of any Keras model, one formula per operation.

Convention: 1 mult-add is one multiplication and one addition, FLOPs = 2 x mult-adds. What has
no product-and-sum of weights (activations, pooling, normalisation, additions) is not counted
and listed by name, as in the papers' tables.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mobilezoo.errors import InvalidArgumentError

if TYPE_CHECKING:
    import keras

    from mobilezoo.graph import Graph, Node, TensorSpec

    Specs = Mapping[str, TensorSpec]


@dataclass(frozen=True)
class Counts:
    """Exact counts at batch 1.

    Attributes:
        parameters: elements of all weights, batch norm statistics among them.
        mult_adds: multiplications that are followed by an addition.
        not_counted: kind of operation -> how many of them count for nothing.
    """

    parameters: int
    mult_adds: int
    not_counted: Mapping[str, int]

    @property
    def flops(self) -> int:
        """Floating-point operations: 2 per mult-add."""
        return 2 * self.mult_adds


def count(model: keras.Model, input_shape: Sequence[int] | None = None) -> Counts:
    """Count parameters and mult-adds; needs no weights in memory.

    Args:
        model: any Keras model, built.
        input_shape: (height, width, channels), for models whose input has free sides.

    Raises:
        InvalidArgumentError: the input has free sides and `input_shape` is not given.
        UnsupportedLayersError: layers that cannot be captured, and so not counted.
    """
    from mobilezoo.graph import capture  # brings Keras, which sizes and tables do not need

    graph = capture(model, input_shape)
    specs = graph.specs()
    uncounted = Counter(node.kind for node in graph.nodes if node.kind not in _MULT_ADDS)
    mult_adds = sum(
        _MULT_ADDS[node.kind](node, specs) for node in graph.nodes if node.kind in _MULT_ADDS
    )
    _check_known(graph, uncounted)
    return Counts(model.count_params(), mult_adds, dict(uncounted))


def _conv(node: Node, _: Specs) -> int:
    """Height * width * filters outputs, each a sum over a kernel: h * w * channels / groups."""
    *kernel, channels, _filters = node.weights["kernel"].shape
    return _elements(node.output) * math.prod(kernel) * channels


def _depthwise_conv(node: Node, _: Specs) -> int:
    """Height * width * channels * multiplier outputs, each a sum over h * w."""
    *kernel, _channels, _multiplier = node.weights["kernel"].shape
    return _elements(node.output) * math.prod(kernel)


def _conv_transpose(node: Node, specs: Specs) -> int:
    """Height * width * channels inputs, each times a kernel: h * w * filters."""
    *kernel, filters, _channels = node.weights["kernel"].shape
    return _elements(specs[node.inputs[0]]) * math.prod(kernel) * filters


def _dense(node: Node, _: Specs) -> int:
    """Outputs, each a sum over d_in."""
    d_in, _units = node.weights["kernel"].shape
    return _elements(node.output) * d_in


def _matmul(node: Node, specs: Specs) -> int:
    """Outputs (..., n, m), each a sum over k of x (..., n, k)."""
    depth = specs[node.inputs[0]].shape[-1]
    return _elements(node.output) * _known(depth, node)


_MULT_ADDS: dict[str, Callable[[Node, Specs], int]] = {
    "conv": _conv,
    "conv_transpose": _conv_transpose,
    "dense": _dense,
    "depthwise_conv": _depthwise_conv,
    "matmul": _matmul,
}
_FREE = frozenset(
    (
        "abs acos add argmax asin atan atanh avg_pool batch_norm cast ceil clip concat constant "
        "cos cosh crop cumsum divide elu embedding equal erf exp flip floor floor_divide gather "
        "gelu greater greater_equal group_norm hard_sigmoid hard_silu layer_norm leaky_relu less "
        "less_equal local_response_norm log logical_and logical_not logical_or logical_xor "
        "max_pool maximum minimum mod multiply negative not_equal pad power prelu reduce_max "
        "reduce_mean reduce_min reduce_prod reduce_sum relu relu6 reshape resize_bilinear round "
        "rsqrt select sigmoid sign silu sin sinh slice softmax softplus softsign sqrt square "
        "subtract tan tanh tile transpose upsample_bilinear upsample_nearest"
    ).split()
)


def _check_known(graph: Graph, uncounted: Mapping[str, int]) -> None:
    unknown = sorted(set(uncounted) - _FREE)
    if unknown:
        raise InvalidArgumentError(
            f"'{graph.name}' has operations that benchmark/counts.py does not know: "
            f"{', '.join(unknown)}."
        )


def _elements(spec: TensorSpec) -> int:
    """Elements of one example's tensor."""
    return math.prod(_known(size, spec) for size in spec.shape[1:])


def _known(size: int | None, where: Node | TensorSpec) -> int:
    if size is None:
        raise InvalidArgumentError(
            f"'{where.name}' has free sides. Pass input_shape=(height, width, channels)."
        )
    return size
