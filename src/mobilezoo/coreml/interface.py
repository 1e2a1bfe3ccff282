"""The features of a Core ML model: what its inputs take and its outputs are called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from mobilezoo.coreml.flexibility import (
    BatchSizes,
    Choices,
    Flexibility,
    choices,
    default_shape,
    frees_batch,
    frees_sides,
)
from mobilezoo.coreml.names import IMAGE, input_names, output_names
from mobilezoo.data.preprocessing import Preprocessing
from mobilezoo.errors import InvalidArgumentError
from mobilezoo.graph import Graph, TensorSpec
from mobilezoo.graph.node import Shape


@dataclass(frozen=True)
class Input:
    """One input feature.

    Attributes:
        feature: its name in Core ML.
        tensor: the graph's input.
        keras_shape: in Keras's order with the batch, None where the app chooses.
        default: the same with what the app gets unless it chooses.
        preprocessing: of pictures; None for arrays.
        choices: the shapes that the app may choose; None for one shape.
    """

    feature: str
    tensor: str
    keras_shape: Shape
    default: tuple[int, ...]
    preprocessing: Preprocessing | None
    choices: Choices | None = None

    @property
    def shape(self) -> Shape:
        """Of the program's placeholder: (1, channels, height, width) for pictures, else Keras's."""
        if self.preprocessing is None:
            return self.keras_shape
        batch, height, width, channels = self.keras_shape
        return batch, channels, height, width


@dataclass(frozen=True)
class Interface:
    """Features of the model: inputs, (tensor, feature) of the outputs, class labels."""

    inputs: tuple[Input, ...]
    outputs: tuple[tuple[str, str], ...]
    labels: tuple[str, ...] | None

    @property
    def free_batch(self) -> bool:
        """Whether the app chooses the number of examples."""
        return any(item.keras_shape[0] is None for item in self.inputs)

    def shape(self, spec: TensorSpec) -> Shape:
        """Of a tensor: with a batch of 1 where the app does not choose it."""
        if self.free_batch or spec.shape[:1] != (None,):
            return spec.shape
        return (1, *spec.shape[1:])


def plan(
    graph: Graph,
    inputs: str | None,
    preprocessing: Preprocessing | None,
    labels: Sequence[str] | None,
    *,
    explicit: bool = False,
    flexible: Flexibility | None = None,
    declared: Shape | None = None,
) -> Interface:
    """Decide the features of the Core ML model.

    Args:
        graph: the network.
        inputs: "image", "array" or None for what fits.
        preprocessing: of pictures, None if it is not known.
        labels: of the classes, which fit the output; None for no classifier.
        explicit: whether the user asked for that preprocessing.
        flexible: which shapes the app may choose.
        declared: of the one input, in Keras's order, where `graph` leaves its sides free.

    Raises:
        InvalidArgumentError: a picture whose preprocessing is not known, free sides.
    """
    features = tuple(
        _input(spec, inputs, preprocessing, graph, _shapes(spec, flexible, declared))
        for spec in graph.inputs
    )
    if frees_batch(flexible):
        _check_free_batch(features, flexible, classifies=labels is not None)
    if explicit and all(item.preprocessing is None for item in features):
        raise InvalidArgumentError(
            "preprocessing= is for image inputs, and this model gets none: leave it out, or pass "
            "inputs='image' for one input of shape (height, width, 1 or 3)."
        )
    outputs = tuple(zip(graph.outputs, output_names(graph), strict=True))
    return Interface(features, outputs, None if labels is None else tuple(labels))


# axes of an input in words, by their number
_SIDES = {2: "length, channels", 3: "height, width, channels"}


class _Shapes(NamedTuple):
    keras: Shape
    default: tuple[int, ...]
    choices: Choices | None


def _shapes(spec: TensorSpec, flexible: Flexibility | None, declared: Shape | None) -> _Shapes:
    """What an input's shape may be.

    Raises:
        InvalidArgumentError: sides that are free though nobody asked for it.
    """
    given = spec.shape if declared is None else declared
    default = default_shape(flexible, given)
    known = tuple(size for size in default if size is not None)
    if len(known) < len(default):
        words = _SIDES.get(len(spec.shape) - 1, "whole numbers")
        several = "; or flexible= for several sizes" if len(spec.shape) == 4 else ""
        raise InvalidArgumentError(
            f"'{spec.name}' has free sides: {spec.shape[1:]}. Core ML runs fixed sizes fastest: "
            f"pass input_shape=({words}), --input-shape on the command line{several}."
        )
    if frees_batch(flexible) and spec.shape[0] is not None:
        raise InvalidArgumentError(
            f"flexible={flexible} leaves the number of examples open, but a layer of the model "
            "needs to know it. Export one example at a time."
        )
    batch = None if frees_batch(flexible) else known[0]
    sides = spec.shape[1:] if frees_sides(flexible) else known[1:]
    return _Shapes((batch, *sides), known, choices(flexible, known))


def _check_free_batch(
    features: Sequence[Input], flexible: Flexibility | None, *, classifies: bool
) -> None:
    if classifies:
        raise InvalidArgumentError(
            f"flexible={flexible}: a classifier answers for one example, with one label. Leave "
            "labels= out for an array (n, classes); or leave flexible= out, and let the app "
            "predict from an MLArrayBatchProvider."
        )
    if any(item.preprocessing is not None for item in features):
        raise InvalidArgumentError(
            f"flexible={flexible}: Core ML takes pictures one by one. Pass inputs='array' for a "
            "batch in one array; or leave it out, and let the app predict from an "
            "MLArrayBatchProvider."
        )
    if isinstance(flexible, BatchSizes) and len(features) > 1:
        raise InvalidArgumentError(
            f"flexible={flexible}: before iOS 18 Core ML lists shapes for one input only, and "
            f"the model has {len(features)}. Pass a BatchRange."
        )


def _input(
    spec: TensorSpec,
    inputs: str | None,
    preprocessing: Preprocessing | None,
    graph: Graph,
    shapes: _Shapes,
) -> Input:
    shape = shapes.default
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
        return Input(input_names(graph)[spec.name], spec.name, *shapes[:2], None, shapes.choices)
    if preprocessing is None:
        raise InvalidArgumentError(
            f"'{graph.name}' takes pictures {shape[1:]}, but how their pixels must be prepared is "
            "not known. Pass preprocessing='none' if the model takes 0..255 itself, or 'unit' "
            "(x/255), 'tf' (x/127.5-1), 'caffe', 'torch'; or inputs='array'."
        )
    preprocessing.check_channels(shape[-1])
    return Input(IMAGE, spec.name, *shapes[:2], preprocessing, shapes.choices)
