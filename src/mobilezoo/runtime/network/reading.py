"""The layers of a network as a list of operations, every name and every layer checked."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import cache, wraps
from typing import Any

import tensorflow as tf

from mobilezoo.errors import CoreMLFileError, UnsupportedOpError
from mobilezoo.runtime.demand import elements_made
from mobilezoo.runtime.layers import LAYERS
from mobilezoo.runtime.network.parameters import read_keywords
from mobilezoo.runtime.network.weights import StoredWeights
from mobilezoo.runtime.operations import (
    Argument,
    Constant,
    Operation,
    Output,
    Reference,
    Several,
    check_count,
)

_SEVERAL = "values"  # the parameter of a function that takes any number of inputs
_ALONG_SEQUENCES = {  # layer -> its states, which can be given, and are given back if named
    "simpleRecurrent": 1, "gru": 1, "uniDirectionalLSTM": 2, "biDirectionalLSTM": 4,
}  # fmt: skip
_FIRST_OF_ANY_RANK = 600  # field numbers of the layers that came with specification 4


def read_layers(
    layers: Sequence[Any], inputs: Sequence[str], path: object
) -> tuple[Operation, ...]:
    """Read the layers of a network in their order.

    Args:
        layers: `NeuralNetworkLayer` messages.
        inputs: names of the network's inputs.
        path: of the file, for messages.

    Raises:
        UnsupportedOpError: lists every layer that the runtime does not know.
        CoreMLFileError: a name that nothing defines or that is defined twice, a layer with too
            many inputs or too few, or with damaged weights.
    """
    check_count(len(layers), "layers", path)
    kinds = [layer.WhichOneof("layer") for layer in layers]
    places = [
        f"layer {i} of {len(layers)}, {kind or 'unknown'} {layer.name!r}"
        for i, (layer, kind) in enumerate(zip(layers, kinds, strict=True), 1)
    ]
    unknown = [
        f"{place} ({_what_it_is(kind)})"
        for place, kind in zip(places, kinds, strict=True)
        if kind not in LAYERS
    ]
    if unknown:
        raise UnsupportedOpError(f"{path}: not supported: {'; '.join(unknown)}.")
    names = set(inputs)
    operations = []
    for layer, kind, place in zip(layers, kinds, places, strict=True):
        where = f"{path}: {place}"
        _check_names(layer, names, where)
        arguments = _arguments(kind, layer, where)
        outputs = tuple(Output(name, "FLOAT32", ()) for name in layer.output)
        names.update(layer.output)
        operations.append(
            Operation(kind, arguments, outputs, place, _FUNCTIONS[kind], shapes_declared=False)
        )
    return tuple(operations)


def _what_it_is(kind: str | None) -> str:
    """Why a layer is not run, for messages."""
    if kind == "custom":
        return "code of the app that opens the file"
    if kind in ("branch", "loop", "loopBreak", "loopContinue"):
        return "control flow"
    if kind is not None and kind.startswith(("random", "categoricalDistribution")):
        return "draws random numbers"
    return "newer than this version" if kind else "of no type, or newer than this version"


def has_only_pictures(layers: Sequence[Any]) -> bool:
    """Whether every value can be (n, c, h, w): nothing needs the axis of sequence before n."""
    return not any(_needs_another_rank(layer) for layer in layers)


def _needs_another_rank(layer: Any) -> bool:
    kind = layer.WhichOneof("layer")
    if kind is None or layer.DESCRIPTOR.fields_by_name[kind].number >= _FIRST_OF_ANY_RANK:
        return True
    if kind in _ALONG_SEQUENCES or kind == "cropResize":
        return True
    if kind == "concat":
        return bool(layer.concat.sequenceConcat)
    if kind == "permute":
        return bool(layer.permute.axis and layer.permute.axis[0] != 0)
    if kind == "reshape":
        return len(layer.reshape.targetShape) == 4 and layer.reshape.targetShape[0] != 1
    return bool(kind == "sequenceRepeat" and layer.sequenceRepeat.nRepetitions > 1)


def _check_names(layer: Any, names: set[str], where: str) -> None:
    for name in layer.input:
        if name not in names:
            raise CoreMLFileError(f"{where} reads {name!r}, which nothing before it defines.")
    outputs = list(layer.output)
    twice = sorted({name for name in outputs if name in names or outputs.count(name) > 1})
    if twice and layer.WhichOneof("layer") != "copy":
        raise CoreMLFileError(f"{where} defines {twice[0]!r} once more.")
    if not outputs:
        raise CoreMLFileError(f"{where} has no output.")
    _check_states(layer, where)
    parts = layer.split.nOutputs or len(layer.splitND.splitSizes) or layer.splitND.numSplits
    if parts and parts != len(outputs):
        raise CoreMLFileError(f"{where} makes {parts} parts for {len(outputs)} outputs.")


def _check_states(layer: Any, where: str) -> None:
    states = _ALONG_SEQUENCES.get(layer.WhichOneof("layer"))
    if states is None:
        return
    for side, names in (("inputs", layer.input), ("outputs", layer.output)):
        if len(names) not in (1, 1 + states):
            raise CoreMLFileError(
                f"{where} has {len(names)} {side}; 1 is required, or {1 + states} with the states."
            )


def _arguments(kind: str, layer: Any, where: str) -> Mapping[str, Argument]:
    """The inputs by the names of the function's parameters, and the layer's own parameters."""
    known, required = _parameters(kind)
    keywords = read_keywords(kind, getattr(layer, kind), len(layer.input), where)
    if kind in _ALONG_SEQUENCES:
        keywords["states"] = len(layer.output) > 1
    arguments: dict[str, Argument] = {key: _constant(item) for key, item in keywords.items()}
    references = tuple(Reference(name) for name in layer.input)
    if known[:1] == (_SEVERAL,):
        if not references:
            raise CoreMLFileError(f"{where} has no input.")
        return {_SEVERAL: Several(references), **arguments}
    positional = [name for name in known if name not in arguments]
    taken = positional[: len(references)]
    if len(taken) < len(references) or not _INPUTS.issuperset(taken):
        raise CoreMLFileError(f"{where} has {len(references)} inputs, which are too many.")
    arguments |= dict(zip(taken, references, strict=True))
    missing = [name for name in required if name not in arguments]
    if missing:
        raise CoreMLFileError(
            f"{where} has {len(references)} inputs, which are too few: {missing[0]} is missing."
        )
    return arguments


def _constant(item: Any) -> Constant | Several:
    """A parameter of the file; each of several weights is read when it is needed."""
    if isinstance(item, tuple) and any(isinstance(part, StoredWeights) for part in item):
        return Several(tuple(Constant(part) for part in item))
    return Constant(item)


_MOST_AT_ONCE = 1 << 12  # numbers: shapes and places, not pictures
# parameters that may be computed; the others are the layer's own
_INPUTS = frozenset({
    "a", "amounts", "axes", "b", "begin", "begin_mask", "boxes", "c", "c_back", "condition",
    "count", "counts", "end", "end_mask", "h", "h_back", "indices", "iou", "lengths",
    "reference", "score", "scores", "shape", "squeeze_mask", "start", "step", "stride",
    "updates", "weights", "x", "y",
})  # fmt: skip


def _once(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same, but computed at once where little is made of constants alone, while it is traced.

    So numbers that a network computes from the shapes of its inputs are known to the layers after.
    """

    @wraps(function)
    def run(**inputs: Any) -> Any:
        values = [item for value in inputs.values() for item in _members(value)]
        fixed = not any(tf.is_symbolic_tensor(value) for value in values)
        if fixed and not tf.executing_eagerly() and _makes_little(function, inputs):
            with tf.init_scope():
                return function(**inputs)
        results = function(**inputs)
        if any(getattr(made, "shape", ()) == tf.TensorShape(None) for made in _members(results)):
            raise UnsupportedOpError("a number of axes that depends on the values of the inputs")
        return results

    return run


def _makes_little(function: Callable[..., Any], inputs: Mapping[str, Any]) -> bool:
    """Whether all that it computes is known to be small; nothing is allocated to find out."""

    def compute() -> Any:
        return function(**{key: _in_graph(value) for key, value in inputs.items()})

    traced = tf.function(compute, autograph=False).get_concrete_function()
    made = elements_made(traced.graph)
    return made is not None and made <= _MOST_AT_ONCE


def _in_graph(value: Any) -> Any:
    """A small tensor as a constant of the graph, so that sizes which it says are known there."""
    if isinstance(value, (tuple, list)):
        return [_in_graph(item) for item in value]
    small = isinstance(value, tf.Tensor) and value.shape.num_elements() <= _MOST_AT_ONCE
    return tf.constant(value.numpy()) if small else value


def _members(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)


_FUNCTIONS = {kind: _once(function) for kind, function in LAYERS.items()}


@cache
def _parameters(kind: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of the parameters that can be given by position, and of those without a default."""
    parameters = inspect.signature(LAYERS[kind]).parameters.values()
    known = tuple(item.name for item in parameters if item.kind is item.POSITIONAL_OR_KEYWORD)
    return known, tuple(item.name for item in parameters if item.default is item.empty)
