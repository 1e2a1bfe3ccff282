"""Are the weights of a file Keras's, rounded? And the file with Keras's own in their place."""

from __future__ import annotations

import tempfile
from pathlib import Path

import keras
import numpy as np

from mobilezoo.coreml import export_coreml
from mobilezoo.coreml.compress.package import REPAIRED, WEIGHED
from mobilezoo.coreml.names import INNER, helper
from mobilezoo.coreml.precision import Scheme, precision_named
from mobilezoo.errors import InvalidArgumentError, MobilezooError, VerificationError
from mobilezoo.graph.inputs import symbolic_inputs
from mobilezoo.runtime import CoreMLProgram, load_coreml
from mobilezoo.runtime.stored import Place, Weights, biases_of, with_biases, without_rounding
from mobilezoo.verification.agreement import FloatArray
from mobilezoo.verification.codes import rounding_fault
from mobilezoo.verification.trials import input_shape

_CAST = 2.0**-10  # of each weight: float16 has 11 bits
_SUBNORMAL = 2.0**-24  # the smallest step of float16


def stored_precision(program: CoreMLProgram) -> str | None:
    """The precision that the file names; float16 where that is in few bits and no kernel is.

    Kernels of fewer than 2,048 weights stay in float16, and small networks have no others.
    """
    named = program.metadata.user_defined.get("com.mobilezoo.precision")
    known = precision_named(named or "")
    if known is None or not known.is_compressed:
        return named
    return named if not program.weights() or holds_few_bits(program) else "float16"


def holds_few_bits(program: CoreMLProgram) -> bool:
    """Whether any weights are stored as codes of 1 to 8 bits, or only the largest of them."""
    return any(item.bits is not None or item.is_sparse for item in program.weights().values())


def with_exact_weights(program: CoreMLProgram, model: keras.Model) -> CoreMLProgram | None:
    """The file with the weights that its own were rounded from; None where they cannot be told.

    They come from a second export of the model, in float32, in the order of axes in which the file
    has them: what the file computes with them is compared with Keras, and so the order is proven,
    too. Values that it rounds to 8 bits while it runs are not rounded then. A file that coremltools
    compressed after the export has the same names, one that mobilezoo did not write has others.

    Raises:
        VerificationError: weights of the file are no rounding of these.
    """
    stored = program.weights()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"model{program.path.suffix}"
        layers = _repaired(program)
        shape = _open_shape(program, model)
        try:
            export_coreml(model, path, precision="float32", inputs="array", input_shape=shape)
        except MobilezooError:  # then the file is not mobilezoo's
            return None
        exact = load_coreml(path)
        known = exact.weights()
        biases = biases_of(exact._opened, [_name_in_float32(name) for name in layers])
        places = {place: _in_float32(place) for place in stored}
        places = {place: place if place in known else other for place, other in places.items()}
        shared = {
            place: known[places[place]].read()
            for place, item in stored.items()
            if places[place] in known and known[places[place]].shape == item.shape
        }
    few = [place for place, item in stored.items() if item.bits is not None or item.is_sparse]
    if not all(place in shared for place in few):
        return None
    for place, weights in shared.items():
        if place[1] != "bias" or place[0] not in layers:
            _check(program, place, stored[place], weights)
    made = program.with_weights(shared)
    made = CoreMLProgram(without_rounding(made._opened), made.arithmetic)
    if not layers:
        return made
    found = {name: biases.get(_name_in_float32(name)) for name in layers}
    own = {name: bias for name, bias in found.items() if bias is not None}
    return CoreMLProgram(with_biases(made._opened, own), made.arithmetic)


def _in_float32(place: Place) -> Place:
    """Where a layer gives an output, which in a float16 program is cast: "y_inner" -> "y"."""
    name, parameter = place
    return _name_in_float32(name), parameter


def _name_in_float32(name: str) -> str:
    return name.removesuffix(helper("", INNER))


def _repaired(program: CoreMLProgram) -> list[str]:
    """Layers whose biases make up for what rounding shifts, and are not Keras's any more."""
    said = program.metadata.user_defined.get(REPAIRED, "")
    return said.split(",") if said else []


def _check(program: CoreMLProgram, place: Place, stored: Weights, weights: FloatArray) -> None:
    """Raise VerificationError if what is stored is no rounding of `weights`."""
    name, parameter = place
    values = np.asarray(stored.read(), np.float32)
    if stored.bits is None and not stored.is_sparse:
        fault = _cast_fault(weights, values)
        how = "Keras's"
    else:
        named = program.metadata.user_defined.get("com.mobilezoo.precision", "")
        precision = precision_named(named)
        weighed = WEIGHED in program.metadata.user_defined
        best = precision is not None and precision.scheme is Scheme.PALETTE and not weighed
        fault = rounding_fault(weights, values, stored, best_table=best)
        how = "Keras's in few bits"
    if fault:
        raise VerificationError(
            f"{program.path.name}: the {parameter} of '{name}' are not {how}: {fault}. Export the "
            "model again; if that does not help, please report it."
        )


def _cast_fault(weights: FloatArray, cast: FloatArray) -> str:
    """Why numbers of 16 or 32 bits are not `weights`, in words; empty where they are."""
    wrong = ~(np.abs(weights - cast) <= _CAST * np.abs(weights) + _SUBNORMAL)  # NaN is one, too
    return f"{wrong.mean():.1%} are other numbers" if wrong.any() else ""


def _open_shape(program: CoreMLProgram, model: keras.Model) -> tuple[int, ...] | None:
    """The file's input shape, where the model leaves its own open."""
    try:
        declared = keras.tree.flatten(symbolic_inputs(model, None))
    except InvalidArgumentError:
        return input_shape(program, model)
    is_open = any(None in tensor.shape[1:] for tensor in declared)
    return input_shape(program, model) if is_open else None
