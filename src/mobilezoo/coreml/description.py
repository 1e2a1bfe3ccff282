"""What a Core ML model says of itself: inputs, outputs, labels, licence, metadata."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from coremltools import proto

from mobilezoo.coreml.flexibility import Choices
from mobilezoo.coreml.interface import Input, Interface
from mobilezoo.coreml.target import Format
from mobilezoo.graph import Graph
from mobilezoo.graph.node import Shape

if TYPE_CHECKING:
    from coremltools.proto import Model_pb2

_SEQUENCE_RANK = 3


def describe(
    graph: Graph,
    interface: Interface,
    metadata: Mapping[str, str],
    user_defined: Mapping[str, str],
    form: Format,
) -> Model_pb2.ModelDescription:
    """The description that Core ML, Xcode and Vision read.

    Args:
        graph: for the shapes of outputs.
        interface: the features.
        metadata: any of author, license, version, short_description.
        user_defined: further pairs of strings.
        form: of the file.
    """
    description = proto.Model_pb2.ModelDescription()
    for item in interface.inputs:
        _describe_input(description.input.add(), item, form)
    plain = interface.outputs
    if interface.labels is not None:
        _describe_classifier(description)
        plain = plain[1:]
    for tensor, feature in plain:
        _describe_array(
            description.output.add(), feature, interface.shape(graph.spec(tensor)), form
        )
    fields = {"version": "versionString", "short_description": "shortDescription"}
    for key, value in metadata.items():
        setattr(description.metadata, fields.get(key, key), value)
    for key, value in user_defined.items():
        description.metadata.userDefined[key] = value
    return description


def _describe_input(feature: Any, item: Input, form: Format) -> None:
    if item.preprocessing is not None:
        _describe_picture(feature, item)
        return
    _describe_array(feature, item.feature, item.default, form)
    if item.choices is not None:
        first = _first_axis(item.default, form)
        _describe_shapes(feature.type.multiArrayType, item.choices, first)


def _describe_picture(feature: Any, item: Input) -> None:
    color = proto.FeatureTypes_pb2.ImageFeatureType.ColorSpace
    feature.name = item.feature
    _, height, width, channels = item.default
    image = feature.type.imageType
    image.height, image.width = height, width
    bgr = item.preprocessing is not None and item.preprocessing.bgr
    image.colorSpace = color.Value("GRAYSCALE" if channels == 1 else "BGR" if bgr else "RGB")
    what = "A grayscale picture" if channels == 1 else "A picture"
    size = f"{width} pixels wide and {height} high"
    if item.choices is None:
        feature.shortDescription = f"{what}, {size}"
        return
    feature.shortDescription = f"{what}, by default {size}"
    for _, rows, columns, _ in item.choices.shapes:
        image.enumeratedSizes.sizes.add(height=rows, width=columns)
    if item.choices.ranges:
        sides = image.imageSizeRange
        messages = (sides.heightRange, sides.widthRange)
        for message, (low, high) in zip(messages, item.choices.ranges[1:3], strict=True):
            message.lowerBound, message.upperBound = low, high


def _describe_array(feature: Any, name: str, shape: Shape, form: Format) -> None:
    """In Keras's order; the shape is left out where the app chooses."""
    array = proto.FeatureTypes_pb2.ArrayFeatureType
    feature.name = name
    feature.type.multiArrayType.dataType = array.ArrayDataType.Value("FLOAT32")
    if None not in shape:
        feature.type.multiArrayType.shape.extend(shape[_first_axis(shape, form) :])


def _describe_shapes(array: Any, choices: Choices, first: int) -> None:
    """`first`: the axis with which the file's shapes begin."""
    for shape in choices.shapes:
        array.enumeratedShapes.shapes.add().shape.extend(shape[first:])
    for low, high in choices.ranges[first:]:
        array.shapeRange.sizeRanges.add(lowerBound=low, upperBound=high)


def _first_axis(shape: Shape, form: Format) -> int:
    """A neural network knows arrays of one or three axes: no batch, but for sequences."""
    return int(form is Format.NEURAL_NETWORK and len(shape) != _SEQUENCE_RANK)


def _describe_classifier(description: Any) -> None:
    label = description.output.add()
    label.name = "classLabel"
    label.shortDescription = "The most likely class"
    label.type.stringType.SetInParent()
    probabilities = description.output.add()
    probabilities.name = "classLabelProbs"
    probabilities.shortDescription = "The probability of each class"
    probabilities.type.dictionaryType.stringKeyType.SetInParent()
    description.predictedFeatureName = "classLabel"
    description.predictedProbabilitiesName = "classLabelProbs"
