"""A layer's protobuf message -> the keywords of its function.

What protobuf does not store (zero, empty, the first name of an enumeration) is left out, so that
the function's default holds. Fields that only say how large the weights are become the weights'
shapes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from mobilezoo.errors import CoreMLFileError
from mobilezoo.runtime.network.bounds import borders, pair
from mobilezoo.runtime.network.recurrent_parameters import RECURRENT
from mobilezoo.runtime.network.volume_parameters import TAKEN_TOGETHER, VOLUMES
from mobilezoo.runtime.network.weights import StoredWeights, locate_weights, stored_vector

Keywords: TypeAlias = dict[str, Any]

_LEFT_OUT = {
    **TAKEN_TOGETHER,
    "batchedMatmul": ("weightMatrixFirstDimension", "weightMatrixSecondDimension", "hasBias",
                      "int8DynamicQuantize"),
    "batchnorm": ("channels",),
    "biDirectionalLSTM": ("inputVectorSize", "outputVectorSize"),
    "bias": ("shape",),
    "convolution": ("outputChannels", "kernelChannels", "kernelSize", "hasBias"),
    "embedding": ("inputDim", "outputChannels", "hasBias"),
    "embeddingND": ("vocabSize", "embeddingSize", "hasBias"),
    "gru": ("inputVectorSize", "outputVectorSize", "hasBiasVectors"),
    "innerProduct": ("inputChannels", "outputChannels", "hasBias", "int8DynamicQuantize"),
    "loadConstant": ("shape",),
    "loadConstantND": ("shape",),
    "scale": ("shapeScale", "shapeBias", "hasBias"),
    "simpleRecurrent": ("inputVectorSize", "outputVectorSize", "hasBiasVector"),
    "uniDirectionalLSTM": ("inputVectorSize", "outputVectorSize"),
    "upsample": ("scalingFactor", "fractionalScalingFactor"),
}  # fmt: skip


def read_keywords(kind: str, message: Any, inputs: int, place: str) -> Keywords:
    """The keywords for one layer.

    Args:
        kind: the layer's name in the protobuf, such as "innerProduct".
        message: its parameters.
        inputs: how many values it reads.
        place: of the layer, for messages.

    Raises:
        CoreMLFileError: weights are missing or of another size, or a parameter makes no sense.
    """
    keywords = _plain_fields(message, _LEFT_OUT.get(kind, ()))
    if kind in _SPECIAL:
        keywords |= _SPECIAL[kind](message, place)
    if inputs > 1 and kind == "convolution":  # the second input is the weights
        return keywords | _with_bias(message, message.outputChannels, place)
    if kind in _WEIGHTS and not (inputs > 1 and kind == "batchedMatmul"):
        keywords |= _WEIGHTS[kind](message, place)
    return keywords


def _plain_fields(message: Any, left_out: tuple[str, ...]) -> Keywords:
    """Numbers, truth values, names, and lists of these."""
    keywords: Keywords = {}
    for field in message.DESCRIPTOR.fields:
        if field.message_type is not None or field.name in left_out:
            continue
        value = getattr(message, field.name)
        if field.is_repeated:
            value = tuple(value)
        elif field.enum_type is not None and value:
            value = _enum_name(message, field.name)
        if value:
            keywords[snake_case(field.name)] = value
    return keywords


def snake_case(name: str) -> str:
    """KernelSize -> kernel_size."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


# --- parameters that are messages of their own -------------------------------------------------


def _convolution(message: Any, place: str) -> Keywords:
    for field in ("stride", "dilationFactor", "kernelSize", "outputShape"):
        pair(getattr(message, field), place, field)
    return _padding_type(message, "ConvolutionPaddingType", place)


