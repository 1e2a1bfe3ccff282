"""Which class of a file is which class of the data: by name where there are names."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Sequence

import numpy as np
import numpy.typing as npt

from mobilezoo.data.labels import imagenet_classes, imagenet_labels
from mobilezoo.errors import InvalidArgumentError

_MOST_NAMED = 12

Names = tuple[str, ...]


def normalized(label: object) -> str:
    """A label as text, composed: folders of macOS have decomposed names."""
    return unicodedata.normalize("NFC", str(label))


def column_order(
    path: str, own: Names | None, width: int, classes: Names, whence: str
) -> npt.NDArray[np.int64]:
    """For each class the number of the file's score that belongs to it.

    Args:
        path: of the file, for messages.
        own: its labels; None where it has none, whose scores are in the order of the classes.
        width: how many scores it gives.
        classes: of the evaluation.
        whence: where those are from, in words.

    Raises:
        InvalidArgumentError: the file tells other classes apart.
    """
    if own is None and width == len(classes):
        return np.arange(width)
    if own is not None and sorted(own) == sorted(classes):
        index = {label: i for i, label in enumerate(own)}
        return np.array([index[label] for label in classes])
    has = f"{width} classes without labels" if own is None else f"the labels {listed(own)}"
    raise InvalidArgumentError(
        f"'{path}' has {has}; {whence} are {listed(classes)}. "
        + (
            "One folder for each class, in the order of the file's outputs, is required; or pass "
            "the labels of all outputs in their order as labels= (--labels)."
            if own is None
            else "All files must tell the same classes apart."
        )
    )


def class_numbers(names: Names, classes: Names, empty: Collection[str] = ()) -> tuple[int, ...]:
    """The class of each name of the data.

    WordNet ids stand for ImageNet's classes.

    Args:
        names: of the data.
        classes: of the evaluation.
        empty: names that have no picture, for the message.

    Raises:
        InvalidArgumentError: names that are no class.
    """
    index = {label: i for i, label in enumerate(classes)}
    if classes == imagenet_labels():
        index |= {wordnet_id: i for i, (wordnet_id, _) in enumerate(imagenet_classes())}
    unknown = [name for name in names if normalized(name) not in index]
    if unknown:
        raise InvalidArgumentError(
            f"The data have classes that the file does not know: {listed(unknown, empty)}. The "
            f"data's are {listed(names)}; the file's are {listed(classes)}. Give folders (or "
            "labels) exactly the file's names, or leave these out."
        )
    return tuple(index[normalized(name)] for name in names)


def listed(names: Sequence[str], empty: Collection[str] = ()) -> str:
    """Up to a dozen names in quotes, those without pictures marked, and how many there are."""
    more = len(names) - _MOST_NAMED
    shown = ", ".join(
        f"{name!r} (no pictures)" if name in empty else repr(name) for name in names[:_MOST_NAMED]
    )
    return f"{shown} and {more} more ({len(names)})" if more > 0 else f"{shown} ({len(names)})"
