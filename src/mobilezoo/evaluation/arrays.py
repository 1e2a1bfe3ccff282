"""Data in memory: `tf.data.Dataset` and (pictures, labels)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from mobilezoo.data.images import upright
from mobilezoo.errors import InvalidArgumentError
from mobilezoo.evaluation.record import LeftOut
from mobilezoo.evaluation.source import Example

_CHANNELS = (1, 3)
_MOST = 2**31  # classes; also below infinity
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
    empty: Collection[str] = ()

    def __init__(self, data: Any) -> None:
        if len(data) != 2:
            raise InvalidArgumentError(
                f"data is a {type(data).__name__} of {len(data)}; a pair (pictures, labels) is "
                "required."
            )
        self._pictures, labels = data[0], np.atleast_1d(data[1])
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
            are used; pictures may be gray without a channel axis; labels are numbers or one-hot
            rows.

    Raises:
        InvalidArgumentError: its elements are something else, or it never ends.
    """

    left_out: Sequence[LeftOut] = ()
    empty: Collection[str] = ()  # not known

    def __init__(self, dataset: Any) -> None:
        spec = dataset.element_spec
        pair = isinstance(spec, tuple) and len(spec) == 2
        if not pair or not all(hasattr(part, "shape") for part in spec):
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
        shapes = [part.shape for part in self._dataset.element_spec]
        ranked = all(shape.rank is not None for shape in shapes)
        single = ranked and _is_single(*(tuple(shape.as_list()) for shape in shapes))
        return known if single and known != _UNKNOWN else None

    def examples(self) -> Iterator[Example]:
        """All of them, in their order."""
        for pictures, labels in self._dataset.as_numpy_iterator():
            if _is_single(np.shape(pictures), np.shape(labels)):
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
    fits = _rows_that_fit(labels)
    if fits.all() and labels.ndim == 1:
        return labels.astype(np.int64)
    if fits.all() and labels.ndim == 2:
        return np.asarray(labels.argmax(axis=1), np.int64)
    culprit = labels[int(fits.argmin())] if labels.ndim else labels
    if isinstance(culprit, (str, bytes)):
        raise InvalidArgumentError(
            f"Labels are names, such as {_text(culprit)!r}. Names are understood in a pair "
            "(pictures, labels), as many as pictures; in a dataset give their numbers, or one-hot "
            "rows."
        )
    raise InvalidArgumentError(
        f"Labels of type {labels.dtype} and shape {labels.shape}, such as {culprit}, are neither "
        "numbers of classes from 0 on nor one-hot rows with a single 1. Several classes of one "
        "picture cannot be evaluated: top-1 asks for one."
    )


def _rows_that_fit(labels: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Which labels are a number of a class, or a one-hot row."""
    if labels.dtype.kind not in "iufb" or labels.ndim not in (1, 2):
        return np.zeros(labels.shape[:1], np.bool_)
    if labels.ndim == 1:
        return np.asarray((labels >= 0) & (labels < _MOST) & (labels == np.floor(labels)))
    row = (np.sort(labels, axis=1)[:, -2:] == (0, 1)).all(axis=1)
    return np.asarray(row & (labels >= 0).all(axis=1))


def _is_single(picture: tuple[int | None, ...], label: tuple[int | None, ...]) -> bool:
    """Whether an element of these shapes is one picture, and no batch.

    Of rank 3 it is (height, width, channels), or several (n, height, width) in gray: the label
    tells. One of rank 1 is a one-hot row or n numbers.
    """
    if len(picture) != 3:
        return len(picture) < 3
    if len(label) != 1:
        return not label
    return picture[2] in _CHANNELS or picture[0] != label[0]


def _example(picture: Any, label: int) -> Example:
    in_memory = hasattr(picture, "convert")  # an image of PIL
    return Example((lambda: upright(picture)) if in_memory else (lambda: picture), label)


def _text(label: Any) -> str:
    return label.decode() if isinstance(label, bytes) else str(label)
