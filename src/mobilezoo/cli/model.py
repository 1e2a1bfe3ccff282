"""MODEL on the command line: a name of the zoo with options, or a saved Keras model."""

from __future__ import annotations

import ast
import re
from argparse import Namespace
from pathlib import Path
from typing import Any

from mobilezoo.cli.modules import import_all
from mobilezoo.errors import InvalidArgumentError

# how Keras says that nobody registered what a saved model is made of
_UNKNOWN = re.compile(r"Could not locate (class|function) '(\w+)'")


def load(arguments: Namespace) -> Any:
    """The Keras model that the arguments describe."""
    import_all(arguments.imports)
    if is_file(arguments):
        return _load_file(arguments)
    from mobilezoo.models import build
    from mobilezoo.randomize import randomize_weights

    model = build(arguments.model, **builder_options(arguments))
    return randomize_weights(model) if arguments.weights == "random" else model


def is_file(arguments: Namespace) -> bool:
    """Whether MODEL is a file and no name of the zoo."""
    return bool(arguments.model.endswith((".keras", ".h5")))


def is_untrained(arguments: Namespace) -> bool:
    """Whether MODEL is a network of the zoo that gets no weights."""
    return not is_file(arguments) and arguments.weights == "none"


def file_input_shape(arguments: Namespace) -> tuple[int, ...] | None:
    """--input-shape for a saved model; a network of the zoo has been built with it."""
    shape: tuple[int, ...] | None = arguments.input_shape
    return shape if is_file(arguments) else None


def builder_options(arguments: Namespace) -> dict[str, Any]:
    """What was given for the builder, and only that."""
    options = {name: getattr(arguments, name) for name in ("alpha", "classes")}
    options = {name: value for name, value in options.items() if value is not None}
    if arguments.input_shape is not None:
        options["input_shape"] = arguments.input_shape
    if arguments.weights not in ("none", "random"):
        options["weights"] = arguments.weights
    for item in arguments.option:
        name, equals, text = item.partition("=")
        if not equals:
            raise InvalidArgumentError(f"--option {item!r}: write NAME=VALUE.")
        options[name] = _value(text)
    return options


def _load_file(arguments: Namespace) -> Any:
    import keras

    if set(builder_options(arguments)) - {"input_shape"} or arguments.weights == "random":
        raise InvalidArgumentError(
            f"'{arguments.model}' is a saved model; --weights, --alpha, --classes and --option are "
            "for networks of the zoo."
        )
    path = Path(arguments.model).expanduser()
    if not path.is_file():
        raise InvalidArgumentError(f"'{path}' is not a file.")
    try:
        return keras.models.load_model(path, compile=False)
    except (ValueError, TypeError, OSError, KeyError) as error:
        unknown = _UNKNOWN.search(str(error))
        if unknown is not None:
            raise InvalidArgumentError(
                f"'{path}' has {unknown[1]} '{unknown[2]}', which Keras does not know. Pass "
                "--import with the module or .py file that defines it under "
                "@keras.saving.register_keras_serializable()."
            ) from error
        reason = str(error).strip().splitlines()[0]
        raise InvalidArgumentError(f"'{path}' is no Keras model that loads: {reason}") from error


def _value(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
