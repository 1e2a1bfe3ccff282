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
    with _opened(path) as file:
        if _is_legacy(file):
            pairs = pair(with_weights(layers), _legacy(file))
        else:
            pairs = _by_class(layers, _container(file, path))
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
        stored = _legacy(file) if _is_legacy(file) else _leaves(_container(file, path))
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


def _container(file: Any, path: Path) -> Any:
    """The group of a model's layers in a file that Keras 3 wrote."""
    for name in ("layers", "_layer_checkpoint_dependencies"):
        if name in file:
            return file[name]
    raise InvalidArgumentError(f"'{path}' holds no weights of layers.")


def _rows(container: Any) -> dict[str, list[Any]]:
    """Class of layer -> the groups of its layers that hold weights, in order."""
    found: dict[str, list[tuple[int, Any]]] = defaultdict(list)
    for name, group in container.items():
        if len(group.get("vars", ())) or "layers" in group:  # a Dropout has its seed, no vars
            match = re.fullmatch(r"(.*?)(?:_(\d+))?", name)
            assert match is not None
            found[match[1]].append((int(match[2] or 0), group))
    return {
        kind: [group for _, group in sorted(row, key=lambda item: item[0])]
        for kind, row in found.items()
    }


def _by_class(layers: Sequence[keras.Layer], container: Any) -> Pairs:
    """Our layers in order, each with the next stored one of its class; then what is left."""
    rows = {kind: iter(row) for kind, row in _rows(container).items()}
    pairs: Pairs = []
    for layer in with_weights(layers):
        group = next(rows.get(_snake_case(type(layer).__name__), iter(())), None)
        if group is not None and "layers" in group and hasattr(layer, "layers"):
            pairs += _by_class(layer.layers, group["layers"])  # a model in the model
        else:
            pairs.append((layer, None if group is None else _stored(group)))
    left = [item for row in rows.values() for group in row for item in _below(group)]
    return pairs + [(None, item) for item in left]


def _leaves(container: Any) -> list[Stored]:
    return [item for row in _rows(container).values() for group in row for item in _below(group)]


def _below(group: Any) -> list[Stored]:
    """A layer, or the layers of a model in the model."""
    return _leaves(group["layers"]) if "layers" in group else [_stored(group)]


def _stored(group: Any) -> Stored:
    variables = group.get("vars", {})
    name = group.name.removeprefix("/layers/").replace("/layers/", "/")
    return Stored(name, [variables[key] for key in sorted(variables, key=int)])


def _snake_case(name: str) -> str:
    """Conv2D -> conv2d, BatchNormalization -> batch_normalization, as Keras names groups."""
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def _without(fresh: str, pairs: Pairs) -> Pairs:
    return [(layer, item) for layer, item in pairs if layer is None or layer.name != fresh]