def _pooling(message: Any, place: str) -> Keywords:
    for field in ("stride", "kernelSize"):
        pair(getattr(message, field), place, field)
    if message.globalPooling:
        return {}
    if message.WhichOneof("PoolingPaddingType") != "includeLastPixel":
        return _padding_type(message, "PoolingPaddingType", place)
    sides = message.includeLastPixel.paddingAmounts
    height, width = pair(sides, place, "paddingAmounts") or (0, 0)
    pad = (height, height, width, width)
    return {"include_last_pixel": True, "pad_type": "custom", "pad": pad}


def _padding_type(message: Any, oneof: str, place: str) -> Keywords:
    chosen = message.WhichOneof(oneof)
    if chosen == "same":
        return {"pad_type": ("same", "same_lower")[bool(message.same.asymmetryMode)]}
    if chosen == "valid":
        amounts = borders(message.valid.paddingAmounts, place)
        return {"pad_type": "custom", "pad": amounts} if any(amounts) else {}
    raise CoreMLFileError(f"{place}: {oneof} is not set.")


def _padding(message: Any, place: str) -> Keywords:
    mode = message.WhichOneof("PaddingType")
    if mode is None:
        raise CoreMLFileError(f"{place}: PaddingType is not set.")
    return {
        "mode": mode,
        "value": message.constant.value,
        "amounts": borders(message.paddingAmounts, place),
    }


def _crop(message: Any, place: str) -> Keywords:
    pair(message.offset, place, "offset")
    return {"amounts": borders(message.cropAmounts, place)}


def _upsample(message: Any, place: str) -> Keywords:
    whole = pair(message.scalingFactor, place, "scalingFactor")
    fractions = pair(message.fractionalScalingFactor, place, "fractionalScalingFactor")
    factors = fractions or whole
    return {"scaling_factor": factors} if factors else {}


def _resize_bilinear(message: Any, place: str) -> Keywords:
    pair(message.targetSize, place, "targetSize")
    return {"mode": _enum_name(message.mode, "samplingMethod")}


def _crop_resize(message: Any, place: str) -> Keywords:
    box_mode = _enum_name(message.boxIndicesMode, "boxMode")
    return {**_resize_bilinear(message, place), "box_indices_mode": box_mode}


def _enum_name(message: Any, name: str) -> str:
    """The name of an enumeration's value; a damaged file may hold a number that has none."""
    known = message.DESCRIPTOR.fields_by_name[name].enum_type.values_by_number
    number = getattr(message, name)
    return str(known[number].name) if number in known else f"number {number}"


def _activation(message: Any, place: str) -> Keywords:
    function = message.WhichOneof("NonlinearityType")
    if function is None:
        raise CoreMLFileError(f"{place}: NonlinearityType is not set.")
    chosen = getattr(message, function)
    keywords = _plain_fields(chosen, ())
    for field in chosen.DESCRIPTOR.fields:
        if field.message_type is not None:
            vector = getattr(chosen, field.name)
            keywords[field.name] = stored_vector(vector, f"{place}: {field.name}")
    return {"function": function, **keywords}


_SPECIAL: Mapping[str, Callable[[Any, str], Keywords]] = {
    **RECURRENT,
    **VOLUMES,
    "activation": _activation,
    "convolution": _convolution,
    "crop": _crop,
    "cropResize": _crop_resize,
    "padding": _padding,
    "pooling": _pooling,
    "resizeBilinear": _resize_bilinear,
    "upsample": _upsample,
}


# --- weights -----------------------------------------------------------------------------------


def _with_bias(message: Any, size: int, place: str) -> dict[str, StoredWeights]:
    if not message.hasBias:
        return {}
    return {"bias": locate_weights(message.bias, (size,), f"{place}: bias")}


