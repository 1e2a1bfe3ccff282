"""The table of networks: name -> builder, and finding one."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import Any

import keras

from mobilezoo.errors import InvalidArgumentError
from mobilezoo.models.features import backbone
from mobilezoo.models.mnist import mnist_cnn, mnist_mlp
from mobilezoo.models.mobilenet_v1 import mobilenet
from mobilezoo.weights import weight_files


@dataclass(frozen=True)
class Entry:
    """One network of the zoo.

    Attributes:
        builder: makes the model.
        source: where it comes from.
        labels: of the default number of classes, as `export_coreml` takes them.
        endpoints: layers (or patterns, of which the last match counts) at which each
            resolution ends, from the finest; `build(features_only=True)` returns them.
    """

    builder: Callable[..., keras.Model]
    source: str
    labels: str
    endpoints: tuple[str, ...] = ()


_MOBILENET_V1 = tuple(f"block{number}_pointwise_relu" for number in (1, 3, 5, 11, 13))

_TABLE = {
    "mnist_mlp": Entry(mnist_mlp, "Keras examples, 2015", "digits"),
    "mnist_cnn": Entry(mnist_cnn, "Keras examples, 2015", "digits", ("block1_pool", "block2_pool")),
    "mobilenet": Entry(mobilenet, "arXiv:1704.04861", "imagenet", _MOBILENET_V1),
}


def list_models(pattern: str = "*", *, pretrained: bool = False) -> list[str]:
    """Names of the networks of the zoo.

    Args:
        pattern: with wildcards, such as "mobilenet*" or "resnet[1-5]*".
        pretrained: only those that `weights="imagenet"` is published for.

    Returns:
        The names, in the order of the zoo.
    """
    names = [name for name in _TABLE if fnmatch(name, pattern)]
    return [name for name in names if weight_files(name)] if pretrained else names


def build(
    name: str,
    /,
    *,
    features_only: bool = False,
    endpoints: Sequence[str] | None = None,
    **options: Any,
) -> keras.Model:
    """Build a network by name.

    Args:
        name: one of `list_models()` (the model's own name is among the options).
        features_only: a backbone instead of a classifier: one feature map per resolution, the
            finest first (strides 2, 4, 8, 16, 32 for most networks), for detection and
            segmentation.
        endpoints: a backbone that returns the outputs of these layers: names, or patterns such as
            "stage2_block*_out", of which the last match counts.
        options: arguments of its builder.

    Returns:
        What the builder returns, or a model with a list of outputs.

    Raises:
        InvalidArgumentError: no such network or layer, or an argument that its builder does not
            take.
    """
    found = entry(name)
    if features_only and endpoints is not None:
        raise InvalidArgumentError("Pass features_only=True or endpoints=[...], not both.")
    if features_only:
        endpoints = found.endpoints
        if not endpoints:
            raise InvalidArgumentError(f"{name} has no feature maps; pass endpoints=[...].")
    if endpoints is not None and "include_top" in inspect.signature(found.builder).parameters:
        options.setdefault("include_top", False)
    model = _call(name, found.builder, options)
    return model if endpoints is None else backbone(model, endpoints)


def _call(name: str, builder: Callable[..., keras.Model], options: dict[str, Any]) -> keras.Model:
    taken = inspect.signature(builder).parameters
    unknown = next((option for option in options if option not in taken), None)
    if unknown is not None:
        close = difflib.get_close_matches(unknown, taken, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise InvalidArgumentError(
            f"{name} takes no argument {unknown!r}; it takes {', '.join(taken)}.{hint}"
        )
    return builder(**options)


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
