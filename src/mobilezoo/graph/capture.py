"""Capture: a Keras model becomes a flat graph of inference operations.

The model is run once on symbolic tensors (shapes without values) while every layer call and
every `keras.ops` call is intercepted. A layer with a rule in `rules/` becomes nodes by that
rule; any other layer is opened: its own `call` runs, and what it calls is intercepted in turn.
So Functional, Sequential, nested, shared and subclassed models and custom layers written in
`keras.ops` all take the same way, and the model is left as it was.

Only `recording.py`, `calls.py` and `inputs.py` beside this module touch Keras's internals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import keras

from mobilezoo.graph.calls import (
    intercept_assignments,
    intercept_layers,
    intercept_operations,
    intercept_seeds,
    losses_dropped,
    symbolic_arithmetic,
    tensors_in,
)
from mobilezoo.graph.chance import BY_EXAMPLE, DRAWS, Fixed, note_changes, note_rows
from mobilezoo.graph.inputs import symbolic_inputs
from mobilezoo.graph.node import Graph
from mobilezoo.graph.problems import Problems
from mobilezoo.graph.recording import Recording


def capture(
    model: keras.Model,
    input_shape: Sequence[int | None] | None = None,
    *,
    any_size: bool = False,
) -> Graph:
    """The inference graph of any Keras 3 model.

    Args:
        model: built; Functional, Sequential or subclassed.
        input_shape: (height, width, channels) of the one input, for models whose input has
            free sides or is not declared; None for a side that stays free. Default: what the
            model declares.
        any_size: whether `input_shape` may have other sides than the model declares, as layers
            permit that do not depend on them.

    Raises:
        InvalidArgumentError: not a Keras model, not built, or its inputs are unknown.
        UnsupportedLayersError: lists every layer or operation that cannot be represented.
    """
    captured = _capture(model, symbolic_inputs(model, input_shape, any_size=any_size))
    if captured.graph is None:
        # some layers need to know how many examples there are: a class token, for one
        one, two = (
            _capture(model, symbolic_inputs(model, input_shape, n, any_size=any_size))
            for n in (1, 2)
        )
        note_rows(one.problems, one.fixed, two.fixed)
        if one.graph and two.graph and not one.problems and _keep_apart(one.graph, two.graph):
            return one.graph
        captured.problems.prefer(one.problems, (BY_EXAMPLE, DRAWS))
    captured.problems.raise_if_any()
    assert captured.graph is not None  # or there are problems
    return captured.graph


class _Captured(NamedTuple):
    """What running the model gave: a graph, or problems."""

    graph: Graph | None
    problems: Problems
    fixed: Mapping[str, Fixed]


def _capture(model: keras.Model, inputs: Any) -> _Captured:
    recording, graph = _record(model, inputs)
    if recording.fixed:  # does the model make the same values each time?
        note_changes(recording.problems, recording.fixed, _record(model, inputs)[0].fixed)
    problems = recording.problems
    return _Captured(None if problems else graph, problems, recording.fixed)


def _record(model: keras.Model, inputs: Any) -> tuple[Recording, Graph | None]:
    recording = Recording(model)
    flat = keras.tree.flatten(inputs)
    specs = tuple(recording.declare_input(tensor) for tensor in flat)
    with (
        intercept_layers(model, recording.on_layer),
        intercept_operations(recording.on_operation),
        intercept_seeds(recording.on_seed),
        intercept_assignments(recording.on_assignment),
        losses_dropped(),
        symbolic_arithmetic(),
    ):
        outputs = recording.run(inputs)
    returned = tensors_in(outputs, keras.KerasTensor)
    if returned:
        recording.forget_unread(returned)
    return recording, None if recording.problems else recording.graph(specs, returned)


def _keep_apart(one: Graph, two: Graph) -> bool:
    """Whether every tensor of the graph for 2 examples is that for 1, twice."""
    pairs = zip(one.nodes, two.nodes, strict=False)
    return len(one.nodes) == len(two.nodes) and all(
        (2, *a.output.shape[1:]) == b.output.shape and a.output.shape[:1] == (1,)
        for a, b in pairs
        if a.kind != "constant"
    )