def _of_convolution(message: Any, place: str) -> Keywords:
    kernel = tuple(message.kernelSize) or (3, 3)
    filters, channels = message.outputChannels, message.kernelChannels
    if message.isDeconvolution:
        shape, axis = (channels, filters // (message.nGroups or 1), *kernel), 1
    else:
        shape, axis = (filters, channels, *kernel), 0
    weights = locate_weights(message.weights, shape, f"{place}: weights", axis=axis)
    return {"weights": weights, **_with_bias(message, filters, place)}


def _of_inner_product(message: Any, place: str) -> Keywords:
    shape = (message.outputChannels, message.inputChannels)
    weights = locate_weights(message.weights, shape, f"{place}: weights")
    return {"weights": weights, **_with_bias(message, message.outputChannels, place)}


def _of_batched_matmul(message: Any, place: str) -> Keywords:
    """The matrix is stored by columns: its transpose is read, and transposed again."""
    rows, columns = message.weightMatrixFirstDimension, message.weightMatrixSecondDimension
    matrix = locate_weights(message.weights, (columns, rows), f"{place}: weights")
    bias = _with_bias(message, columns, place)
    return {"b": matrix, "transpose_a": False, "transpose_b": True, **bias}


def _of_embedding(message: Any, place: str) -> Keywords:
    shape = (message.outputChannels, message.inputDim)
    weights = locate_weights(message.weights, shape, f"{place}: weights")
    return {"weights": weights, **_with_bias(message, message.outputChannels, place)}


def _of_embedding_nd(message: Any, place: str) -> Keywords:
    shape = (message.embeddingSize, message.vocabSize)
    weights = locate_weights(message.weights, shape, f"{place}: weights")
    return {"weights": weights, **_with_bias(message, message.embeddingSize, place)}


def _of_batchnorm(message: Any, place: str) -> Keywords:
    names = ("gamma", "beta") if message.computeMeanVar else ("gamma", "beta", "mean", "variance")
    shape = (message.channels,)
    return {
        name: locate_weights(getattr(message, name), shape, f"{place}: {name}") for name in names
    }


def _of_layer_normalization(message: Any, place: str) -> Keywords:
    shape = tuple(message.normalizedShape)
    return {
        name: locate_weights(getattr(message, name), shape, f"{place}: {name}")
        for name in ("gamma", "beta")
    }


def _of_scale(message: Any, place: str) -> Keywords:
    shape = _picture_shape(message.shapeScale, place)
    keywords = {"scale": locate_weights(message.scale, shape, f"{place}: scale")}
    if message.hasBias:
        shape = _picture_shape(message.shapeBias, place)
        keywords["bias"] = locate_weights(message.bias, shape, f"{place}: bias")
    return keywords


def _of_bias(message: Any, place: str) -> Keywords:
    shape = _picture_shape(message.shape, place)
    return {"bias": locate_weights(message.bias, shape, f"{place}: bias")}


def _of_constant(message: Any, place: str) -> Keywords:
    return {"data": locate_weights(message.data, tuple(message.shape), f"{place}: data")}


def _of_picture_constant(message: Any, place: str) -> Keywords:
    if len(message.shape) != 3:
        raise CoreMLFileError(f"{place}: shape {list(message.shape)}; [C, H, W] is required.")
    return _of_constant(message, place)


def _picture_shape(shape: Any, place: str) -> tuple[int, ...]:
    """[C] -> (C, 1, 1); [C, H, W] as it is."""
    if len(shape) not in (1, 3):
        raise CoreMLFileError(f"{place}: shape {list(shape)}; [C] or [C, H, W] is required.")
    return (*shape, 1, 1)[:3]


_WEIGHTS: Mapping[str, Callable[[Any, str], Keywords]] = {
    "batchedMatmul": _of_batched_matmul,
    "batchnorm": _of_batchnorm,
    "bias": _of_bias,
    "convolution": _of_convolution,
    "embedding": _of_embedding,
    "embeddingND": _of_embedding_nd,
    "innerProduct": _of_inner_product,
    "layerNormalization": _of_layer_normalization,
    "loadConstant": _of_picture_constant,
    "loadConstantND": _of_constant,
    "scale": _of_scale,
}
