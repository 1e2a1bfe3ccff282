"""What a rule sees of one call of a layer or operation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import keras

from mobilezoo.graph.node import Shape, Weight


class Unsupported(Exception):  # noqa: N818 - a signal to the recorder, which words the error
    """A rule cannot represent this call; the text says why and what to do, "" for not yet."""


class Recorder(Protocol):
    """The part of capture's recorder that a call uses."""

    inputs: set[str]

    def add_node(
        self,
        kind: str,
        inputs: Any,
        spec: tuple[Shape, str],
        suffix: str,
        attributes: Mapping[str, Any],
        weights: Mapping[str, Weight],
    ) -> str:
        """Append a node and return its name."""

    def operand(self, value: Any, dtype: str = "float32") -> str:
        """Name of a tensor, or of a new constant."""

    def bind(self, tensor: Any, name: str) -> None:
        """Say which node made a symbolic tensor."""


@dataclass(frozen=True)
class Call:
    """One call of a Keras layer or operation on symbolic tensors.

    Attributes:
        recorder: receives the nodes.
        operation: the layer or operation, with its parameters as attributes.
        args: positional arguments, symbolic tensors among them.
        kwargs: keyword arguments.
        outputs: symbolic outputs: shapes and dtypes.
    """

    recorder: Recorder
    operation: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    outputs: list[Any]

    def argument(self, position: int, name: str, default: Any = None) -> Any:
        """An argument that may have been given by position or by name."""
        if position < len(self.args):
            return self.args[position]
        return self.kwargs.get(name, default)

    def operand(self, position: int, name: str) -> str:
        """Name of the tensor or constant in an argument."""
        value = self.argument(position, name)
        return self.recorder.operand(value, self.outputs[0].dtype)

    @property
    def x(self) -> Any:
        """The first argument."""
        return self.args[0] if self.args else next(iter(self.kwargs.values()))

    @property
    def reads_input(self) -> bool:
        """Whether the first argument is an input of the model, unchanged."""
        return self.recorder.operand(self.x) in self.recorder.inputs

    def add(
        self,
        kind: str,
        *inputs: str,
        shape: Shape | None = None,
        suffix: str = "",
        weights: Mapping[str, Weight] | None = None,
        **attributes: Any,
    ) -> str:
        """Append a node; its shape is the call's first output's unless given."""
        spec = (tuple(self.outputs[0].shape) if shape is None else shape, self.outputs[0].dtype)
        name = suffix or kind
        return self.recorder.add_node(kind, inputs, spec, name, attributes, weights or {})

    def then(self, function: Callable[[Any], Any] | None, name: str) -> Any:
        """Apply an activation function to the tensor `name`, whose shape is the output's.

        Returns the symbolic tensor that the function made.
        """
        tensor = keras.KerasTensor(self.outputs[0].shape, self.outputs[0].dtype)
        self.recorder.bind(tensor, name)
        if function is None:
            return tensor
        return _SYMBOLIC.get(function, function)(tensor)


# activations that Keras does not run on symbolic tensors, in operations that it does
_SYMBOLIC: dict[Any, Callable[[Any], Any]] = {
    keras.activations.hard_silu: keras.ops.hard_silu,
    keras.activations.sparsemax: keras.ops.sparsemax,
    keras.activations.mish: lambda x: x * keras.ops.tanh(keras.ops.softplus(x)),
}
