"""What help() and inspect.signature() show of a builder, and its answer to a wrong keyword.

A family's function names the arguments of its own and takes the shared ones as `**options`. Their
names, defaults and descriptions are those of `Network`.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, TypeVar, cast

import keras

from mobilezoo.errors import unknown_argument
from mobilezoo.models._build import Network

Builder = TypeVar("Builder", bound=Callable[..., keras.Model])


def network_builder(*, without: Iterable[str] = ()) -> Callable[[Builder], Builder]:
    """Decorate `mobilenet(input_shape, *, alpha, dropout, **options)`.

    Args:
        without: shared arguments that it does not take.
    """

    def decorate(builder: Builder) -> Builder:
        parameters = [*inspect.signature(builder).parameters.values()]
        return _shown(builder, parameters, inspect.getdoc(builder) or "", without)

    return decorate


def variant_of(family: Callable[..., keras.Model]) -> Callable[[Builder], Builder]:
    """Decorate `vgg16(input_shape, **options)`, which has the arguments of its family.

    Args:
        family: builds any variant: family(variant, input_shape, *, ..., **options). What follows
            the first line of its docstring, which leaves the variant out, completes the variant's.
    """
    _variant, *parameters = inspect.signature(family).parameters.values()
    _summary, _, rest = (inspect.getdoc(family) or "").partition("\n")

    def decorate(builder: Builder) -> Builder:
        return _shown(builder, parameters, f"{inspect.getdoc(builder)}\n{rest}")

    return decorate


def _shown(
    builder: Builder, own: list[inspect.Parameter], doc: str, without: Iterable[str] = ()
) -> Builder:
    shared = _shared(without)
    named = [item for item in own if item.kind is not item.VAR_KEYWORD]
    first = [item for item in named if item.name not in shared]
    overridden = {item.name: item for item in named if item.name in shared}
    parameters = [*first, *(shared | overridden).values()]
    signature = inspect.signature(builder).replace(parameters=parameters)

    @wraps(builder)
    def build(*args: Any, **options: Any) -> keras.Model:
        for name in options:
            if name not in signature.parameters:
                raise unknown_argument(builder.__name__, name, signature.parameters)
        return builder(*args, **options)

    build.__signature__ = signature  # type: ignore[attr-defined]
    build.__doc__ = _documented(doc, signature.parameters)
    return cast(Builder, build)


def _shared(without: Iterable[str]) -> dict[str, inspect.Parameter]:
    """The arguments of `Network` that every builder has, but for the dropout, which each names."""
    return {
        name: parameter
        for name, parameter in inspect.signature(Network).parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY and name not in ("dropout", *without)
    }


def _documented(doc: str, names: Iterable[str]) -> str:
    """A docstring with a description of each argument, its own or that of `Network`."""
    before, own, after = _parts(doc)
    _, shared, raises = _parts(inspect.getdoc(Network) or "")
    described = {**shared, **own}
    arguments = "".join(described[name] for name in names)
    after = after if "Raises:" in after else f"{after}\n\n{raises[raises.index('Raises:') :]}"
    return f"{before}\n\nArgs:\n{arguments}\n{after.strip()}\n"


def _parts(doc: str) -> tuple[str, dict[str, str], str]:
    """What precedes the arguments, argument -> its indented lines, and what follows them."""
    before, _, rest = doc.partition("\n\nArgs:\n")
    arguments, _, after = rest.partition("\n\n")
    entries = re.finditer(r"^ {4}(\w+):.*\n(?: {5,}.*\n)*", f"{arguments}\n", re.MULTILINE)
    return before, {entry[1]: entry[0] for entry in entries}, after
