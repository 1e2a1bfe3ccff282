"""Recording: every call of a layer or operation, as it happens, becomes nodes."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import keras

from mobilezoo.errors import InvalidArgumentError, UnsupportedLayersError
from mobilezoo.graph import rules
from mobilezoo.graph.call import Call, Unsupported
from mobilezoo.graph.calls import tensors_in
from mobilezoo.graph.chance import ASSIGNS, DRAWS, Fixed
from mobilezoo.graph.node import Graph, Node, Shape, TensorSpec, Weight
from mobilezoo.graph.problems import Problems, in_short
from mobilezoo.graph.tidy import needed_names, without_unread
from mobilezoo.graph.variables import weight_of


class Recording:
    """What is known while a model runs on symbolic tensors."""

    def __init__(self, model: keras.Model) -> None:
        self.nodes: list[Node] = []
        self.layer_outputs: dict[str, str] = {}
        self.inputs: set[str] = set()
        self._model = model
        self._of_metrics = {id(variable) for variable in model.metrics_variables}
        self._names: dict[int, str] = {}
        self._taken: set[str] = set()
        self._alive: list[Any] = []  # ids in _names stay unique while their tensors live
        self._path: list[str] = []
        self.problems = Problems(model.name)
        self.fixed: dict[str, Fixed] = {}
        self._open: list[Any] = [model]  # the layers whose calls are running
        self._operations: list[Any] = []  # those being recorded: the last is part of the first
        self._made_at: dict[str, int] = {}  # tensor -> index of the node that made it
        self._renamed: dict[str, str] = {}  # tensor -> the name it gets in the end
        self._training = False  # whether a layer around was called with training=True
        self._inferring = False  # whether Keras infers shapes, by running a call apart

    def declare_input(self, tensor: keras.KerasTensor) -> TensorSpec:
        """Make a tensor an input of the graph."""
        spec = TensorSpec(self._free(tensor.name), tuple(tensor.shape), tensor.dtype)
        self.bind(tensor, spec.name)
        self.inputs.add(spec.name)
        return spec

    def name_of(self, tensor: keras.KerasTensor) -> str:
        """What the graph calls a symbolic tensor."""
        if id(tensor) not in self._names:
            raise Unsupported(f"it reads '{tensor.name}', which the model's inputs do not lead to")
        return self._names[id(tensor)]

    def run(self, inputs: Any) -> Any:
        """The model's own `call`; what it does itself, outside its layers, may fail too.

        Returns what it returned, or None where `problems` tell why there is nothing.
        """
        try:
            return self._open_layer(self._model, (inputs,), {})
        except (InvalidArgumentError, UnsupportedLayersError):
            raise
        except Exception as error:
            if not self.problems:  # what was found before says more
                self.problems.note_layer(self._model.name, self._model, error)
        return None

    def graph(self, inputs: tuple[TensorSpec, ...], outputs: Sequence[Any]) -> Graph:
        """What was recorded, under the names that were given last."""
        final = self._renamed
        nodes = tuple(
            replace(
                node,
                inputs=tuple(final.get(name, name) for name in node.inputs),
                output=replace(node.output, name=final.get(node.name, node.name)),
            )
            for node in self.nodes
        )
        names = (self.name_of(tensor) for tensor in outputs)
        returned = tuple(final.get(name, name) for name in names)
        layer_outputs = {k: final.get(name, name) for k, name in self.layer_outputs.items()}
        return without_unread(Graph(self._model.name, inputs, nodes, returned, layer_outputs))

    def forget_unread(self, outputs: Sequence[Any]) -> None:
        """Nothing that no output depends on is a problem, such as what goes into a loss."""
        needed = needed_names(self.nodes, map(self.name_of, outputs))
        self.problems.keep_needed(needed)
        self.fixed = {name: fixed for name, fixed in self.fixed.items() if name in needed}

    def on_layer(
        self, layer: Any, path: str, proceed: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Replaces a layer's call: nodes by its rule, or what it calls itself."""
        if not tensors_in((args, kwargs), keras.KerasTensor):
            return proceed()
        before, outer = len(self.nodes), self._training
        self._path.append(path)
        self._open.append(layer)
        asked = kwargs.get("training")
        self._training = outer if asked is None else bool(asked)
        try:
            outputs = self._represent(layer, path, args, kwargs)
        finally:
            self._path.pop()
            self._open.pop()
            self._training = outer
        flat = tensors_in(outputs, keras.KerasTensor)
        if len(flat) == 1:
            self._name_after_layer(flat[0], path, before)
            self.layer_outputs[path] = self.name_of(flat[0])
        return outputs

    def _represent(self, layer: Any, path: str, args: tuple[Any, ...], kwargs: Any) -> Any:
        if not layer.built:
            raise InvalidArgumentError(
                f"Layer '{path}' has not been built. Call the model once on real data, then retry."
            )
        rule = rules.rule_for_layer(layer)
        try:
            if tensors_in(kwargs.get("mask"), keras.KerasTensor):
                raise Unsupported("it is called with a mask, which is not supported")
            if rule is None:
                return self._open_layer(layer, args, kwargs)
            if self._training and rules.acts_in_training(layer):
                raise Unsupported("it is called with training=True; call it without")
            if rule is rules.vanishes:
                return args[0] if args else next(iter(kwargs.values()))
            kwargs = _without_context(kwargs)
            return self._apply(rule, layer, args, kwargs, self._shapes(layer, args, kwargs))
        except (InvalidArgumentError, UnsupportedLayersError):
            raise
        except Exception as error:  # a custom call may fail in any way on symbolic tensors
            return self._give_up(layer, path, error, args, kwargs)

    def _open_layer(self, layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run a layer's own `call`; the calls in it come back to this recorder."""
        kwargs = _without_context(kwargs)
        parameters = inspect.signature(layer.call).parameters
        if "training" in parameters:
            kwargs["training"] = self._training
        return layer.call(*args, **kwargs)

    def _shapes(self, operation: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What an operation makes, as Keras infers it; to that end Keras may run its call."""
        outer, self._inferring = self._inferring, True
        try:
            return operation.compute_output_spec(*args, **kwargs)
        finally:
            self._inferring = outer

    def on_seed(self, generator: Any, proceed: Any) -> Any:
        """Replaces the next seed of a generator: what is drawn with it would be frozen."""
        if self._inferring:
            return proceed()
        self.problems.note(self._where(), self._open[-1], DRAWS)
        return keras.ops.zeros((2,), generator.state.dtype)

    def on_assignment(self, variable: Any, value: Any, proceed: Any) -> Any:
        """Replaces the `assign` of a variable; metrics are none of a file's business."""
        if self._inferring:
            return proceed()
        if id(variable) not in self._of_metrics:
            self.problems.note(self._where(), self._open[-1], ASSIGNS)
        return value

    def on_operation(self, operation: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Replaces `Operation.symbolic_call`: one `keras.ops` function becomes nodes."""
        if not rules.is_keras_own(operation):  # opened, like a custom layer
            return operation.call(*args, **kwargs)
        self._operations.append(operation)
        try:
            return self._record(operation, args, kwargs)
        except (InvalidArgumentError, UnsupportedLayersError):
            raise
        except Exception as error:
            if _has_free_sides(tensors_in((args, kwargs), keras.KerasTensor)):
                self._note_operation(in_short(error))  # the layer would not say which it is
            raise
        finally:
            self._operations.pop()

    def _record(self, operation: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        outputs = self._shapes(operation, args, kwargs)
        rule = rules.rule_for_operation(operation)
        try:
            if rule is None:
                raise Unsupported()
            rules.check_floats(operation, tensors_in(outputs, keras.KerasTensor))
            return self._apply(rule, operation, args, kwargs, outputs)
        except Unsupported as problem:
            made = self._opaque(outputs, (args, kwargs))
            self._note_operation(str(problem), made)
            return outputs

    def _note_operation(self, reason: str, made: Sequence[str] = ()) -> None:
        operation = self._operations[0]
        self.problems.note_operation(self._where(), self._open[-1], operation, reason, made)

    def _apply(
        self, rule: Any, operation: Any, args: tuple[Any, ...], kwargs: Any, outputs: Any
    ) -> Any:
        call = Call(self, operation, args, kwargs, tensors_in(outputs, keras.KerasTensor))
        result = rule(call)
        flat = keras.tree.flatten(result)
        if flat and all(isinstance(item, keras.KerasTensor) for item in flat):
            return result  # the operation gave its input back, or already made the tensors
        names = [result] if isinstance(result, str) else result
        for tensor, name in zip(call.outputs, names, strict=True):
            self.bind(tensor, name)
        return outputs

    def add_node(
        self,
        kind: str,
        inputs: Sequence[str],
        spec: tuple[Shape, str],
        suffix: str,
        attributes: Mapping[str, Any],
        weights: Mapping[str, Weight],
    ) -> str:
        """Append a node and return its name."""
        name = self._free("/".join(filter(None, [self._where(), suffix])))
        shape, dtype = spec
        values = tuple(weight for weight in weights.values() if not weight.source)
        if values and type(self._open[-1]) not in rules.OF_ATTRIBUTES:
            self.fixed[name] = Fixed(self._where(), self._open[-1], values)
        self._made_at[name] = len(self.nodes)
        self.nodes.append(
            Node(kind, tuple(inputs), TensorSpec(name, tuple(shape), dtype),
                 dict(attributes), dict(weights), tuple(self._path[-1:]))
        )  # fmt: skip
        return name

    def operand(self, value: Any, dtype: str = "float32") -> str:
        """Name of a tensor, or of a new constant node that holds `value`."""
        if isinstance(value, keras.KerasTensor):
            return self.name_of(value)
        weight = weight_of(value)
        return self.add_node(
            "constant", (), (weight.shape, dtype), "constant", {}, {"value": weight}
        )

    def _where(self) -> str:
        return self._path[-1] if self._path else ""

    def _give_up(self, layer: Any, path: str, error: Exception, args: Any, kwargs: Any) -> Any:
        supported = rules.rule_for_layer(layer) is not None
        made: Sequence[str] = ()
        try:
            shapes = self._shapes(layer, args, _without_context(kwargs))
            made = self._opaque(shapes, (args, kwargs))
            return shapes
        finally:
            self.problems.note_layer(path, layer, error, made, supported=supported)

    def _opaque(self, outputs: Any, arguments: Any) -> list[str]:
        """Stand-ins for what could not be represented, so that the search for more goes on."""
        inputs = [self.operand(t) for t in tensors_in(arguments, keras.KerasTensor)]
        made = []
        for tensor in tensors_in(outputs, keras.KerasTensor):
            spec = (tuple(tensor.shape), tensor.dtype)
            made.append(self.add_node("unsupported", inputs, spec, "unsupported", {}, {}))
            self.bind(tensor, made[-1])
        return made

    def _name_after_layer(self, tensor: keras.KerasTensor, path: str, before: int) -> None:
        """The tensor that a layer returns carries the layer's name, if the layer made it."""
        name = self.name_of(tensor)
        if self._made_at.get(name, -1) >= before and path not in self._taken:
            self._taken.add(path)
            self._renamed[name] = path

    def bind(self, tensor: keras.KerasTensor, name: str) -> None:
        """Say which node made a symbolic tensor."""
        self._alive.append(tensor)
        self._names[id(tensor)] = name

    def _free(self, name: str) -> str:
        candidate, n = name, 1
        while candidate in self._taken:
            n += 1
            candidate = f"{name}_{n}"
        self._taken.add(candidate)
        return candidate


def _has_free_sides(tensors: Sequence[Any]) -> bool:
    return any(None in tensor.shape[1:] for tensor in tensors)


def _without_context(kwargs: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in kwargs.items() if key not in ("training", "mask")}
