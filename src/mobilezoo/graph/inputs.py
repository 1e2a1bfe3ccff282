"""What a model takes: symbolic tensors in the structure that its `call` expects."""

from __future__ import annotations

import inspect
import os
from collections.abc import Sequence
from numbers import Integral
from typing import Any

import keras
import numpy as np

from mobilezoo.errors import InvalidArgumentError
from mobilezoo.graph.node import Shape


def check_model(model: Any) -> None:
    """Raise InvalidArgumentError where something else than a model of Keras 3 was given."""
    if not isinstance(model, keras.Model):
        given = model if isinstance(model, type) else type(model)
        raise InvalidArgumentError(
            f"Expected a keras.Model, got {'the class ' if given is model else ''}"
            f"{given.__module__}.{given.__qualname__}. {_how_to_get_one(model)}"
        )


def symbolic_inputs(
    model: keras.Model,
    input_shape: Sequence[int | None] | None,
    batch: int | None = None,
    *,
    any_size: bool = False,
) -> Any:
    """Fresh symbolic tensors in the structure that `model.call` expects.

    Args:
        model: built.
        input_shape: of the one input, without the batch; None for what the model declares.
        batch: number of examples.
        any_size: whether `input_shape` may have other sides than the model declares.

    Raises:
        InvalidArgumentError: no model, none that is built, or another shape than it takes.
    """
    check_model(model)
    if not model.built:
        raise InvalidArgumentError(
            f"Model '{model.name}' has no weights yet. Call it once on real data, or "
            "model.build(input_shape)."
        )
    declared = _declared_inputs(model)
    if declared is None or not _is_functional(model):
        _check_one_input(model)
    if declared is None and input_shape is None:
        raise InvalidArgumentError(
            f"Model '{model.name}' ({type(model).__name__}) does not say its input shape. "
            "Pass input_shape=(height, width, channels)."
        )
    if input_shape is None:
        return keras.tree.map_structure(lambda tensor: _fresh(tensor, batch), declared)
    input_shape = _whole(input_shape)
    if declared is None:
        return keras.KerasTensor((batch, *input_shape), name="image")
    flat = keras.tree.flatten(declared)
    if len(flat) != 1:
        raise InvalidArgumentError(
            f"input_shape is for models with one input; '{model.name}' has {len(flat)}."
        )
    declared_shape = tuple(flat[0].shape)
    if any_size and declared_shape:
        declared_shape = (None, *(None for _ in declared_shape[1:-1]), declared_shape[-1])
    _check_fits(model, input_shape, declared_shape)
    tensor = keras.KerasTensor((batch, *input_shape), flat[0].dtype, name=flat[0].name)
    return keras.tree.pack_sequence_as(declared, [tensor])


def _how_to_get_one(given: Any) -> str:
    """What to do with something that is no model of Keras 3."""
    kinds = given.__mro__ if isinstance(given, type) else type(given).__mro__
    origins = {kind.__module__.partition(".")[0] for kind in kinds}
    if isinstance(given, (str, os.PathLike)):
        return "Load saved models with keras.models.load_model first."
    if isinstance(given, keras.layers.Layer):
        return "Make one of the layer: keras.Sequential([keras.Input(shape), layer])."
    if isinstance(given, type) or (callable(given) and not origins & {"torch", "tensorflow"}):
        return "Call it, and pass what it returns."
    if "tf_keras" in origins:
        return (
            "That is Keras 2: save it as .h5 and load it with keras.models.load_model of Keras 3."
        )
    if origins & {"torch", "tensorflow"}:
        return "Rebuild it in Keras 3; models of PyTorch and TensorFlow take coremltools.convert."
    return "Build one, or load it with keras.models.load_model."


def _whole(input_shape: Any) -> Shape:
    """The shape in plain whole numbers, None where it stays open."""
    sequence = isinstance(input_shape, (Sequence, np.ndarray))
    shape = tuple(input_shape) if sequence else ()
    sides = [side for side in shape if side is not None]
    whole = all(isinstance(side, Integral) and not isinstance(side, bool) for side in sides)
    if not shape or not whole or min(sides, default=1) < 1:
        raise InvalidArgumentError(
            f"input_shape={input_shape!r} must be whole numbers above 0, such as (height, width, "
            "channels)."
        )
    return tuple(None if side is None else int(side) for side in shape)


def _declared_inputs(model: keras.Model) -> Any:
    if _is_functional(model):
        return (getattr(model, "_functional", None) or model)._inputs_struct
    shapes = _built_for(model)
    if len(shapes) == 1 and _is_shape(shapes[0]):
        return keras.KerasTensor((None, *shapes[0][1:]), name="image")
    return None


def _is_functional(model: keras.Model) -> bool:
    """Whether the model says what it takes; a Sequential has a Functional inside."""
    return hasattr(getattr(model, "_functional", None) or model, "_inputs_struct")


def _built_for(model: keras.Model) -> list[Any]:
    """The shapes of the inputs with which a subclassed model was built, as far as Keras knows."""
    return list((getattr(model, "_build_shapes_dict", None) or {}).values())


def _is_shape(item: Any) -> bool:
    return isinstance(item, tuple) and all(isinstance(n, int | None) for n in item)


def _check_one_input(model: keras.Model) -> None:
    """Raise InvalidArgumentError where a subclassed model takes several tensors."""
    required = [
        name
        for name, item in inspect.signature(model.call).parameters.items()
        if item.default is item.empty and item.kind not in (item.VAR_POSITIONAL, item.VAR_KEYWORD)
        if name not in ("training", "mask")
    ]
    if len(required) > 1 or not all(map(_is_shape, _built_for(model))):
        raise InvalidArgumentError(
            f"Model '{model.name}' ({type(model).__name__}) takes several inputs, of which a "
            "subclassed model does not say what they are; only one can be exported as it is. Wrap "
            "it in a Functional model, such as keras.Model([a, b], model(...)) of "
            "a = keras.Input(shape), b = keras.Input(shape), and export that."
        )


def _check_fits(model: keras.Model, given: Shape, declared: Shape) -> None:
    fits = len(given) + 1 == len(declared) and all(
        want is None or have == want for have, want in zip(given, declared[1:], strict=True)
    )
    if not fits:
        raise InvalidArgumentError(
            f"input_shape={given} does not fit '{model.name}', which takes {declared[1:]}."
        )


def _fresh(tensor: Any, batch: int | None) -> keras.KerasTensor:
    """The same tensor for another batch: a Core ML file computes one example at a time."""
    return keras.KerasTensor((batch, *tensor.shape[1:]), tensor.dtype, name=tensor.name)
