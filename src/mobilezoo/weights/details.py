"""What a `.keras` file says of its layers besides their weights: it must be so here too.

Networks in Keras's and in PyTorch's convention have weights of the same shapes, and compute
something else with them. Only whole models say which they are; the other files hold weights alone.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mobilezoo.errors import InvalidArgumentError
from mobilezoo.weights.fit import NOTHING_CHANGED

if TYPE_CHECKING:
    import keras

DETAILS = ("epsilon", "strides", "padding", "dilation_rate")


def check_details(network: str, layers: Sequence[keras.Layer], path: Path) -> None:
    """Refuse a whole model whose layers compute otherwise than the network's.

    Args:
        network: its name, for messages.
        layers: in the order of `model.layers`.
        path: of the file; one that holds weights alone passes.

    Raises:
        InvalidArgumentError: names the first layer that differs and both values.
    """
    for layer, config in _side_by_side(layers, _configs(path)):
        for detail in DETAILS:
            here, there = _value(getattr(layer, detail, None)), _value(config.get(detail))
            if None in (here, there) or here == there:
                continue
            if detail == "padding" and set(_value(getattr(layer, "kernel_size", ()))) == {1}:
                continue  # a 1x1 convolution never pads
            raise InvalidArgumentError(
                f"'{path}' was trained with {detail}={there} at layer '{config.get('name')}'; "
                f"'{network}' has {detail}={here} there ('{layer.name}'), and would answer "
                "wrongly. Build it with the options that the file was trained with "
                "(convention='torch' or 'keras', stride_in, ...), or open the file with "
                f"keras.models.load_model; {NOTHING_CHANGED}."
            )


def _configs(path: Path) -> list[Mapping[str, Any]]:
    """The layers of a whole model, in order; none of a file that holds weights alone."""
    if not zipfile.is_zipfile(path):
        return []
    with zipfile.ZipFile(path) as archive:
        if "config.json" not in archive.namelist():
            return []
        try:
            return _below(json.loads(archive.read("config.json")))
        except (ValueError, zipfile.BadZipFile, zlib.error) as error:
            raise InvalidArgumentError(
                f"'{path}' is damaged: its config.json cannot be read ({error})."
            ) from error


def _below(item: Any) -> list[Mapping[str, Any]]:
    """The layers of a model's config; none if it is a layer's, or of a class with its own form."""
    config = item.get("config") if isinstance(item, dict) else None
    rows = config.get("layers") if isinstance(config, dict) else None
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _side_by_side(
    layers: Sequence[keras.Layer], rows: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[keras.Layer, Mapping[str, Any]]]:
    """Our layers, each with the next config of its class, as their weights are matched."""
    by_class: dict[Any, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        by_class[row.get("class_name")].append(row)
    waiting = {kind: iter(row) for kind, row in by_class.items()}
    for layer in layers:
        row = next(waiting.get(type(layer).__name__, iter(())), {})
        if not layer.weights:
            continue
        if below := _below(row):
            yield from _side_by_side(getattr(layer, "layers", ()), below)
        elif isinstance(config := row.get("config"), dict):
            yield layer, config


def _value(value: Any) -> Any:
    """As JSON has it: lists, and text in lower case."""
    if isinstance(value, (list, tuple)):
        return list(value)
    return value.lower() if isinstance(value, str) else value
