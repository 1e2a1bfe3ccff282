"""Stored arrays into a network's layers: all of them fit, or none is touched."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mobilezoo.errors import InvalidArgumentError

if TYPE_CHECKING:
    import keras

_log = logging.getLogger("mobilezoo")


@dataclass(frozen=True)
class Stored:
    """What a file holds for one layer.

    Attributes:
        name: of the layer, in the file.
        arrays: in the order of `layer.weights`; `shape` without, `numpy.asarray` with reading.
    """

    name: str
    arrays: Sequence[Any]

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """The shapes of the arrays."""
        return [tuple(array.shape) for array in self.arrays]


def with_weights(layers: Sequence[keras.Layer]) -> list[keras.Layer]:
    """The layers that hold weights."""
    return [layer for layer in layers if layer.weights]


def fit(
    network: str, pairs: Sequence[tuple[keras.Layer | None, Stored | None]], path: Path
) -> None:
    """Give every layer what is stored for it.

    Args:
        network: its name, for messages.
        pairs: a layer and what the file holds for it; None where one side has no more.
        path: of the file, for messages.

    Raises:
        InvalidArgumentError: names the first layer that differs and both shapes; no layer has
            been changed then.
    """
    for layer, stored in pairs:
        wanted = [tuple(weight.shape) for weight in layer.weights] if layer else []
        if stored is None or layer is None or stored.shapes != wanted:
            raise _misfit(network, path, layer, wanted, stored)
    for layer, stored in pairs:
        assert layer is not None
        assert stored is not None
        for weight, array in zip(layer.weights, stored.arrays, strict=True):
            weight.assign(np.asarray(array))


def pair(
    layers: Sequence[keras.Layer], stored: Sequence[Stored]
) -> list[tuple[keras.Layer | None, Stored | None]]:
    """Layers and stored ones side by side, in order."""
    return list(zip_longest(layers, stored))


def say_fresh(network: str, classifier: str, path: Path) -> None:
    """Tell the user that the classifier needs training."""
    _log.warning(
        "%s: the classifier '%s' is new (random weights, to be trained); all other weights are "
        "those of '%s'.",
        network,
        classifier,
        path.name,
    )


def _misfit(
    network: str,
    path: Path,
    layer: keras.Layer | None,
    wanted: list[tuple[int, ...]],
    stored: Stored | None,
) -> InvalidArgumentError:
    if stored is None:
        assert layer is not None
        what = f"the file has nothing for layer '{layer.name}' {_shown(wanted)}"
    elif layer is None:
        what = f"the file goes on with '{stored.name}' {_shown(stored.shapes)}"
    else:
        what = (
            f"first at layer '{layer.name}', which needs {_shown(wanted)}; the file has "
            f"{_shown(stored.shapes)} ('{stored.name}')"
        )
    return InvalidArgumentError(
        f"The weights in '{path}' do not fit '{network}': {what}. Build it with the options that "
        "they were trained with (alpha, classes, include_top, ...); no weight has been changed."
    )


def _shown(shapes: list[tuple[int, ...]]) -> str:
    return ", ".join(map(str, shapes))
