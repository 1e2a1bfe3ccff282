"""What stands in the way of a capture, gathered so that all of it is reported at once."""

from __future__ import annotations

import re
from typing import Any

from mobilezoo.errors import UnsupportedLayersError
from mobilezoo.graph.call import Unsupported

_NOT_YET = "not supported yet, see docs/operations.md for what is"


class Problems:
    """Layers that cannot be represented, each with its class and the first reason found.

    Args:
        model: name of the model, for the message.
    """

    def __init__(self, model: str) -> None:
        self._model = model
        self._found: dict[str, tuple[str, str]] = {}  # path -> class, reason

    def note_layer(self, path: str, layer: Any, error: Exception) -> None:
        """A layer whose call failed, unless a layer or operation inside it says why."""
        if not any(found.startswith(f"{path}/") for found in self._found):
            self._found.setdefault(path, (type(layer).__name__, _describe(layer, error)))

    def note_operation(self, path: str, layer: Any, operation: Any, reason: str) -> None:
        """An operation of `keras.ops` in a layer (or in the model itself)."""
        text = f"keras.ops {type(operation).__name__}: {reason or _NOT_YET}"
        self._found.setdefault(path or self._model, (type(layer).__name__, text))

    def raise_if_any(self) -> None:
        """Raise UnsupportedLayersError with a line for each class of layer and reason."""
        if not self._found:
            return
        paths: dict[tuple[str, str], list[str]] = {}
        for path, problem in self._found.items():
            paths.setdefault(problem, []).append(path)
        lines = [f"  {kind} ({', '.join(names)}): {why}" for (kind, why), names in paths.items()]
        raise UnsupportedLayersError(
            f"{len(self._found)} layer(s) of '{self._model}' cannot be represented:\n"
            + "\n".join(lines)
        )


def _describe(layer: Any, error: Exception) -> str:
    if isinstance(error, Unsupported):
        return str(error)
    if type(layer).__module__.startswith("keras."):
        return f"this layer of Keras is {_NOT_YET}"
    what = re.sub(r"\s+", " ", str(error)).strip()
    what = what if len(what) <= 160 else f"{what[:160]} ..."
    return (
        "its call does not run on symbolic tensors; write it in keras.ops "
        f"({type(error).__name__}: {what})"
    )
