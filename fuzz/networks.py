"""Small neural networks of specifications 1 to 6, one for each layer or so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from mobilezoo import _environment

_environment.coremltools()

from coremltools.models import datatypes  # noqa: E402
from coremltools.models.neural_network import NeuralNetworkBuilder  # noqa: E402
from coremltools.models.neural_network.quantization_utils import quantize_weights  # noqa: E402
from coremltools.proto import Model_pb2  # noqa: E402

Make: TypeAlias = Callable[[Any], Any]
RNG = np.random.default_rng(6)
SHAPE = (4, 6, 8)


def _w(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32)


def _convolution(b: Any, source: str = "x", name: str = "y", **options: Any) -> None:
    b.add_convolution(
        f"conv_{name}", 4, 6, 3, 3, 2, 1, "same", 1, _w(3, 3, 4, 6), _w(6), True,
        input_name=source, output_name=name, **options,
    )  # fmt: skip


def _deconvolution(b: Any) -> None:
    b.add_convolution(
        "d", 4, 6, 3, 3, 2, 2, "valid", 1, _w(3, 3, 6, 4), None, False, is_deconv=True,
        input_name="x", output_name="y",
    )  # fmt: skip


def _depthwise(b: Any) -> None:
    b.add_convolution(
        "d", 1, 4, 3, 3, 1, 1, "valid", 4, _w(3, 3, 1, 4), None, False,
        input_name="x", output_name="y", dilation_factors=[2, 1], padding_top=1, padding_left=2,
    )  # fmt: skip


def _classic(b: Any) -> None:
    _convolution(b, "x", "c")
    b.add_batchnorm("bn", 6, _w(6), _w(6), _w(6), np.ones(6, np.float32), "c", "n")
    b.add_activation("a", "RELU", "n", "r")
    b.add_pooling("p", 2, 2, 2, 2, "MAX", "INCLUDE_LAST_PIXEL", "r", "m")
    b.add_elementwise("e", ["m", "m"], "s", "CONCAT")
    b.add_pooling("g", 0, 0, 0, 0, "AVERAGE", "VALID", "s", "v", is_global=True)
    b.add_inner_product("fc", _w(5, 12), _w(5), 12, 5, True, "v", "l")
    b.add_softmax("sm", "l", "y")


def _plain(b: Any) -> None:
    _convolution(b, "x", "c")
    b.add_inner_product("fc", _w(5, 144), _w(5), 144, 5, True, "c", "y")


CLASSIC: dict[str, Make] = {
    "classic": _classic,
    "conv": _convolution, "deconv": _deconvolution, "depthwise": _depthwise,
    "average": lambda b: b.add_pooling("p", 3, 2, 2, 1, "AVERAGE", "SAME", "x", "y"),
    "last_pixel": lambda b: b.add_pooling(
        "p", 3, 3, 2, 2, "AVERAGE", "INCLUDE_LAST_PIXEL", "x", "y", padding_top=1, padding_bottom=1,
        padding_left=1, padding_right=1,
    ),
    "inner": lambda b: b.add_inner_product("i", _w(7, 192), _w(7), 192, 7, True, "x", "y"),
    "prelu": lambda b: b.add_activation("a", "PRELU", "x", "y", _w(4)),
    "padding": lambda b: b.add_padding("p", 1, 2, 3, 4, 7.0, "x", "y"),
    "reflection": lambda b: b.add_padding("p", 1, 2, 3, 0, 0.0, "x", "y", "reflection"),
    "crop": lambda b: b.add_crop("c", 1, 0, 2, 1, [0, 0], ["x"], "y"),
    "upsample": lambda b: b.add_upsample("u", 2, 3, "x", "y"),
    "bilinear": lambda b: b.add_upsample("u", 2, 3, "x", "y", "BILINEAR"),
    "resize": lambda b: b.add_resize_bilinear("r", "x", "y", 7, 3),
    "unary": lambda b: b.add_unary("u", "x", "y", "power", alpha=2.0, shift=0.5, scale=3.0),
    "scale": lambda b: b.add_scale("s", _w(4), _w(6, 8), True, "x", "y", [4], [1, 6, 8]),
    "bias": lambda b: b.add_bias("b", _w(*SHAPE), "x", "y", list(SHAPE)),
    "lrn": lambda b: b.add_lrn("l", "x", "y", 0.5, 0.75, 3, 2.0),
    "mvn": lambda b: b.add_mvn("m", "x", "y", True, True, 0.25),
    "l2": lambda b: b.add_l2_normalize("l", "x", "y", 0.25),
    "softmax": lambda b: b.add_softmax("s", "x", "y"),
    "flatten": lambda b: b.add_flatten("f", 1, "x", "y"),
    "permute": lambda b: b.add_permute("p", [0, 2, 3, 1], "x", "y"),
    "sequence": lambda b: b.add_permute("p", [1, 0, 2, 3], "x", "y"),
    "repeat": lambda b: b.add_sequence_repeat("s", 3, "x", "y"),
    "reshape": lambda b: b.add_reshape("r", "x", "y", (3, 8, 8), 1),
    "slice": lambda b: b.add_slice("s", "x", "y", "height", 1, -1, 2),
    "reduce": lambda b: b.add_reduce("r", "x", "y", "HW", "avg"),
    "reorganize": lambda b: b.add_reorganize_data("r", "x", "y", "SPACE_TO_DEPTH", 2),
    "constant": lambda b: (
        b.add_load_constant("l", "k", _w(*SHAPE), SHAPE),
        b.add_elementwise("e", ["x", "k"], "y", "ADD"),
    ),
    "instance": lambda b: b.add_batchnorm(
        "bn", 4, _w(4), _w(4), input_name="x", output_name="y", compute_mean_var=True,
        instance_normalization=True,
    ),
    "dot": lambda b: (
        b.add_reduce("r", "x", "v", "HW", "sum"), b.add_elementwise("e", ["v", "v"], "y", "COS"),
    ),
}  # fmt: skip

ANY_RANK: dict[str, Make] = {
    "transpose": lambda b: b.add_transpose("l", [1, 0, 2], "x", "y"),
    "softmax_nd": lambda b: b.add_softmax_nd("l", "x", "y", 1),
    "concat_nd": lambda b: b.add_concat_nd("l", ["x", "x"], "y", 1, True),
    "broadcast": lambda b: (
        b.add_load_constant_nd("k", "k", _w(6, 1), [6, 1]),
        b.add_add_broadcastable("l", ["x", "k"], "y"),
    ),
    "stack": lambda b: b.add_stack("l", ["x", "x"], "y", 1),
    "slice_static": lambda b: b.add_slice_static(
        "l", "x", "y", [0, 1, 7], [4, 5, 0], [1, 2, -2], [False] * 3, [False, True, False]
    ),
    "tile": lambda b: b.add_tile("l", "x", "y", [1, 2, 3]),
    "reverse": lambda b: b.add_reverse("l", "x", "y", [True, False, True]),
    "gather": lambda b: (
        b.add_load_constant_nd("k", "k", np.float32([1, 0, 3]), [3]),
        b.add_gather("l", ["x", "k"], "y", 0),
    ),
    "gather_along": lambda b: (
        b.add_load_constant_nd("k", "k", np.ones((2, 6, 8), np.float32), [2, 6, 8]),
        b.add_gather_along_axis("l", ["x", "k"], "y", 0),
    ),
    "topk": lambda b: (b.add_topk("l", ["x"], ["y", "z"], 2, 1)),
    "argmax": lambda b: b.add_argmax("l", "x", "y", 1, False),
    "argsort": lambda b: b.add_argsort("l", "x", "y", 2, True),
    "constant_pad": lambda b: b.add_constant_pad("l", ["x"], "y", 1.0, False, [0, 1, 2, 0, 1, 1]),
    "pad_to": lambda b: b.add_constant_pad("l", ["x"], "y", 1.0, True, [0, 7, 9, 0, 0, 0]),
    "matmul": lambda b: b.add_batched_mat_mul("l", ["x", "x"], "y", False, True),
    "own_matmul": lambda b: b.add_batched_mat_mul(
        "l", ["x"], "y", weight_matrix_rows=8, weight_matrix_columns=5, W=_w(8, 5), bias=_w(5)
    ),
    "fill": lambda b: (b.add_fill_static("k", "k", [6, 1], 2.0),
                       b.add_multiply_broadcastable("l", ["x", "k"], "y")),
    "broadcast_static": lambda b: b.add_broadcast_to_static("l", "x", "y", [2, 4, 6, 8]),
    "broadcast_like": lambda b: (b.add_load_constant_nd("k", "k", _w(2, 4, 6, 8), [2, 4, 6, 8]),
                                 b.add_broadcast_to_like("l", ["x", "k"], "y")),
    "expand": lambda b: (b.add_expand_dims("e", "x", "e", [0, -1]),
                         b.add_squeeze("l", "e", "y", [0])),
    "flatten_2d": lambda b: b.add_flatten_to_2d("l", "x", "y", 2),
    "reshape_static": lambda b: b.add_reshape_static("l", "x", "y", [12, -1]),
    "rank_reshape": lambda b: b.add_rank_preserving_reshape("l", "x", "y", [0, 8, -1]),
    "reduce_sum": lambda b: b.add_reduce_sum("l", "x", "y", [1, 2], False),
    "logsumexp": lambda b: b.add_reduce_logsumexp("l", "x", "y", [1], True),
    "band": lambda b: b.add_matrix_band_part("l", "x", "y", 1, 2),
    "lower": lambda b: b.add_lower_triangular("l", "x", "y", 1),
    "where": lambda b: b.add_where_broadcastable("l", ["x", "x", "x"], "y"),
    "layer_norm": lambda b: b.add_layer_normalization("l", "x", "y", [8], _w(8), _w(8), 0.1),
    "one_hot": lambda b: (b.add_clip("c", "x", "c", 0.0, 3.0), b.add_floor("f", "c", "f"),
                          b.add_one_hot("l", ["f"], "y", 4, -1)),
    "cumsum": lambda b: b.add_cumsum("l", ["x"], "y", 1, True, True),
    "range": lambda b: (b.add_range_static("k", "k", None, 8, 0, 1),
                        b.add_add_broadcastable("l", ["x", "k"], "y")),
    "split_nd": lambda b: (b.add_split_nd("l", "x", ["y", "z"], 1, split_sizes=[2, 4])),
    "embedding": lambda b: (b.add_reshape_static("r", "x", "r", [192, 1]),
                            b.add_clip("c", "r", "c", 0.0, 3.0),
                            b.add_embedding_nd("l", "c", "y", 9, 5, _w(5, 9), _w(5))),
    "compare": lambda b: b.add_greater_than("l", ["x"], "y", alpha=0.5),
    "gelu": lambda b: b.add_gelu("l", "x", "y", "TANH_APPROXIMATION"),
    "loop": lambda b: (b.add_get_shape("g", "x", "g"), b.add_fill_dynamic("l", "g", "y", 1.0)),
    "nonzero": lambda b: b.add_where_nonzero("l", "x", "y"),
    "windows": lambda b: b.add_sliding_windows("l", "x", "y", 1, 3, 2),
    "scatter": lambda b: (b.add_load_constant_nd("k", "k", np.float32([1, 0, 3]), [3]),
                          b.add_load_constant_nd("u", "u", _w(3, 6, 8), [3, 6, 8]),
                          b.add_scatter("l", ["x", "k", "u"], "y", 0, "ADD")),
}  # fmt: skip


def write_networks(folder: Path) -> None:
    """Write all of them, quantized ones, classifiers and pipelines included."""
    for name, make in CLASSIC.items():
        _save(folder, f"nn_{name}", _built(make))
    for name, make in ANY_RANK.items():
        _save(folder, f"nd_{name}", _built(make, disable_rank5_shape_mapping=True))
    for bits, mode in ((8, "linear"), (4, "linear_lut"), (16, "linear")):
        made = quantize_weights(_model(_built(_plain)), bits, mode)
        _save(folder, f"nn_bits{bits}", getattr(made, "_spec", made))
    labelled = _classifier()
    _save(folder, "nn_classifier", labelled)
    _save(folder, "nn_flexible", _flexible(_built(_convolution)))
    features = _built(_convolution)
    features.description.output[0].type.multiArrayType.shape.extend([6, 3, 8])
    parts = [_renamed(features, "image", "f"), _renamed(_tail(), "f", "y")]
    pipeline = Model_pb2.Model(specificationVersion=1)
    pipeline.pipelineClassifier.pipeline.models.extend(parts)
    pipeline.description.input.extend(parts[0].description.input)
    pipeline.description.output.extend(parts[-1].description.output)
    pipeline.description.predictedFeatureName = "classLabel"
    _save(folder, "nn_pipeline", pipeline)


def _built(make: Make, **options: Any) -> Any:
    outputs = [("y", None)]
    builder = NeuralNetworkBuilder([("x", datatypes.Array(*SHAPE))], outputs, **options)
    make(builder)
    return builder.spec


def _classifier() -> Any:
    builder = NeuralNetworkBuilder(
        [("x", datatypes.Array(*SHAPE))], [("y", datatypes.Array(5))], mode="classifier"
    )
    _classic(builder)
    builder.set_class_labels(["a", "b", "c", "d", "e"], "classLabel", "y")
    builder.set_pre_processing_parameters()
    spec = builder.spec
    image = spec.description.input[0].type.imageType
    image.width, image.height, image.colorSpace = 8, 6, 20
    layer = spec.neuralNetworkClassifier.layers[0].convolution
    layer.kernelChannels = 3
    del layer.weights.floatValue[:]
    layer.weights.floatValue.extend(_w(6 * 3 * 9).tolist())
    scaler = spec.neuralNetworkClassifier.preprocessing.add(featureName="x").scaler
    scaler.channelScale = 0.5
    return spec


def _tail() -> Any:
    builder = NeuralNetworkBuilder(
        [("x", datatypes.Array(6, 3, 8))], [("y", datatypes.Array(5))], mode="classifier"
    )
    builder.add_inner_product("fc", _w(5, 144), None, 144, 5, False, "x", "l")
    builder.add_softmax("s", "l", "y")
    builder.set_class_labels(["a", "b", "c", "d", "e"], "classLabel", "y")
    return builder.spec


def _renamed(spec: Any, source: str, result: str) -> Any:
    """The same network with other names for x and y."""
    names = {"x": source, "y": result}
    kind = spec.WhichOneof("Type")
    for feature in (*spec.description.input, *spec.description.output):
        feature.name = names.get(feature.name, feature.name)
    for layer in getattr(spec, kind).layers:
        for side in (layer.input, layer.output):
            side[:] = [names.get(name, name) for name in side]
    if spec.description.predictedProbabilitiesName == "y":
        spec.description.predictedProbabilitiesName = result
        getattr(spec, kind).labelProbabilityLayerName = result
    return spec


def _flexible(spec: Any) -> Any:
    declared = spec.description.input[0].type.multiArrayType
    for low, high in ((4, 4), (6, 12), (8, -1)):
        declared.shapeRange.sizeRanges.add(lowerBound=low, upperBound=high)
    spec.specificationVersion = 4
    return spec


def _model(spec: Any) -> Any:
    from coremltools.models import MLModel

    return MLModel(spec, skip_model_load=True)


def _save(folder: Path, name: str, spec: Any) -> None:
    (folder / f"{name}.mlmodel").write_bytes(spec.SerializeToString())
