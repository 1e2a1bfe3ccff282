"""Class labels: ImageNet's, the digits', or the user's own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Set
from functools import cache
from importlib.resources import files
from pathlib import Path

from mobilezoo.errors import InvalidArgumentError

# Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009: the data set's order.
CIFAR10 = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip


@cache
def imagenet_classes() -> tuple[tuple[str, str], ...]:
    """(WordNet id, name) of ImageNet's 1000 classes, in the order of the networks' outputs.

    Source: `imagenet_class_index.json` of keras.applications (md5
    c2c37ea517e94d9795004a39431a14cb), whose content this is.
    """
    text = (files("mobilezoo.data") / "imagenet_labels.txt").read_text("utf-8")
    return tuple((line[:9], line[10:]) for line in text.splitlines())


def imagenet_labels() -> tuple[str, ...]:
    """1000 different labels; "crane" and "maillot", which occur twice, carry their WordNet id."""
    counts = Counter(name for _, name in imagenet_classes())
    return tuple(
        name if counts[name] == 1 else f"{name} ({wordnet_id})"
        for wordnet_id, name in imagenet_classes()
    )


def find_labels(spec: str | Iterable[str]) -> tuple[str, ...]:
    """Labels by name ("imagenet", "cifar10", "digits"), from a text file (one a line), or as given.

    Raises:
        InvalidArgumentError: neither a known name nor a readable file.
    """
    if not isinstance(spec, (str, Path)):
        return _listed(spec)
    if spec == "imagenet":
        return imagenet_labels()
    if spec == "cifar10":
        return CIFAR10
    if spec == "digits":
        return tuple("0123456789")
    try:
        lines = Path(spec).expanduser().read_text("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise InvalidArgumentError(f"'{spec}' is not in UTF-8. Save it so: {error}.") from error
    except OSError as error:
        raise InvalidArgumentError(
            f"labels={str(spec)!r} is neither 'imagenet', 'cifar10', 'digits' nor a readable text "
            "file."
        ) from error
    return tuple(line.strip() for line in lines if line.strip())


def _listed(given: object) -> tuple[str, ...]:
    """Labels in the order of the outputs, which a set or a dictionary does not tell."""
    unordered = isinstance(given, (Mapping, Set, bytes))
    if unordered or not isinstance(given, Iterable):
        raise InvalidArgumentError(
            f"labels={given!r} must be a name, a file or a list in the order of the model's "
            "outputs; of Keras's class_indices that is sorted(class_indices, "
            "key=class_indices.get)."
        )
    labels = tuple(given)
    for label in labels:
        nested = isinstance(label, Iterable) and not isinstance(label, str)
        if label is None or nested:  # bytes are Iterable, too
            raise InvalidArgumentError(
                f"Label {label!r} must be a text. Pass one list of texts, such as ['cat', 'dog']."
            )
    return tuple(str(label).strip() for label in labels)
