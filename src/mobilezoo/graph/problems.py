"""What stands in the way of a capture, gathered so that all of it is reported at once."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

import keras

from mobilezoo.errors import UnsupportedLayersError
from mobilezoo.graph.call import Unsupported

# what Keras puts around an error of its operations: colours, whose call it was, the arguments
_KERAS_FRAME = re.compile(
    r"\x1b\[[\d;]*m|Exception encountered when calling .*?\(\)\.|Arguments received by.*", re.DOTALL
)
_NOT_YET = "not supported yet, see docs/operations.md for what is"


class Problems:
    """Layers that cannot be represented, each with its class and the first reason found.

    Args:
        model: name of the model, for the message.
    """

    def __init__(self, model: str) -> None:
        self._model = model
        self._found: dict[str, tuple[str, str]] = {}  # path -> class, reason

    def __bool__(self) -> bool:
        return bool(self._found)

    def note(self, path: str, layer: Any, reason: str) -> None:
        """Something in a layer's own call, or in that of the model, whose path is ""."""
        self._found.setdefault(path or self._model, (type(layer).__name__, reason))

    def prefer(self, others: Problems, reasons: Collection[str]) -> None:
        """Take what `others` say of the same paths, if it is one of `reasons`."""
        for path, (kind, reason) in others._found.items():
            if path in self._found and reason in reasons:
                self._found[path] = (kind, reason)

    def note_layer(
        self, path: str, layer: Any, error: Exception, *, supported: bool = False
    ) -> None:
        """A layer whose call failed, unless a layer or operation inside it says why.

        `supported`: whether there is a rule for such layers, so that it is this call that fails.
        """
        if not any(found.startswith(f"{path}/") for found in self._found):
            reason = _describe(layer, error, supported)
            self._found.setdefault(path, (type(layer).__name__, reason))

    def note_operation(self, path: str, layer: Any, operation: Any, reason: str) -> None:
        """An operation of `keras.ops` in a layer (or in the model itself)."""
        self.note(path, layer, f"keras.ops {type(operation).__name__}: {reason or _NOT_YET}")

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


def _describe(layer: Any, error: Exception, supported: bool) -> str:
    if isinstance(error, Unsupported):
        return str(error)
    text = _KERAS_FRAME.sub("", str(error))
    what = re.sub(r"\s+", " ", text).strip()
    what = what if len(what) <= 160 else f"{what[:160]} ..."
    if supported:
        return f"it does not take such an input ({type(error).__name__}: {what})"
    own = type(layer).__module__.startswith("keras.")
    if own and not isinstance(layer, keras.Model):
        return f"this layer of Keras is {_NOT_YET}"
    return (
        "its call does not run on symbolic tensors; write it in keras.ops "
        f"({type(error).__name__}: {what})"
    )
