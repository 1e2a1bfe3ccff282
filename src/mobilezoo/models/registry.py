"""The table of networks: name -> builder, and finding one."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import Any

import keras

from mobilezoo.errors import InvalidArgumentError
from mobilezoo.models.mnist import mnist_mlp
from mobilezoo.models.mobilenet_v1 import mobilenet


@dataclass(frozen=True)
class Entry:
    """One network of the zoo.

    Attributes:
        builder: makes the model.
        source: where it comes from.
        labels: of the default number of classes, as `export_coreml` takes them.
    """

    builder: Callable[..., keras.Model]
    source: str
    labels: str


_TABLE = {
    "mnist_mlp": Entry(mnist_mlp, "Keras examples, 2015", "digits"),
    "mobilenet": Entry(mobilenet, "arXiv:1704.04861", "imagenet"),
}


def list_models(pattern: str = "*") -> list[str]:
    """Names of the networks that match a pattern with wildcards, such as "mobilenet*"."""
    return [name for name in _TABLE if fnmatch(name, pattern)]


def build(name: str, **options: Any) -> keras.Model:
    """Build a network by name.

    Args:
        name: one of `list_models()`.
        options: arguments of its builder.

    Raises:
        InvalidArgumentError: no such network, or an argument that its builder does not take.
    """
    builder = entry(name).builder
    try:
        return builder(**options)
    except TypeError as error:
        if "unexpected keyword argument" not in str(error):
            raise
        raise InvalidArgumentError(f"{name} cannot take that: {error}.") from error


def entry(name: str) -> Entry:
    """The table's row.

    Raises:
        InvalidArgumentError: no such network.
    """
    if name not in _TABLE:
        close = difflib.get_close_matches(name, _TABLE, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise InvalidArgumentError(f"Unknown model {name!r}. Choose {', '.join(_TABLE)}.{hint}")
    return _TABLE[name]
