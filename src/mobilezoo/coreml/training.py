"""Training on the device: which layers learn, and with which loss and optimizer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from mobilezoo.coreml.answers import answer_of
from mobilezoo.coreml.arguments import as_list, check_flag, whole_numbers
from mobilezoo.coreml.classes import ONE_SOFTMAX
from mobilezoo.coreml.names import program_names
from mobilezoo.coreml.precision import Precision
from mobilezoo.coreml.target import Format, Target, first_release
from mobilezoo.errors import InvalidArgumentError, did_you_mean
from mobilezoo.graph import Graph, Node

UPDATABLE_VERSION = 4  # of the specification
LOSSES = ("categorical_cross_entropy", "mean_squared_error")
OPTIMIZERS = ("sgd", "adam")
_PICTURE_RANK = 4
_LARGEST = 2**31 - 1


@dataclass(frozen=True)
class OnDeviceTraining:
    """What an app's `MLUpdateTask` does; every number is a default that the app may change.

    Attributes:
        layers: the Dense and Conv2D layers that learn, or their paths: "fc", "backbone/conv1".
        loss: "categorical_cross_entropy" or "mean_squared_error"; None: the former after softmax.
        optimizer: "sgd" or "adam".
        learning_rate: above 0, at most 1; the app may set any up to 1.
        batch_sizes: examples per step that the app may choose from, the default first.
        epochs: numbers of passes that the app may choose from, the default first.
        shuffle: whether the order of the examples changes from epoch to epoch.
    """

    layers: Sequence[str | keras.layers.Layer]
    loss: str | None = None
    optimizer: str = "sgd"
    learning_rate: float = 0.01
    batch_sizes: Sequence[int] = (16, 1, 2, 4, 8, 32, 64)
    epochs: Sequence[int] = (10, 1, 2, 3, 5, 20, 50, 100)
    shuffle: bool = True

    def __post_init__(self) -> None:
        listed = as_list(self.layers)
        if not listed or not all(isinstance(item, (str, keras.layers.Layer)) for item in listed):
            raise InvalidArgumentError(
                f"updatable={self.layers!r} is no list of layers: pass one such as ['fc']."
            )
        object.__setattr__(self, "layers", tuple(listed))
        for role, given, known in (
            ("loss", self.loss, (None, *LOSSES)),
            ("optimizer", self.optimizer, OPTIMIZERS),
        ):
            if not isinstance(given, (str, type(None))) or given not in known:
                names = [name for name in known if name is not None]
                raise InvalidArgumentError(
                    f"Unknown {role} {given!r}. Choose {' or '.join(names)}."
                    f"{did_you_mean(str(given), names)}"
                )
        rate = self.learning_rate
        is_number = isinstance(rate, (int, float, np.integer, np.floating)) and not isinstance(
            rate, bool
        )
        if not is_number or not 0 < rate <= 1:
            raise InvalidArgumentError(
                f"learning_rate={rate!r} must be a number above 0 and at most 1."
            )
        for role in ("batch_sizes", "epochs"):
            numbers = whole_numbers(getattr(self, role))
            if not numbers or not all(1 <= n <= _LARGEST for n in numbers):
                raise InvalidArgumentError(
                    f"{role}={getattr(self, role)!r} must be whole numbers from 1 to {_LARGEST}, "
                    "such as (16, 8), the default first."
                )
            object.__setattr__(self, role, numbers)
        check_flag("shuffle", self.shuffle)


def find_training(
    updatable: Any,
    form: Format,
    precision: Precision,
    system: Target | None,
) -> OnDeviceTraining | None:
    """What `updatable=` asks for, if a file of that format, precision and system can learn.

    Raises:
        InvalidArgumentError: it cannot.
    """
    if updatable is None:
        return None
    if form is not Format.NEURAL_NETWORK:
        raise InvalidArgumentError(
            "updatable= needs a neural network: ML programs (.mlpackage) cannot learn on the "
            "device. Pass a path that ends in .mlmodel."
        )
    if precision.dtype is not np.float32:
        raise InvalidArgumentError(
            f"updatable= needs float32 weights, not {precision.name}: Core ML trains no others. "
            "Pass precision='float32'."
        )
    if system is not None and system.specification_version < UPDATABLE_VERSION:
        lowest = first_release(system.system, UPDATABLE_VERSION).name
        raise InvalidArgumentError(
            f"updatable= needs {lowest}; minimum_deployment_target={system.name!r} is older. Pass "
            f"minimum_deployment_target={lowest!r}."
        )
    return updatable if isinstance(updatable, OnDeviceTraining) else OnDeviceTraining(updatable)


@dataclass(frozen=True)
class Candidates:
    """Layers of a network that can learn where the gradients of the loss reach them.

    Attributes:
        model: name of the model.
        calls: path of each layer call.
        trainable: path of each Dense or Conv2D call -> its layer in the neural network.
        asked: paths of those that are to learn.
    """

    model: str
    calls: frozenset[str]
    trainable: Mapping[str, str]
    asked: tuple[str, ...]

    def check(self, reached: Set[str]) -> None:
        """Refuse what is no such layer.

        Args:
            reached: the layers of the neural network that gradients reach.

        Raises:
            InvalidArgumentError: lists those that can learn.
        """
        possible = [path for path, name in self.trainable.items() if name in reached]
        choose = f"Choose among {_listed(possible)}." if possible else "None of its layers can."
        for path in self.asked:
            if path in self.trainable:
                continue
            if path not in self.calls:
                raise InvalidArgumentError(
                    f"updatable: '{self.model}' has no layer '{path}'. {choose}"
                    f"{did_you_mean(path, possible)}"
                )
            why = "is called more than once" if f"{path}:2" in self.calls else (
                "is no Dense or Conv2D layer with one kernel"
            )  # fmt: skip
            raise InvalidArgumentError(
                f"updatable: '{path}' {why}, and Core ML cannot train it. {choose}"
            )


def find_candidates(
    training: OnDeviceTraining, model: keras.Model, captured: Graph, folded: Graph
) -> Candidates:
    """The layers that can learn, and those that are to.

    Raises:
        InvalidArgumentError: a layer object of another model, or outputs that no loss fits.
    """
    calls = frozenset(captured.layer_outputs)
    asked = tuple(
        item if isinstance(item, str) else _path(item, model, calls) for item in training.layers
    )
    shapes = [captured.spec(name).shape[1:] for name in captured.outputs]
    if len(shapes) != 1 or len(shapes[0]) != 1:
        raise InvalidArgumentError(
            f"updatable= needs one output that is a vector, for the loss; '{captured.name}' has "
            f"{len(shapes)} of shapes {shapes}."
        )
    _check_loss(training, folded)
    return Candidates(captured.name, calls, _trainable_layers(captured, folded), asked)


def _check_loss(training: OnDeviceTraining, graph: Graph) -> None:
    """Refuse outputs that teach nothing, or that the loss does not fit and no softmax mends."""
    (output,) = graph.outputs
    answer = answer_of(graph, output)
    one = graph.spec(output).shape[1] == 1
    if one and answer.kind == "softmax":
        raise InvalidArgumentError(f"updatable=: '{output}' {ONE_SOFTMAX}.")
    if training.loss == "mean_squared_error":
        return
    squared = "updatable=OnDeviceTraining(layers, loss='mean_squared_error')"
    if one:
        raise InvalidArgumentError(
            f"updatable=: '{output}' is one unit, and categorical_cross_entropy compares several. "
            "For two classes end the model in Dense(2, activation='softmax'); for a number pass "
            f"{squared}, without labels."
        )
    if answer.kind == "sigmoid":
        raise InvalidArgumentError(
            f"updatable=: '{output}' gives each class a probability by itself, by sigmoids, and "
            f"categorical_cross_entropy needs one softmax over all of them. Pass {squared}."
        )
    if answer.squashed is not None and answer.last != "softmax":
        raise InvalidArgumentError(
            f"updatable=: '{output}' is made by '{answer.last}' of what '{answer.squashed.name}' "
            f"gives, a {answer.squashed.kind}, and categorical_cross_entropy needs a softmax as "
            "the last layer. Export one of the networks whose mean it is, or end the model in one "
            "softmax of logits."
        )


def _path(layer: keras.layers.Layer, model: keras.Model, calls: Set[str]) -> str:
    """Of a layer in the model, which other layers may share the name with."""
    paths = sorted(path for path in calls if path.rpartition("/")[2] == layer.name)
    if not any(item is layer for item in model._flatten_layers()):
        raise InvalidArgumentError(
            f"updatable: the layer '{layer.name}' is not in '{model.name}'. Pass one of its own, "
            "or the layer's path."
        )
    if len(paths) > 1:
        raise InvalidArgumentError(
            f"updatable: '{model.name}' has several layers '{layer.name}'. Pass the path: "
            f"{', '.join(map(repr, paths))}."
        )
    return paths[0] if paths else layer.name


def _trainable_layers(captured: Graph, folded: Graph) -> dict[str, str]:
    """All but layers that are called twice, whose copies would learn apart, or have two kernels."""
    kernels = [node for node in captured.nodes if "kernel" in node.weights and node.layers]
    counts = Counter(node.layers[-1] for node in kernels)
    candidates = [node.layers[-1] for node in kernels if _can_learn(node)]
    names = program_names(folded)
    layers = {}
    for path in candidates:
        called_again = ":" in path or f"{path}:2" in captured.layer_outputs
        makers = [node for node in folded.nodes if _can_learn(node) and path in node.layers]
        if counts[path] == 1 and len(makers) == 1 and not called_again:
            layers[path] = names[makers[0].name]
    return layers


def _can_learn(node: Node) -> bool:
    """Dense and Conv2D."""
    return node.kind == "dense" or (node.kind == "conv" and len(node.output.shape) == _PICTURE_RANK)


def _listed(paths: Sequence[str], most: int = 8) -> str:
    """The last ones: those that one trains."""
    more = f" and {len(paths) - most} before" if len(paths) > most else ""
    return ", ".join(f"'{path}'" for path in paths[-most:]) + more
