"""Arguments of `export_coreml` that are checked before any work, and what several checks share."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import keras
import numpy as np

from mobilezoo.errors import InvalidArgumentError
from mobilezoo.graph.inputs import check_model


def check_arguments(model: Any, path: Any, inputs: Any, overwrite: Any) -> None:
    """Refuse what is no model, arguments in the wrong order, and words for yes and no.

    Raises:
        InvalidArgumentError: says what to pass instead.
    """
    if isinstance(path, keras.Model):
        raise InvalidArgumentError(
            f"path is the model '{path.name}'. The order is export_coreml(model, path)."
        )
    check_model(model)
    if inputs is not None and (not isinstance(inputs, str) or inputs not in ("image", "array")):
        raise InvalidArgumentError(f"inputs={inputs!r}: choose 'image' or 'array'.")
    check_flag("overwrite", overwrite)


def check_flag(name: str, value: Any) -> None:
    """Raise InvalidArgumentError for anything but True and False."""
    if not isinstance(value, (bool, np.bool_)):
        raise InvalidArgumentError(f"{name}={value!r} must be True or False.")


def check_texts(**given: Any) -> dict[str, str]:
    """What Xcode shows of a file: texts, empty for None.

    Raises:
        InvalidArgumentError: something else; numbers, too, for 1.10 is the number 1.1.
    """
    for name, value in given.items():
        if value is None:
            continue
        if not isinstance(value, str):
            example = str(value) if isinstance(value, (int, float)) else "..."
            raise InvalidArgumentError(
                f"{name}={value!r} must be a text, such as {name}={example!r}, or None."
            )
        if not _is_unicode(value):
            raise InvalidArgumentError(f"{name}={value!r} cannot be written in UTF-8.")
    return {name: "" if value is None else value for name, value in given.items()}


def whole_numbers(given: Any) -> tuple[int, ...] | None:
    """A list, tuple, range or array of whole numbers, NumPy's too; None where it is none."""
    items = as_list(given)
    if items is None or not all(map(_is_whole, items)):
        return None
    return tuple(int(item) for item in items)


def as_list(given: Any) -> list[Any] | None:
    """The items of a list, tuple, range or array; None of anything else, texts and sets too."""
    if isinstance(given, np.ndarray):
        given = given.tolist()
    return list(given) if isinstance(given, (list, tuple, range)) else None


def _is_whole(item: Any) -> bool:
    return isinstance(item, Integral) and not isinstance(item, bool)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
