"""Stored arrays into a network's layers: all of them fit and can be read, or none is touched."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from mobilezoo.errors import InvalidArgumentError
from mobilezoo.weights.top import Pairs, lacks_top

if TYPE_CHECKING:
    import keras

_log = logging.getLogger("mobilezoo")

FLOATS = ("float16", "bfloat16", "float32", "float64")
NOTHING_CHANGED = "no weight has been changed"
OTHER_OPTIONS = (
    "Build it with the options that they were trained with (alpha, classes, include_top, "
    "convention, ...)"
)
WITHOUT_TOP = (
    "They are those of a network without its top: build it with include_top=False, put layers of "
    "your own on top and train them, or pass a file that has the top"
)


@dataclass(frozen=True)
class Array:
    """An array in a file that has not been read yet.

    Attributes:
        shape: in the network's order of axes, or the file's before it is converted.
        dtype: of the file, by NumPy's or PyTorch's name, such as "float32".
        read: its values.
    """

    shape: tuple[int, ...]
    dtype: str
    read: Callable[[], np.ndarray]


@dataclass(frozen=True)
class Stored:
    """What a file holds for one layer.

    Attributes:
        name: of the layer, in the file.
        arrays: in the order of `layer.weights`.
    """

    name: str
    arrays: Sequence[Array]

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """The shapes of the arrays."""
        return [array.shape for array in self.arrays]


Matched: TypeAlias = list[tuple["keras.Layer", Stored]]


def with_weights(layers: Sequence[keras.Layer]) -> list[keras.Layer]:
    """The layers that hold weights."""
    return [layer for layer in layers if layer.weights]


def fit(network: str, pairs: Pairs, path: Path) -> None:
    """Give every layer what is stored for it.

    Shapes and types are compared first. Then the file is read twice, one array at a time: once to
    see that it can be read, once to assign. No second copy of a network is ever in memory.

    Args:
        network: its name, for messages.
        pairs: a layer and what the file holds for it; None where one side has no more.
        path: of the file, for messages.

    Raises:
        InvalidArgumentError: names the first layer that differs and both shapes, or that is not
            of floating point or cannot be read; no layer has been changed then. Only if the file
            changes or goes away between both readings, some have, and the message says which.
    """
    assign(match(network, pairs, path), path)


def match(network: str, pairs: Pairs, path: Path) -> Matched:
    """The pairs, all of which fit; arguments and errors are those of `fit`."""
    matched: Matched = []
    for layer, stored in pairs:
        wanted = [tuple(weight.shape) for weight in layer.weights] if layer else []
        if stored is None or layer is None or stored.shapes != wanted:
            hint = WITHOUT_TOP if stored is None and lacks_top(pairs) else OTHER_OPTIONS
            raise _misfit(network, path, layer, wanted, stored, hint)
        matched.append((layer, stored))
    for layer, stored in matched:
        _check_types(layer, stored, path)
    return matched


def assign(matched: Matched, path: Path) -> None:
    """Read everything once, then give every layer what is stored for it."""
    for layer, stored in matched:
        for _ in _values(layer, stored, path, NOTHING_CHANGED):
            pass
    for layer, stored in matched:
        changed = f"the layers before '{layer.name}' have been changed already"
        for weight, value in zip(layer.weights, _values(layer, stored, path, changed), strict=True):
            weight.assign(value)


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


def _check_types(layer: keras.Layer, stored: Stored, path: Path) -> None:
    for array in stored.arrays:
        if array.dtype not in FLOATS:
            raise InvalidArgumentError(
                f"'{path}' holds {array.dtype} for layer '{layer.name}' ('{stored.name}'). Pass a "
                f"file of {', '.join(FLOATS[:-1])} or {FLOATS[-1]}; {NOTHING_CHANGED}."
            )


def _values(
    layer: keras.Layer, stored: Stored, path: Path, changed: str
) -> Iterator[np.ndarray[Any, Any]]:
    """The arrays of a layer as float32, one at a time; `changed`: for the message."""
    for array in stored.arrays:
        try:
            value = np.asarray(array.read()).astype(np.float32, copy=False)
        except Exception as error:  # every library of files raises its own
            raise InvalidArgumentError(
                f"'{path}' is damaged: the weights of layer '{layer.name}' ('{stored.name}') "
                f"cannot be read ({type(error).__name__}: {error}); {changed}."
            ) from error
        yield value


def _misfit(
    network: str,
    path: Path,
    layer: keras.Layer | None,
    wanted: list[tuple[int, ...]],
    stored: Stored | None,
    hint: str,
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
        f"The weights in '{path}' do not fit '{network}': {what}. {hint}; {NOTHING_CHANGED}."
    )


def _shown(shapes: list[tuple[int, ...]]) -> str:
    return ", ".join(map(str, shapes))
