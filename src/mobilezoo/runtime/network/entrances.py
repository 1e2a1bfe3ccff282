"""From a declared input to the value that the first layers read: axes, and preprocessing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
import tensorflow as tf

from mobilezoo.errors import CoreMLFileError
from mobilezoo.runtime.arithmetic import Array, tensor
from mobilezoo.runtime.features import Feature
from mobilezoo.runtime.layout import elementwise

Entrance: TypeAlias = Callable[[tf.Tensor], tf.Tensor]

_RANK5 = 0  # of both mappings: the value 0 means (sequence, batch, channels, height, width)
_BIASES = {
    "RGB": ("redBias", "greenBias", "blueBias"),
    "BGR": ("blueBias", "greenBias", "redBias"),
    "GRAYSCALE": ("grayBias",),
    "GRAYSCALE_FLOAT16": ("grayBias",),
}


def inner_inputs(
    inputs: Sequence[Feature], network: Any, path: object
) -> tuple[tuple[Feature, ...], bool]:
    """The inputs in the shapes that enter the network, and whether arrays are (c, h, w).

    With the mapping to rank 5, (c) enters as (1, c, 1, 1) and (c, h, w) as (1, c, h, w); else an
    array enters as declared. A picture enters as (1, c, h, w).

    Raises:
        CoreMLFileError: a shape that the mapping does not know.
    """
    mapped = network.arrayInputShapeMapping == _RANK5
    return tuple(_inner(feature, mapped, path) for feature in inputs), mapped


def entrances(
    inputs: Sequence[Feature], network: Any, only_pictures: bool, path: object
) -> Mapping[str, Entrance]:
    """Per input, what turns its inner shape into the value that layers read.

    Raises:
        CoreMLFileError: preprocessing of an unknown input, or a mean image of another size.
    """
    steps: dict[str, list[Entrance]] = {feature.name: [] for feature in inputs}
    for item in network.preprocessing:
        feature = _preprocessed(item, inputs, path)
        steps[feature.name].append(_preprocessor(item, feature, path))
    for feature in inputs:
        if feature.dtype == "int32":
            steps[feature.name].append(lambda value: tf.cast(value, tf.float32))
        if is_rank_5(feature, network) and not only_pictures:
            steps[feature.name].append(lambda value: tf.expand_dims(value, 0))
    return {name: _one_after_the_other(items) for name, items in steps.items()}


def is_rank_5(feature: Feature, network: Any) -> bool:
    """Whether the mapping puts (sequence, batch) before (channels, height, width)."""
    mappings = (network.arrayInputShapeMapping, network.imageInputShapeMapping)
    return bool(mappings[feature.kind == "image"] == _RANK5)


def _inner(feature: Feature, mapped: bool, path: object) -> Feature:
    shape = feature.shape
    if feature.kind == "image":
        return feature
    if not shape or any(size is not None and size < 1 for size in shape):
        raise CoreMLFileError(f"{path}: input {feature.name!r} is declared as {shape}.")
    if not mapped:
        return feature
    if len(shape) not in (1, 3):
        raise CoreMLFileError(
            f"{path}: input {feature.name!r} is declared as {shape}; (channels) or (channels, "
            "height, width) is required where arrays are mapped to rank 5."
        )
    return replace(feature, shape=(1, *shape, 1, 1)[:4])


def _preprocessed(item: Any, inputs: Sequence[Feature], path: object) -> Feature:
    """The input that is preprocessed; without a name the only picture."""
    pictures = [feature.name for feature in inputs if feature.kind == "image"]
    alone = not item.featureName and len(pictures) == 1
    name = pictures[0] if alone else item.featureName
    for feature in inputs:
        if feature.name == name:
            return feature
    names = sorted(feature.name for feature in inputs)
    raise CoreMLFileError(f"{path}: preprocessing of {name!r}; the inputs are {names}.")


def _preprocessor(item: Any, feature: Feature, path: object) -> Entrance:
    where = f"{path}: preprocessing of {feature.name!r}"
    kind = item.WhichOneof("preprocessor")
    if feature.kind != "image" or feature.color is None or kind is None:
        raise CoreMLFileError(f"{where}, {kind or 'of no kind'}: an image is required.")
    if kind == "scaler":
        biases = [getattr(item.scaler, name) for name in _BIASES[feature.color]]
        return _scaler(item.scaler.channelScale, np.array(biases, np.float32).reshape(-1, 1, 1))
    sizes = [size for size in feature.shape[1:] if size is not None]
    mean = np.array(item.meanImage.meanImage, np.float32)
    if mean.size != np.prod(sizes):
        raise CoreMLFileError(f"{where}: a mean image of {mean.size} numbers, not of {sizes}.")
    mean = mean.reshape(sizes)
    return lambda pixels: elementwise(tf.subtract, pixels, tensor(mean))


def _scaler(scale: float, biases: Array) -> Entrance:
    """Channel c of the pixels (n, c, h, w) becomes scale * x + biases[c]."""
    return lambda pixels: elementwise(lambda x, bias: x * scale + bias, pixels, biases)


def _one_after_the_other(steps: Sequence[Entrance]) -> Entrance:
    def enter(value: tf.Tensor) -> tf.Tensor:
        for step in steps:
            value = step(value)
        return value

    return enter
