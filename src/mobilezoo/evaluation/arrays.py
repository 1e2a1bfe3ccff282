"""Data in memory: `tf.data.Dataset` and (pictures, labels)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from mobilezoo.data.images import upright
from mobilezoo.errors import InvalidArgumentError
from mobilezoo.evaluation.record import LeftOut
from mobilezoo.evaluation.source import Example

_PICTURE_RANK = 3  # height, width, channels
_INFINITE, _UNKNOWN = -1, -2  # what tf.data calls them


class ArraySource:
    """A pair (pictures, labels).

    Args:
        data: pictures as an array (n, height, width, channels), or a list of arrays (height, width,
            channels) and PIL images; labels as numbers, names or one-hot rows.

    Raises:
        InvalidArgumentError: no such pair.
    """

    left_out: Sequence[LeftOut] = ()

    def __init__(self, data: Any) -> None:
        if len(data) != 2:
            raise InvalidArgumentError(
                f"data is a {type(data).__name__} of {len(data)}; a pair (pictures, labels) is "
                "required."
            )
        self._pictures, labels = data[0], np.asarray(data[1])
        if len(self._pictures) != len(labels) or not len(labels):
            raise InvalidArgumentError(
                f"data has {len(self._pictures)} pictures and {len(labels)} labels; as many of "
                "both, and at least one, are required."
            )
        self.names: tuple[str, ...] | None = None
        if labels.dtype.kind in "USO" and labels.ndim == 1:
            texts = [_text(label) for label in labels]
            self.names = tuple(sorted(set(texts)))
            labels = np.array([self.names.index(text) for text in texts])
        self._labels = class_indices(labels)

    @property
    def count(self) -> int:
        """How many pictures there are."""
        return len(self._labels)

    def examples(self) -> Iterator[Example]:
        """All of them, in their order."""
        for picture, label in zip(self._pictures, self._labels.tolist(), strict=True):
            yield _example(picture, label)


class DatasetSource:
    """A `tf.data.Dataset` of (picture, label) or batches of them.

    Args:
        dataset: one of `keras.utils.image_dataset_from_directory` knows its class names, which
            are used; labels are numbers or one-hot rows.

    Raises:
        InvalidArgumentError: its elements are something else, or it never ends.
    """

    left_out: Sequence[LeftOut] = ()

    def __init__(self, dataset: Any) -> None:
        spec = dataset.element_spec
        if not isinstance(spec, tuple) or len(spec) != 2:
            raise InvalidArgumentError(
                f"The dataset's elements are {spec}; pairs (picture, label) are required: "
                "dataset.map(lambda ...: (picture, label))."
            )
        if int(dataset.cardinality()) == _INFINITE:
            raise InvalidArgumentError("The dataset never ends. Leave repeat() out, or take(n).")
        self._dataset = dataset
        names = getattr(dataset, "class_names", None)
        self.names: tuple[str, ...] | None = None if names is None else tuple(map(str, names))

    @property
    def count(self) -> int | None:
        """How many pictures there are; None where only the number of batches is known."""
        known = int(self._dataset.cardinality())
        batched = self._dataset.element_spec[0].shape.rank != _PICTURE_RANK
        return None if known == _UNKNOWN or batched else known

    def examples(self) -> Iterator[Example]:
        """All of them, in their order."""
        for pictures, labels in self._dataset.as_numpy_iterator():
            if np.ndim(pictures) == _PICTURE_RANK:
                pictures, labels = pictures[np.newaxis], np.asarray(labels)[np.newaxis]
            numbers = class_indices(labels)
            for picture, label in zip(pictures, numbers.tolist(), strict=True):
                yield _example(picture, label)


def class_indices(labels: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Labels (n,) of numbers from (n,), (n, 1), or one-hot rows (n, classes).

    Raises:
        InvalidArgumentError: they are something else, such as several classes of one picture.
    """
    labels = np.asarray(labels)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    whole = labels.dtype.kind in "iufb" and bool(np.all(labels == np.floor(labels)))
    if labels.ndim == 1 and whole and labels.min(initial=0) >= 0:
        return labels.astype(np.int64)
    if labels.ndim == 2 and whole and (np.sort(labels, axis=1)[:, -2:] == (0, 1)).all():
        return np.asarray(labels.argmax(axis=1), np.int64)
    raise InvalidArgumentError(
        f"Labels of type {labels.dtype} and shape {labels.shape}, such as {labels[0]}, are neither "
        "numbers of classes from 0 on nor one-hot rows with a single 1. Several classes of one "
        "picture cannot be evaluated: top-1 asks for one."
    )


def _example(picture: Any, label: int) -> Example:
    in_memory = hasattr(picture, "convert")  # an image of PIL
    return Example((lambda: upright(picture)) if in_memory else (lambda: picture), label)


def _text(label: Any) -> str:
    return label.decode() if isinstance(label, bytes) else str(label)
