"""Which comparisons prove nothing, and which have failed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from mobilezoo.errors import VacuousComparisonError, VerificationError
from mobilezoo.graph import Graph
from mobilezoo.verification.agreement import FloatArray, percent, told_apart
from mobilezoo.verification.layers import departed_layers

_SMALLEST_PEAK = 1e-6  # a reference below this is noise
_CLEAR = 2  # limits by which outputs must move: a constant between two departs by half as much
_ADVICE = (
    "Load trained weights, pass inputs of your own that it tells apart, or try things out with "
    "mobilezoo.randomize_weights(model, preprocessing=...) before exporting"
)


def refuse_vacuous(
    name: str, reference: Sequence[FloatArray], limit: float, size: str = ""
) -> None:
    """Refuse a reference that is tiny, or the same for every input: anything would agree.

    Args:
        name: of the model.
        reference: the outputs, (examples, ...) each.
        limit: relative difference that will be allowed.
        size: of the inputs, such as " at (64, 96)"; empty where there is one.

    Raises:
        VacuousComparisonError: says why and what to do.
    """
    for output in reference:
        if not np.isfinite(output).all():
            raise VacuousComparisonError(
                f"'{name}' itself returns NaN or infinity{size}; nothing can be compared."
            )
        peak = float(np.abs(output).max())
        if peak < _SMALLEST_PEAK:
            raise VacuousComparisonError(
                f"Refused: the largest output of '{name}'{size} is {peak:.1g}, so any file would "
                f"agree. {_ADVICE}."
            )
        moved = float(np.ptp(output, axis=0).max()) / peak
        if len(output) > 1 and moved <= _CLEAR * limit:
            needed, shown, allowed = (percent(x) for x in (_CLEAR * limit, moved, limit))
            raise VacuousComparisonError(
                f"Refused: the output of '{name}'{size} moves by only {shown} of its largest value "
                f"when the input changes. With a limit of {allowed} more than {needed} is needed: "
                f"a constant would pass. {_ADVICE}.{_smaller_limit(moved)}"
            )


def _smaller_limit(moved: float) -> str:
    """What to pass for outputs that move by so little."""
    if moved < _SMALLEST_PEAK:
        return ""
    return f" A file that agrees more closely passes with limit={moved / (2 * _CLEAR):.1g}."


def refuse_departure(
    file: str,
    graph: Graph,
    differences: FloatArray,
    layers: Mapping[str, float],
    limit: float,
    compared: Collection[str] = (),
) -> None:
    """Raise VerificationError if an output or a layer departs; name the first layer that does.

    Args:
        file: name of the Core ML package.
        graph: as exported, to say which layers were merged.
        differences: of the outputs, one per example.
        layers: Keras layer -> difference for the first example, in order of the calls.
        limit: relative difference that is allowed.
        compared: tensors of the graph whose values are outputs of the file.
    """
    largest = float(differences.max())  # NaN stays
    departed = departed_layers(graph, layers, limit, compared if largest <= limit else ())
    if largest <= limit and not departed:
        return
    if largest == float("inf"):
        raise VerificationError(
            f"{file} has an output of another shape than Keras's: it was made from another model."
        )
    at = layers[departed[0]] if departed else 0.0
    allowed, output, layer = told_apart(limit, largest, at)
    where = ""
    if departed:
        by = "of another shape" if at == float("inf") else f"by {layer}"
        where = f"first at layer {_describe(departed[0], graph)} {by}"
    if largest <= limit:
        raise VerificationError(
            f"{file} computes layers otherwise than Keras, {where} of its largest value (limit "
            f"{allowed}); the outputs alone agree (largest difference {output})."
        )
    example = _worst(differences, limit)
    raise VerificationError(
        f"{file} differs from Keras by {output} of the largest value (limit {allowed})"
        f"{f', {where}' if where else _unlocated(layers, example, len(differences))}."
    )


def refuse_cost(
    file: str, graph: Graph, differences: FloatArray, layers: Mapping[str, float], limit: float
) -> None:
    """Raise VerificationError if the rounding of weights to few bits costs more than is allowed.

    Args:
        file: name of the Core ML package, which computes what its weights say.
        graph: as exported.
        differences: of the outputs, one per example.
        layers: Keras layer -> difference for the first example, in order of the calls.
        limit: relative difference that is allowed.
    """
    largest = float(differences.max())
    if largest <= limit:
        return
    departed = departed_layers(graph, layers, limit)
    at = layers[departed[0]] if departed else 0.0
    allowed, output, layer = told_apart(limit, largest, at)
    where = f", first at layer {_describe(departed[0], graph)} by {layer}" if departed else ""
    raise VerificationError(
        f"{file} computes what its weights say, and these are Keras's in few bits; but rounding "
        f"them costs {output} of the largest value (limit {allowed}){where}. Pass a larger limit= "
        "if the network can do with that, or export it with more bits."
    )


def refuse_rounding(file: str, differences: FloatArray, before: float, limit: float) -> None:
    """Raise the VerificationError of a float16 file that is right but for its rounded weights.

    Args:
        file: name of the Core ML package.
        differences: of the outputs, one per example.
        before: largest difference with Keras's own weights in place of the rounded ones.
        limit: relative difference that is allowed.
    """
    example = _worst(differences, limit)
    which = f" for input {example + 1} of {len(differences)}" if len(differences) > 1 else ""
    allowed, output = told_apart(limit, float(differences.max()))
    raise VerificationError(
        f"{file} differs from Keras by {output} of the largest value (limit {allowed}){which}. Its "
        f"weights rounded to float16 cost that: with Keras's own in their place it differs by "
        f"{percent(before)}. Export with precision='float32', or pass limit= if the network can do "
        "with that."
    )


def _worst(differences: FloatArray, limit: float) -> int:
    """The first example if it departs, as its layers are known; else the one that departs most."""
    return 0 if not differences[0] <= limit else int(np.argmax(differences))  # NaN is most


def _unlocated(layers: Mapping[str, float], example: int, examples: int) -> str:
    """Why no layer is named."""
    if not layers:
        return "; no layer of the file carries the name of a Keras layer"
    if example == 0:
        return ", though every layer's output agrees: what comes after the last of them departs"
    return (
        f" for input {example + 1} of {examples}. Layers were compared for input 1 only, and "
        "agree there: pass that input alone, or another seed=, to see where it begins"
    )


def _describe(path: str, graph: Graph) -> str:
    makers = {node.name: node for node in graph.nodes}
    maker = makers.get(graph.layer_outputs[path])
    merged = maker.layers[:-1] if maker is not None else ()
    return f"'{path}'" + (f" (with {', '.join(merged)} merged into it)" if merged else "")
