"""Parameters of the layers that go along a sequence."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mobilezoo.errors import CoreMLFileError, UnsupportedOpError
from mobilezoo.runtime.network.weights import StoredWeights, locate_weights

# the parameters (alpha, beta) that Core ML knows along a sequence; coremltools leaves them out
_ONLY = {"linear": (1.0, 0.0), "scaledTanh": (1.7159, 2.0 / 3.0), "sigmoidHard": (0.2, 0.5)}
_TOLERANCE = 0.01  # the format's own text says both 1.7159 and 1.71

_UPDATE_GATES = ("updateGate", "resetGate", "outputGate")
_LSTM_GATES = ("inputGate", "forgetGate", "blockInput", "outputGate")
_PEEPHOLES = ("inputGate", "forgetGate", "outputGate")


def _simple(message: Any, place: str) -> dict[str, Any]:
    units, size = message.outputVectorSize, message.inputVectorSize
    shapes: dict[str, tuple[int, ...]] = {
        "weightMatrix": (units, size),
        "recursionMatrix": (units, units),
    }
    if message.hasBiasVector:
        shapes["biasVector"] = (units,)
    parts = {
        field: locate_weights(getattr(message, field), shape, f"{place}: {field}")
        for field, shape in shapes.items()
    }
    return {
        "weight_matrix": parts["weightMatrix"],
        "recursion_matrix": parts["recursionMatrix"],
        "bias_vector": parts.get("biasVector"),
        "activation": _activation(message.activation, place),
    }


def _gru(message: Any, place: str) -> dict[str, Any]:
    sizes = (message.outputVectorSize, message.inputVectorSize)
    biased = _UPDATE_GATES if message.hasBiasVectors else ()
    return {
        **_matrices(message, sizes, _UPDATE_GATES, biased, place),
        "activations": _activations(message.activations, 2, place),
    }


def _uni_directional_lstm(message: Any, place: str) -> dict[str, Any]:
    return {
        **_way(message.weightParams, message, place),
        **_options(message.params),
        "activations": _activations(message.activations, 3, place),
    }


def _bi_directional_lstm(message: Any, place: str) -> dict[str, Any]:
    if len(message.weightParams) != 2:
        raise CoreMLFileError(f"{place}: {len(message.weightParams)} weightParams; 2 are required.")
    forth, back = (_way(weights, message, place) for weights in message.weightParams)
    activations = _activations(message.activationsForwardLSTM, 3, place)
    if message.activationsBackwardLSTM:
        others = _activations(message.activationsBackwardLSTM, 3, place)
        if others != activations:
            raise UnsupportedOpError(
                f"{place}: the activations of the way back, {', '.join(others)}, are not those "
                f"of the way forth, {', '.join(activations)}; Core ML takes only equal ones."
            )
    return {
        **forth,
        **{f"{name}_back": parts for name, parts in back.items()},
        **_options(message.params),
        "activations": activations,
    }


RECURRENT: Mapping[str, Callable[[Any, str], dict[str, Any]]] = {
    "biDirectionalLSTM": _bi_directional_lstm,
    "gru": _gru,
    "simpleRecurrent": _simple,
    "uniDirectionalLSTM": _uni_directional_lstm,
}


def _options(params: Any) -> dict[str, Any]:
    return {
        "sequence_output": params.sequenceOutput,
        "forget_bias": params.forgetBias,
        "coupled_input_and_forget_gate": params.coupledInputAndForgetGate,
        "cell_clip_threshold": params.cellClipThreshold or 50.0,
    }


def _way(weights: Any, message: Any, place: str) -> dict[str, tuple[StoredWeights, ...]]:
    """The weights of an LSTM in one direction; those that are not announced are left out."""
    sizes = (message.outputVectorSize, message.inputVectorSize)
    biased = _LSTM_GATES if message.params.hasBiasVectors else ()
    peepholes = _PEEPHOLES if message.params.hasPeepholeVectors else ()
    return {
        **_matrices(weights, sizes, _LSTM_GATES, biased, place),
        "peephole_vectors": _parts(weights, peepholes, "PeepholeVector", sizes[:1], place),
    }


def _matrices(
    message: Any, sizes: tuple[int, int], gates: Sequence[str], biased: Sequence[str], place: str
) -> dict[str, tuple[StoredWeights, ...]]:
    units, _ = sizes
    return {
        "weight_matrices": _parts(message, gates, "WeightMatrix", sizes, place),
        "recursion_matrices": _parts(message, gates, "RecursionMatrix", (units, units), place),
        "bias_vectors": _parts(message, biased, "BiasVector", (units,), place),
    }


def _parts(
    message: Any, gates: Sequence[str], kind: str, shape: tuple[int, ...], place: str
) -> tuple[StoredWeights, ...]:
    fields = [f"{gate}{kind}" for gate in gates]
    return tuple(
        locate_weights(getattr(message, field), shape, f"{place}: {field}") for field in fields
    )


def _activations(messages: Any, count: int, place: str) -> tuple[str, ...]:
    if len(messages) != count:
        raise CoreMLFileError(f"{place}: {len(messages)} activations; {count} are required.")
    return tuple(_activation(message, place) for message in messages)


def _activation(message: Any, place: str) -> str:
    """The function's name, once its parameters are the only ones that are known here."""
    name = message.WhichOneof("NonlinearityType")
    if name is None:
        raise CoreMLFileError(f"{place}: an activation's NonlinearityType is not set.")
    if name in _ONLY:
        chosen = getattr(message, name)
        given = (chosen.alpha, chosen.beta)
        pairs = zip(given, _ONLY[name], strict=True)
        if any(given) and any(abs(number - known) > _TOLERANCE for number, known in pairs):
            raise UnsupportedOpError(
                f"{place}: {name} with alpha {given[0]:g} and beta {given[1]:g} along a sequence; "
                f"Core ML takes only {_ONLY[name][0]:g} and {_ONLY[name][1]:.3g}."
            )
    return str(name)
