"""Keras weight files: `.weights.h5` of Keras 3, `.keras`, and the HDF5 files before them.

Layers are matched by their order, as Keras does, so the networks here must keep the order of
keras.applications. Keras 3 counts per class ("conv2d", "conv2d_1"), older files all in one row.
Keras's own loader stops at the first misfit with half the weights loaded and names no shapes.
"""

from __future__ import annotations

import io
import math
import re
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from mobilezoo.errors import InvalidArgumentError
from mobilezoo.weights.details import check_details
from mobilezoo.weights.fit import Array, Stored, assign, match, pair, say_fresh, with_weights
from mobilezoo.weights.top import Pairs, without_top

if TYPE_CHECKING:
    import keras

# What zipfile and h5py raise for damage, and the code below for a structure that is not Keras's.
DAMAGE = (
    OSError,
    EOFError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
)


@dataclass(frozen=True)
class Group:
    """A layer in a file of Keras 3.

    Attributes:
        stored: its own weights.
        below: of a model in the model, class of layer -> its layers of that class, in order.
    """

    stored: Stored
    below: dict[str, list[Group]] = field(default_factory=dict)


def load_keras_file(
    network: str, layers: Sequence[keras.Layer], path: Path, *, fresh: str | None = None
) -> None:
    """Load a Keras weight file into a network's layers.

    A network without a top takes a file that has one, and leaves the file's top out.

    Args:
        network: its name, for messages.
        layers: in the order of `model.layers`, also those without weights: the last one shows
            whether the network has a top.
        path: of the file.
        fresh: name of the last layer if it is to keep its weights.

    Raises:
        InvalidArgumentError: not such a file, its weights do not fit, or it is a whole model
            that computes otherwise (batch norm epsilon, strides, padding); no layer has changed.
    """
    with _opened(path) as content:
        pairs = without_top(layers, _paired(with_weights(layers), content))
        if fresh is not None:
            pairs = _without(fresh, pairs)
        matched = match(network, pairs, path)
        check_details(network, layers, path)
        assign(matched, path)
    if fresh is not None:
        say_fresh(network, fresh, path)


def count_weights(path: Path) -> int:
    """Number of elements of all arrays in a file, read from its structure alone.

    Raises:
        InvalidArgumentError: not a Keras weight file.
    """
    with _opened(path) as content:
        stored = content if isinstance(content, list) else _leaves(content)
        return sum(math.prod(shape) for item in stored for shape in item.shapes)


@contextmanager
def _opened(path: Path) -> Iterator[list[Stored] | dict[str, list[Group]]]:
    """The structure of a file, whose arrays can be read as long as it is open.

    Yields the layers of an older file in one row; those of Keras 3 by their class.
    """
    try:
        file = h5py.File(_hdf5(path), "r")
    except DAMAGE as error:
        raise _not_keras(path, error) from error
    with file:
        try:
            content = _legacy(file) if _is_legacy(file) else _rows(_container(file))
        except DAMAGE as error:
            raise _not_keras(path, error) from error
        yield content


def _not_keras(path: Path, error: Exception) -> InvalidArgumentError:
    return InvalidArgumentError(
        f"'{path}' is not a Keras weight file, or is damaged ({error}). Pass a .weights.h5, .h5 "
        "or .keras file; checkpoints of PyTorch must end in .safetensors, .pth, .pt or .bin."
    )


def _hdf5(path: Path) -> Any:
    if not zipfile.is_zipfile(path):
        return path
    with zipfile.ZipFile(path) as archive:  # .keras
        return io.BytesIO(archive.read("model.weights.h5"))


def _is_legacy(file: h5py.File) -> bool:
    return "layer_names" in file.attrs or "layer_names0" in file.attrs or "model_weights" in file


def _legacy(file: h5py.File) -> list[Stored]:
    """The layers with weights of a file that Keras 1, 2 or tf.keras wrote."""
    root = file.get("model_weights", file)
    stored = []
    for layer in _attribute(root, "layer_names"):
        group = root[layer]
        arrays = [_array(group[name]) for name in _attribute(group, "weight_names")]
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


def _array(dataset: Any) -> Array:
    if not isinstance(dataset, h5py.Dataset):
        raise ValueError(f"'{dataset.name}' is no array")
    shape = tuple(dataset.shape)
    if dataset.attrs.get("dtype") == "bfloat16":  # of which HDF5 knows two bytes only
        return Array(shape, "bfloat16", partial(_bfloat16, dataset))
    return Array(shape, dataset.dtype.name, partial(np.asarray, dataset))


def _bfloat16(dataset: Any) -> np.ndarray:
    bits = np.asarray(dataset).view(np.uint16).astype(np.uint32)
    return (bits << 16).view(np.float32)  # the upper half of a float32


def _container(file: Any) -> Any:
    """The group of a model's layers in a file that Keras 3 wrote."""
    for name in ("layers", "_layer_checkpoint_dependencies"):
        if name in file:
            return file[name]
    raise ValueError("it holds no weights of layers")


def _rows(container: Any) -> dict[str, list[Group]]:
    """Class of layer -> its layers that hold weights, in order."""
    found: dict[str, list[tuple[int, Group]]] = defaultdict(list)
    for name, group in container.items():
        variables = group.get("vars", {})
        if len(variables) or "layers" in group:  # a Dropout has its seed, no vars
            match = re.fullmatch(r"(.*?)(?:_(\d+))?", name)
            assert match is not None
            shown = group.name.removeprefix("/layers/").replace("/layers/", "/")
            arrays = [_array(variables[key]) for key in sorted(variables, key=int)]
            below = _rows(group["layers"]) if "layers" in group else {}
            found[match[1]].append((int(match[2] or 0), Group(Stored(shown, arrays), below)))
    return {
        kind: [group for _, group in sorted(row, key=lambda item: item[0])]
        for kind, row in found.items()
    }


def _paired(layers: Sequence[keras.Layer], content: list[Stored] | dict[str, list[Group]]) -> Pairs:
    if isinstance(content, list):
        return pair(layers, content)
    return _by_class(layers, content)


def _by_class(
    layers: Sequence[keras.Layer], stored: dict[str, list[Group]]
) -> list[tuple[keras.Layer | None, Stored | None]]:
    """Our layers in order, each with the next stored one of its class; then what is left."""
    rows = {kind: iter(row) for kind, row in stored.items()}
    pairs: list[tuple[keras.Layer | None, Stored | None]] = []
    for layer in with_weights(layers):
        group = next(rows.get(_snake_case(type(layer).__name__), iter(())), None)
        if group is not None and group.below and hasattr(layer, "layers"):
            pairs += _by_class(layer.layers, group.below)  # a model in the model
        else:
            pairs.append((layer, None if group is None else group.stored))
    left = [item for row in rows.values() for group in row for item in _below(group)]
    return pairs + [(None, item) for item in left]


def _leaves(stored: dict[str, list[Group]]) -> list[Stored]:
    return [item for row in stored.values() for group in row for item in _below(group)]


def _below(group: Group) -> list[Stored]:
    """A layer, or the layers of a model in the model."""
    return _leaves(group.below) if group.below else [group.stored]


def _snake_case(name: str) -> str:
    """Conv2D -> conv2d, BatchNormalization -> batch_normalization, as Keras names groups."""
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def _without(fresh: str, pairs: Pairs) -> Pairs:
    return [(layer, item) for layer, item in pairs if layer is None or layer.name != fresh]
