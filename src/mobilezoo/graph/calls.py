"""Standing between a Keras model and the calls of its layers.

Capture, verification and weight calibration all need to see each layer call, with the same
name for the same call; this is the one place that provides it.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras
from keras.src.ops.operation import Operation

_lock = threading.RLock()

_ARITHMETIC = {
    "__add__": "add",
    "__matmul__": "matmul",
    "__mul__": "multiply",
    "__pow__": "power",
    "__sub__": "subtract",
    "__truediv__": "true_divide",
}

# handler(layer, path, proceed) -> outputs; `proceed()` makes the call as Keras would.
Handler = Callable[[Any, str, Callable[[], Any], tuple[Any, ...], dict[str, Any]], Any]


@contextmanager
def intercept_layers(model: keras.Model, handler: Handler) -> Iterator[None]:
    """Route every layer call inside `model` through `handler`.

    The handler gets the layer, the path of the call, `proceed` (a function without arguments
    that makes the call), the arguments and the keyword arguments. The path of a call is the
    names of the enclosing layers joined by "/"; the n-th call of a shared layer ends in ":n".
    Calls of `model` itself are not routed. Other threads are not affected.
    """
    owner = threading.get_ident()
    stack: list[str] = []
    counts: Counter[str] = Counter()

    def routed(layer: Any, *args: Any, **kwargs: Any) -> Any:
        if threading.get_ident() != owner or layer is model:
            return original(layer, *args, **kwargs)
        base = "/".join([*stack, layer.name])
        counts[base] += 1
        path = base if counts[base] == 1 else f"{base}:{counts[base]}"
        stack.append(path.rpartition("/")[2])
        try:
            return handler(layer, path, lambda: original(layer, *args, **kwargs), args, kwargs)
        finally:
            stack.pop()

    with _lock:
        original = keras.layers.Layer.__call__
        keras.layers.Layer.__call__ = routed
        try:
            yield
        finally:
            keras.layers.Layer.__call__ = original


@contextmanager
def intercept_operations(handler: Callable[[Any, Any, Any], Any]) -> Iterator[None]:
    """Route every `keras.ops` call on symbolic tensors through `handler(operation, args, kwargs)`.

    Other threads are not affected.
    """
    owner = threading.get_ident()

    def routed(operation: Any, *args: Any, **kwargs: Any) -> Any:
        if threading.get_ident() != owner:
            return original(operation, *args, **kwargs)
        return handler(operation, args, kwargs)

    with _lock:
        original = Operation.symbolic_call
        Operation.symbolic_call = routed
        try:
            yield
        finally:
            Operation.symbolic_call = original


@contextmanager
def intercept_seeds(handler: Callable[[Any, Callable[[], Any]], Any]) -> Iterator[None]:
    """Route every seed that a generator of Keras gives through `handler(generator, proceed)`.

    All that Keras draws begins with one, unless the seed is a number: then it draws the same
    each time. Other threads are not affected.
    """
    owner = threading.get_ident()

    def routed(generator: Any, *args: Any, **kwargs: Any) -> Any:
        if threading.get_ident() != owner:
            return original(generator, *args, **kwargs)
        return handler(generator, lambda: original(generator, *args, **kwargs))

    with _lock:
        original = keras.random.SeedGenerator.next
        keras.random.SeedGenerator.next = routed
        try:
            yield
        finally:
            keras.random.SeedGenerator.next = original


@contextmanager
def intercept_assignments(handler: Callable[[Any, Any, Callable[[], Any]], Any]) -> Iterator[None]:
    """Route every `assign` of a Keras variable through `handler(variable, value, proceed)`.

    Other threads are not affected.
    """
    owner = threading.get_ident()

    def routed(variable: Any, value: Any) -> Any:
        if threading.get_ident() != owner:
            return original(variable, value)
        return handler(variable, value, lambda: original(variable, value))

    with _lock:
        original = keras.Variable.assign
        keras.Variable.assign = routed
        try:
            yield
        finally:
            keras.Variable.assign = original


@contextmanager
def losses_dropped() -> Iterator[None]:
    """Let `add_loss` do nothing: a file has no losses. Other threads are not affected."""
    owner = threading.get_ident()

    def dropped(layer: Any, loss: Any) -> None:
        if threading.get_ident() != owner:
            original(layer, loss)

    with _lock:
        original = keras.layers.Layer.add_loss
        keras.layers.Layer.add_loss = dropped
        try:
            yield
        finally:
            keras.layers.Layer.add_loss = original


@contextmanager
def symbolic_arithmetic() -> Iterator[None]:
    """Let `variable * tensor` and the like take symbolic tensors, as `tensor * variable` does."""
    with _lock:
        originals = {name: getattr(keras.Variable, name) for name in _ARITHMETIC}
        for name, function in _ARITHMETIC.items():
            setattr(keras.Variable, name, _either(originals[name], getattr(keras.ops, function)))
        try:
            yield
        finally:
            for name, original in originals.items():
                setattr(keras.Variable, name, original)


def _either(concrete: Callable[..., Any], symbolic: Callable[..., Any]) -> Callable[..., Any]:
    def operator(self: Any, other: Any) -> Any:
        takes = symbolic if isinstance(other, keras.KerasTensor) else concrete
        return takes(self, other)

    return operator


def tensors_in(structure: Any, kind: type) -> list[Any]:
    """The instances of `kind` in nested lists, tuples and dicts, in Keras's order."""
    return [item for item in keras.tree.flatten(structure) if isinstance(item, kind)]
