"""NonMaximumSuppression: of boxes that overlap, the one with the largest confidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from mobilezoo.errors import CoreMLFileError, InvalidArgumentError
from mobilezoo.runtime import limits
from mobilezoo.runtime.arithmetic import Array
from mobilezoo.runtime.features import Feature
from mobilezoo.runtime.package import class_labels
from mobilezoo.runtime.simple.model import Interface, Named, SimpleModel

_CORNERS = 4  # numbers of a box
_MOST_BOXES = 50_000  # each is compared with each


def read_suppression(message: Any, interface: Interface) -> SimpleModel:
    """Read a `NonMaximumSuppression`.

    Raises:
        CoreMLFileError: it names no input, no output or no method.
    """
    named = {
        field: getattr(message, field)
        for field in (
            "confidenceInputFeatureName", "coordinatesInputFeatureName",
            "confidenceOutputFeatureName", "coordinatesOutputFeatureName",
        )
    }  # fmt: skip
    absent = [field for field, name in named.items() if not name]
    if absent or message.WhichOneof("SuppressionMethod") is None:
        raise CoreMLFileError(f"{interface.where}: {', '.join(absent) or 'pickTop'} is not set.")
    thresholds = message.iouThresholdInputFeatureName, message.confidenceThresholdInputFeatureName
    _check_inputs(message, thresholds, interface)
    return SimpleModel(
        compute=partial(_compute, message=message, counts=_counts(interface, named)),
        makes=(message.confidenceOutputFeatureName, message.coordinatesOutputFeatureName),
        numbers=tuple(name for name in thresholds if name),
        labels=class_labels(message) or None,
    )


def _check_inputs(message: Any, thresholds: Sequence[str], interface: Interface) -> None:
    kinds = {feature.name: feature.kind for feature in interface.inputs}
    for name in (message.confidenceInputFeatureName, message.coordinatesInputFeatureName):
        if kinds.get(name) != "array":
            raise CoreMLFileError(f"{interface.where}: no array among the inputs is {name!r}.")
    for name in thresholds:
        if kinds.get(name, "double") != "double":
            raise CoreMLFileError(f"{interface.where}: the threshold {name!r} is no double.")


def suppress(
    confidence: Array,
    coordinates: Array,
    iou_threshold: float,
    confidence_threshold: float,
    *,
    per_class: bool,
) -> npt.NDArray[np.int64]:
    """The boxes that stay, by falling confidence; of equal ones the first comes first.

    A box's confidence is the largest of its classes, its label that class. Boxes whose confidence
    is below the threshold go. Then each in turn removes those after it that overlap it by more
    than `iou_threshold` (intersection / union); with `per_class` only those of its label.

    Args:
        confidence: (boxes, classes).
        coordinates: (boxes, 4): x and y of the center, width, height.
        iou_threshold: 1 lets all stay.
        confidence_threshold: 0 lets all stay.
        per_class: whether boxes of several labels may overlap.
    """
    best, label = confidence.max(axis=1), confidence.argmax(axis=1)
    waiting = np.flatnonzero(best >= confidence_threshold)
    if waiting.size > _MOST_BOXES:
        raise InvalidArgumentError(
            f"{waiting.size} boxes reach the confidence threshold {confidence_threshold:g}; at "
            f"most {_MOST_BOXES} are supported. Pass a higher one."
        )
    waiting = waiting[np.argsort(-best[waiting], kind="stable")]
    kept = []
    while waiting.size:
        top, waiting = waiting[0], waiting[1:]
        kept.append(top)
        removed = intersection_over_union(coordinates[top], coordinates[waiting]) > iou_threshold
        if per_class:
            removed &= label[waiting] == label[top]
        waiting = waiting[~removed]
    return np.array(kept, np.int64)


def intersection_over_union(box: Array, boxes: Array) -> Array:
    """Of (4,) with each of (n, 4): (n,), from 0, apart, to 1, the same; 0 where both are empty."""
    low = np.maximum(box[:2] - box[2:] / 2, boxes[:, :2] - boxes[:, 2:] / 2)
    high = np.minimum(box[:2] + box[2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2)
    intersection = (high - low).clip(min=0).prod(axis=1)
    union = box[2:].prod() + boxes[:, 2:].prod(axis=1) - intersection
    shares: Array = np.divide(intersection, union, out=np.zeros_like(union), where=union > 0)
    return shares


def _compute(values: Named, message: Any, counts: tuple[int, int | None]) -> Mapping[str, Array]:
    confidence = _matrix(values, message.confidenceInputFeatureName)
    coordinates = _matrix(values, message.coordinatesInputFeatureName)
    if coordinates.shape != (len(confidence), _CORNERS) or not confidence.shape[1]:
        raise CoreMLFileError(
            f"{message.confidenceInputFeatureName!r} has shape {confidence.shape} and "
            f"{message.coordinatesInputFeatureName!r} {coordinates.shape}; (boxes, classes) and "
            "(boxes, 4) are required."
        )
    kept = suppress(
        confidence,
        coordinates,
        _threshold(values, message.iouThresholdInputFeatureName, message.iouThreshold, 1.0),
        _threshold(
            values, message.confidenceThresholdInputFeatureName, message.confidenceThreshold, np.inf
        ),
        per_class=message.pickTop.perClass,
    )
    return {
        message.confidenceOutputFeatureName: _within(confidence[kept], counts),
        message.coordinatesOutputFeatureName: _within(coordinates[kept], counts),
    }


def _matrix(values: Named, name: str) -> Array:
    """(n, m) of an array that may have axes of length 1 before."""
    array = np.asarray(values[name], np.float64)
    if array.ndim < 2 or array.size != array.shape[-1] * array.shape[-2]:
        raise CoreMLFileError(f"{name!r} has shape {array.shape}; a matrix is required.")
    return array.reshape(array.shape[-2:])


def _threshold(values: Named, name: str, own: float, highest: float) -> float:
    """What is given as an input, else what the file says."""
    given = float(values.get(name, np.nan))
    if np.isnan(given):
        return own
    if not 0 <= given <= highest:
        allowed = "a number from 0 to 1" if highest == 1 else "no number below 0"
        raise InvalidArgumentError(f"{name}={given:g}: {allowed} is possible.")
    return given


def _counts(interface: Interface, named: Mapping[str, str]) -> tuple[int, int | None]:
    """The lowest and the highest number of rows that an output declares."""
    for feature in interface.outputs:
        if feature.name in named.values() and len(feature.shape) > 1:
            low, high = _rows(feature)
            if (low, high) != (0, None):
                return low, high
    return 0, None


def _rows(feature: Feature) -> tuple[int, int | None]:
    size = feature.shape[0]
    if feature.ranges:
        return feature.ranges[0]
    return (0, None) if size is None else (size, size)


def _within(rows: Array, counts: tuple[int, int | None]) -> Array:
    """No more rows than the highest number, and zeros up to the lowest."""
    low, high = counts
    if low * rows.shape[1] > limits.MOST_ELEMENTS:
        raise CoreMLFileError(f"an output of at least {low} rows; that many are not supported.")
    rows = rows[:high]
    return np.pad(rows, [(0, max(low - len(rows), 0)), (0, 0)])
