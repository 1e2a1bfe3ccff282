"""Training on the device: which layers learn, and with which loss and optimizer."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral

import numpy as np

from mobilezoo.coreml.names import program_names
from mobilezoo.coreml.precision import Precision
from mobilezoo.coreml.target import Format, Target, first_release
from mobilezoo.errors import InvalidArgumentError, did_you_mean
from mobilezoo.graph import Graph, Node

UPDATABLE_VERSION = 4  # of the specification
LOSSES = ("categorical_cross_entropy", "mean_squared_error")
OPTIMIZERS = ("sgd", "adam")
_PICTURE_RANK = 4


@dataclass(frozen=True)
class OnDeviceTraining:
    """What an app's `MLUpdateTask` does; every number is a default that the app may change.

    Attributes:
        layers: paths of the Dense and Conv2D layers that learn: "fc", "backbone/conv1".
        loss: "categorical_cross_entropy" or "mean_squared_error"; None: the former after softmax.
        optimizer: "sgd" or "adam".
        learning_rate: above 0, at most 1; the app may set any up to 1.
        batch_sizes: examples per step that the app may choose from, the default first.
        epochs: numbers of passes that the app may choose from, the default first.
        shuffle: whether the order of the examples changes from epoch to epoch.
    """

    layers: Sequence[str]
    loss: str | None = None
    optimizer: str = "sgd"
    learning_rate: float = 0.01
    batch_sizes: Sequence[int] = (16, 1, 2, 4, 8, 32, 64)
    epochs: Sequence[int] = (10, 1, 2, 3, 5, 20, 50, 100)
    shuffle: bool = True

    def __post_init__(self) -> None:
        if isinstance(self.layers, str) or not list(self.layers):
            raise InvalidArgumentError(
                f"updatable={self.layers!r} names no layers: pass a list such as ['fc']."
            )
        for role, given, known in (
            ("loss", self.loss, (None, *LOSSES)),
            ("optimizer", self.optimizer, OPTIMIZERS),
        ):
            if given not in known:
                names = [name for name in known if name is not None]
                raise InvalidArgumentError(
                    f"Unknown {role} {given!r}. Choose {' or '.join(names)}."
                    f"{did_you_mean(str(given), names)}"
                )
        if not (math.isfinite(self.learning_rate) and 0 < self.learning_rate <= 1):
            raise InvalidArgumentError(
                f"learning_rate={self.learning_rate} must be above 0 and at most 1."
            )
        for role, numbers in (("batch_sizes", self.batch_sizes), ("epochs", self.epochs)):
            listed = numbers if isinstance(numbers, Sequence) else ()
            if not listed or not all(isinstance(n, Integral) and n >= 1 for n in listed):
                raise InvalidArgumentError(
                    f"{role}={numbers!r} must be whole numbers above 0, such as (16, 8), the "
                    "default first."
                )


def find_training(
    updatable: Sequence[str] | OnDeviceTraining | None,
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


def check_layers(training: OnDeviceTraining, captured: Graph, folded: Graph) -> dict[str, str]:
    """Path of each Dense or Conv2D call that can learn -> its layer in the neural network.

    Raises:
        InvalidArgumentError: a layer is unknown or cannot learn, or no loss fits the outputs.
    """
    trainable = _trainable_layers(captured, folded)
    for path in training.layers:
        if path in trainable:
            continue
        if path in captured.layer_outputs:
            why = "is called more than once" if f"{path}:2" in captured.layer_outputs else (
                "is no Dense or Conv2D layer with one kernel"
            )  # fmt: skip
            raise InvalidArgumentError(
                f"updatable: '{path}' {why}, and Core ML cannot train it. Choose among "
                f"{_listed(list(trainable))}."
            )
        raise InvalidArgumentError(
            f"updatable: '{captured.name}' has no layer '{path}'. Choose among "
            f"{_listed(list(trainable))}.{did_you_mean(path, trainable)}"
        )
    shapes = [captured.spec(name).shape[1:] for name in captured.outputs]
    if len(shapes) != 1 or len(shapes[0]) != 1:
        raise InvalidArgumentError(
            f"updatable= needs one output that is a vector, for the loss; '{captured.name}' has "
            f"{len(shapes)} of shapes {shapes}."
        )
    return trainable


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
