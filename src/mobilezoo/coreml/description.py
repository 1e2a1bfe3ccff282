"""What a Core ML model says of itself: inputs, outputs, labels, licence, metadata."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from coremltools import proto

from mobilezoo.coreml.names import IMAGE, input_names, output_names
from mobilezoo.coreml.target import Format
from mobilezoo.data.preprocessing import Preprocessing
from mobilezoo.errors import InvalidArgumentError
from mobilezoo.graph import Graph, TensorSpec

if TYPE_CHECKING:
    from coremltools.proto import Model_pb2

_SEQUENCE_RANK = 3


@dataclass(frozen=True)
class Input:
    """One input feature.

    Attributes:
        feature: its name in Core ML.
        tensor: the graph's input.
        shape: of the program's placeholder: (1, channels, height, width) for pictures,
            Keras's own with batch 1 for arrays.
        preprocessing: of pictures; None for arrays.
    """

    feature: str
    tensor: str
    shape: tuple[int, ...]
    preprocessing: Preprocessing | None

    @property
    def keras_shape(self) -> tuple[int, ...]:
        """In Keras's order, with batch 1."""
        if self.preprocessing is None:
            return self.shape
        batch, channels, height, width = self.shape
        return batch, height, width, channels


@dataclass(frozen=True)
class Interface:
    """Features of the model: inputs, (tensor, feature) of the outputs, class labels."""

    inputs: tuple[Input, ...]
    outputs: tuple[tuple[str, str], ...]
    labels: tuple[str, ...] | None


def plan(
    graph: Graph,
    inputs: str | None,
    preprocessing: Preprocessing | None,
    labels: Sequence[str] | None,
    *,
    explicit: bool = False,
) -> Interface:
    """Decide the features of the Core ML model.

    Args:
        graph: the network.
        inputs: "image", "array" or None for what fits.
        preprocessing: of pictures, None if it is not known.
        labels: of the classes, which fit the output; None for no classifier.
        explicit: whether the user asked for that preprocessing.

    Raises:
        InvalidArgumentError: a picture whose preprocessing is not known, free sides.
    """
    if inputs not in (None, "image", "array"):
        raise InvalidArgumentError(f"inputs={inputs!r}: choose 'image' or 'array'.")
    features = tuple(_input(spec, inputs, preprocessing, graph) for spec in graph.inputs)
    if explicit and all(item.preprocessing is None for item in features):
        raise InvalidArgumentError(
            "preprocessing= is for image inputs, and this model gets none: leave it out, or pass "
            "inputs='image' for one input of shape (height, width, 1 or 3)."
        )
    outputs = tuple(zip(graph.outputs, output_names(graph), strict=True))
    return Interface(features, outputs, None if labels is None else tuple(labels))


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
        _describe_array(description.output.add(), feature, _fixed(graph.spec(tensor)), form)
    fields = {"version": "versionString", "short_description": "shortDescription"}
    for key, value in metadata.items():
        setattr(description.metadata, fields.get(key, key), value)
    for key, value in user_defined.items():
        description.metadata.userDefined[key] = value
    return description


def _input(
    spec: TensorSpec, inputs: str | None, preprocessing: Preprocessing | None, graph: Graph
) -> Input:
    shape = _fixed(spec)
    if spec.dtype in ("bool", "string"):
        raise InvalidArgumentError(
            f"Input '{spec.name}' is of type {spec.dtype}; Core ML takes numbers only."
        )
    can_be_image = len(shape) == 4 and shape[-1] in (1, 3) and len(graph.inputs) == 1
    if inputs == "image" and not can_be_image:
        raise InvalidArgumentError(
            f"inputs='image' needs one input of shape (height, width, 1 or 3); '{graph.name}' "
            f"takes {len(graph.inputs)} input(s), '{spec.name}' {shape[1:]}. Pass inputs='array'."
        )
    if inputs == "array" or not can_be_image:
        return Input(input_names(graph)[spec.name], spec.name, shape, None)
    if preprocessing is None:
        raise InvalidArgumentError(
            f"'{graph.name}' takes pictures {shape[1:]}, but how their pixels must be prepared is "
            "not known. Pass preprocessing='none' if the model takes 0..255 itself, or 'unit' "
            "(x/255), 'tf' (x/127.5-1), 'caffe', 'torch'; or inputs='array'."
        )
    batch, height, width, channels = shape
    preprocessing.check_channels(channels)
    return Input(IMAGE, spec.name, (batch, channels, height, width), preprocessing)


def _fixed(spec: TensorSpec) -> tuple[int, ...]:
    if any(size is None for size in spec.shape[1:]):
        raise InvalidArgumentError(
            f"'{spec.name}' has free sides: {spec.shape[1:]}. Core ML runs fixed sizes fastest: "
            "pass input_shape=(height, width, channels), --input-shape on the command line."
        )
    return tuple(1 if size is None else size for size in spec.shape)


def _describe_input(feature: Any, item: Input, form: Format) -> None:
    if item.preprocessing is None:
        _describe_array(feature, item.feature, item.shape, form)
        return
    color = proto.FeatureTypes_pb2.ImageFeatureType.ColorSpace
    feature.name = item.feature
    _, channels, height, width = item.shape
    feature.type.imageType.width = width
    feature.type.imageType.height = height
    order = "GRAYSCALE" if channels == 1 else "BGR" if item.preprocessing.bgr else "RGB"
    feature.type.imageType.colorSpace = color.Value(order)
    what = "A grayscale picture" if channels == 1 else "A picture"
    feature.shortDescription = f"{what}, {width} pixels wide and {height} high"


def _describe_array(feature: Any, name: str, shape: tuple[int, ...], form: Format) -> None:
    """In Keras's order; a neural network knows arrays of one or three axes, without a batch."""
    array = proto.FeatureTypes_pb2.ArrayFeatureType
    if form is Format.NEURAL_NETWORK and len(shape) != _SEQUENCE_RANK:  # whose 1 makes three axes
        shape = shape[1:]
    feature.name = name
    feature.type.multiArrayType.shape.extend(shape)
    feature.type.multiArrayType.dataType = array.ArrayDataType.Value("FLOAT32")


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
