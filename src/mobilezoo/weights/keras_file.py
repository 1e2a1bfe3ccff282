"""Keras weight files: `.weights.h5` of Keras 3, `.keras`, and the HDF5 files before them.

Layers are matched by their order, as Keras does, so the networks here must keep the order of
keras.applications. Keras 3 counts per class ("conv2d", "conv2d_1"), older files all in one row.
Keras's own loader stops at the first misfit with half the weights loaded and names no shapes.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py

from mobilezoo.errors import InvalidArgumentError
from mobilezoo.weights.fit import Stored, fit, pair, say_fresh, with_weights

if TYPE_CHECKING:
    import keras

Pairs = list[tuple["keras.Layer | None", Stored | None]]


def load_keras_file(
    network: str, layers: Sequence[keras.Layer], path: Path, *, fresh: str | None = None
) -> None:
    """Load a Keras weight file into a network's layers.

    Args:
        network: its name, for messages.
        layers: in the order of `model.layers`; those without weights do not matter.
        path: of the file.
        fresh: name of the last layer if it is to keep its weights.

    Raises:
        InvalidArgumentError: not such a file, or its weights do not fit; no layer has changed.
    """
    ours = with_weights(layers)
    with _opened(path) as file:
        stored = _legacy(file) if _is_legacy(file) else None
        pairs = pair(ours, stored) if stored is not None else _by_class(ours, _keras3(file, path))
        if fresh is not None:
            pairs = _without(fresh, pairs)
        fit(network, pairs, path)
    if fresh is not None:
        say_fresh(network, fresh, path)


def count_weights(path: Path) -> int:
    """Number of elements of all arrays in a file, read from its structure alone.

    Raises:
        InvalidArgumentError: not a Keras weight file.
    """
    with _opened(path) as file:
        if _is_legacy(file):
            stored = _legacy(file)
        else:
            stored = [item for row in _keras3(file, path).values() for item in row]
        return sum(array.size for item in stored for array in item.arrays)


@contextmanager
def _opened(path: Path) -> Iterator[h5py.File]:
    try:
        if zipfile.is_zipfile(path):  # .keras
            with zipfile.ZipFile(path) as archive:
                source: Any = io.BytesIO(archive.read("model.weights.h5"))
        else:
            source = path
        file = h5py.File(source, "r")
    except (OSError, KeyError) as error:
        raise InvalidArgumentError(
            f"'{path}' is not a Keras weight file, or is damaged ({error}). Pass a .weights.h5, "
            ".h5 or .keras file."
        ) from error
    with file:
        yield file


def _is_legacy(file: h5py.File) -> bool:
    return "layer_names" in file.attrs or "layer_names0" in file.attrs or "model_weights" in file


def _legacy(file: h5py.File) -> list[Stored]:
    """The layers with weights of a file that Keras 1, 2 or tf.keras wrote."""
    root = file.get("model_weights", file)
    stored = []
    for layer in _attribute(root, "layer_names"):
        group = root[layer]
        arrays = [group[name] for name in _attribute(group, "weight_names")]
        if arrays:
            stored.append(Stored(layer, arrays))
    return stored


def _attribute(group: Any, name: str) -> list[str]:
    """A list of names; long ones are kept in parts, name0, name1, ..."""
    parts = [name] if name in group.attrs else []
    while f"{name}{len(parts)}" in group.attrs:
        parts.append(f"{name}{len(parts)}")
    texts = [text for part in parts for text in group.attrs[part]]
    return [text.decode() if isinstance(text, bytes) else str(text) for text in texts]


def _keras3(file: h5py.File, path: Path) -> dict[str, list[Stored]]:
    """Class of layer -> its layers in order, of a file that Keras 3 wrote."""
    found: dict[str, list[tuple[int, Stored]]] = defaultdict(list)
    for name, group in file.get("layers", file.get("_layer_checkpoint_dependencies", {})).items():
        variables = group.get("vars", {})
        arrays = [variables[key] for key in sorted(variables, key=int)]
        if arrays:
            kind, number = _class_and_number(name)
            found[kind].append((number, Stored(name, arrays)))
    if not found:
        raise InvalidArgumentError(f"'{path}' holds no weights of layers.")
    return {
        kind: [stored for _, stored in sorted(row, key=lambda item: item[0])]
        for kind, row in found.items()
    }


def _class_and_number(name: str) -> tuple[str, int]:
    match = re.fullmatch(r"(.*?)(?:_(\d+))?", name)
    assert match is not None
    return match[1], int(match[2] or 0)


def _by_class(ours: Sequence[keras.Layer], stored: dict[str, list[Stored]]) -> Pairs:
    """Our layers in order, each with the next stored one of its class; then what is left."""
    rows = {kind: iter(row) for kind, row in stored.items()}
    pairs: Pairs = [
        (layer, next(rows.get(_snake_case(type(layer).__name__), iter(())), None)) for layer in ours
    ]
    return pairs + [(None, item) for row in rows.values() for item in row]


def _snake_case(name: str) -> str:
    """Conv2D -> conv2d, BatchNormalization -> batch_normalization, as Keras names groups."""
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def _without(fresh: str, pairs: Pairs) -> Pairs:
    return [(layer, item) for layer, item in pairs if layer is None or layer.name != fresh]
