"""The tables of rules: how a call of a Keras layer or operation becomes nodes.

A layer without a rule is opened: what its `call` does in `keras.ops` is captured instead, which
covers merging, reshaping and most other layers, and every custom layer. Operations are looked up
by the name of their class in Keras (`keras.ops.relu` -> "Relu").
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from keras import layers

from mobilezoo._training_only import TRAINING_ONLY, vanishes_at_inference
from mobilezoo.graph.call import Call, Unsupported

Rule = Callable[[Call], Any]

LAYERS: dict[type, Rule] = {}
OPERATIONS: dict[str, Rule] = {}
OF_ATTRIBUTES: set[type] = set()  # layers whose constants are attributes, the same in each call
ANY_DTYPE: set[str] = set()  # operations whose results need not be floating-point numbers


def layer_rule(*classes: type, of_attributes: bool = False) -> Callable[[Rule], Rule]:
    """Register a rule for exactly these classes of layers.

    Args:
        classes: of layers.
        of_attributes: whether all constants in what the rule makes are attributes of the layer,
            and none comes from a function of the user's.
    """

    def register(rule: Rule) -> Rule:
        for item in classes:
            if item in LAYERS:
                raise ValueError(f"two rules for {item.__name__}")
            LAYERS[item] = rule
            if of_attributes:
                OF_ATTRIBUTES.add(item)
        return rule

    return register


def operation_rule(*names: str, any_dtype: bool = False) -> Callable[[Rule], Rule]:
    """Register a rule for these operations of `keras.ops`.

    Args:
        names: of their classes.
        any_dtype: whether results may be integers or booleans. Others would wrap around or cut
            off fractions in Keras, and do not in a Core ML file.
    """

    def register(rule: Rule) -> Rule:
        for name in names:
            if name in OPERATIONS:
                raise ValueError(f"two rules for {name}")
            OPERATIONS[name] = rule
            if any_dtype:
                ANY_DTYPE.add(name)
        return rule

    return register


def rule_for_layer(layer: Any) -> Rule | None:
    """The rule for exactly this class of layer; subclasses may compute something else."""
    return vanishes if vanishes_at_inference(layer) else rule_for_class(type(layer))


def rule_for_class(layer_class: type) -> Rule | None:
    """The same for a class."""
    return vanishes if layer_class in TRAINING_ONLY else LAYERS.get(layer_class)


def rule_for_operation(operation: Any) -> Rule | None:
    """The rule for an operation of Keras, or None."""
    return OPERATIONS.get(type(operation).__name__) if is_keras_own(operation) else None


def is_keras_own(operation: Any) -> bool:
    """Whether Keras defines the operation; a user's class may have the same name."""
    return type(operation).__module__.split(".")[0] == "keras"


def acts_in_training(layer: Any) -> bool:
    """Whether `training=True` changes what the layer computes."""
    return vanishes_at_inference(layer) or isinstance(layer, layers.BatchNormalization)


def vanishes(call: Call) -> Any:
    """The layer gives its input back at inference."""
    return call.x


def check_floats(operation: Any, outputs: Iterable[Any]) -> None:
    """Core ML computes in floating point; integers wrap around and cut off fractions."""
    if type(operation).__name__ in ANY_DTYPE:
        return
    for tensor in outputs:
        if not tensor.dtype.startswith(("float", "bfloat")):
            raise Unsupported(f"it computes in {tensor.dtype}; cast to float32 before")
