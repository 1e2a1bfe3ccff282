"""Rules that users register for layers of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import keras

from mobilezoo.errors import InvalidArgumentError, MobilezooError
from mobilezoo.graph.call import Call, Unsupported
from mobilezoo.graph.problems import in_short
from mobilezoo.graph.rules.table import LAYERS, rule_for_class

Emitter = TypeVar("Emitter", bound=Callable[..., Any])

_registered: set[type] = set()
_BASES = (keras.Layer, keras.Model, keras.layers.Wrapper)


def register_emitter(layer_class: type[keras.layers.Layer]) -> Callable[[Emitter], Emitter]:
    """Say how `export_coreml` writes a layer whose `call` is not written in `keras.ops`.

        @register_emitter(Shift)
        def shift(layer, x):
            return keras.ops.roll(x, layer.pixels, axis=1)

    The decorated function gets the layer and what it is called with, and computes the same by
    `keras.ops` and other layers. All that follows works on these operations: folding, both file
    formats, `verify`, which compares with the layer's own `call`, and the counts.

    Args:
        layer_class: exactly this class; subclasses may compute something else, and need a
            function each. Registering it again replaces the function.

    Raises:
        InvalidArgumentError: not a class of layers, one that mobilezoo exports itself, or one of
            Keras's that only others are made of.
    """
    if not (isinstance(layer_class, type) and issubclass(layer_class, keras.layers.Layer)):
        raise InvalidArgumentError(
            f"register_emitter takes a class of layers, got {layer_class!r}. Write "
            "@register_emitter(MyLayer) above the function."
        )
    if layer_class in _BASES:
        raise InvalidArgumentError(
            f"{layer_class.__name__} is what other classes are made of, and a function is for "
            "exactly one class. Register those that your model calls, one by one."
        )
    if rule_for_class(layer_class) is not None and layer_class not in _registered:
        raise InvalidArgumentError(
            f"{layer_class.__name__} is exported by mobilezoo itself. Make a subclass, and "
            "register that."
        )

    def register(function: Emitter) -> Emitter:
        if not callable(function):
            raise InvalidArgumentError(
                f"@register_emitter({layer_class.__name__}) stands above a function, got "
                f"{function!r}."
            )
        LAYERS[layer_class] = _rule(function)
        _registered.add(layer_class)
        return function

    return register


def _rule(function: Callable[..., Any]) -> Callable[[Call], Any]:
    def rule(call: Call) -> Any:
        try:
            made = function(call.operation, *call.args, **call.kwargs)
        except (MobilezooError, Unsupported):
            raise
        except Exception as error:
            raise Unsupported(
                f"the function registered for it, {getattr(function, '__name__', function)}, "
                f"failed ({in_short(error)})"
            ) from error
        shapes = [tuple(getattr(item, "shape", ())) for item in keras.tree.flatten(made)]
        declared = [tuple(item.shape) for item in call.outputs]
        if shapes != declared:
            raise Unsupported(
                f"the function registered for it makes {_listed(shapes)}, the layer itself "
                f"{_listed(declared)}"
            )
        return made

    return rule


def _listed(shapes: list[tuple[Any, ...]]) -> str:
    return ", ".join(map(str, shapes))
