"""Where a model's weights are from: what the file's metadata say of them."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

_of_model: WeakKeyDictionary[Any, str] = WeakKeyDictionary()


def set_weights_source(model: Any, text: str) -> None:
    """Remember in words where weights are from, with their licence."""
    _of_model[model] = text


def weights_of(model: Any) -> str | None:
    """What was remembered; None for weights of the user's own."""
    return _of_model.get(model)
