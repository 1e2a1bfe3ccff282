"""Weights of few bits: are they Keras's, rounded? And the file with Keras's own in their place."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import keras
import numpy as np

from mobilezoo.coreml import export_coreml
from mobilezoo.coreml.precision import PRECISIONS, Scheme
from mobilezoo.errors import InvalidArgumentError, MobilezooError, VerificationError
from mobilezoo.graph.inputs import symbolic_inputs
from mobilezoo.runtime import CoreMLProgram, load_coreml
from mobilezoo.runtime.stored import Place, Weights
from mobilezoo.verification.agreement import FloatArray
from mobilezoo.verification.trials import input_shape

_FLOAT16 = 2.0**-9  # of the largest weight: codes are chosen between numbers that are rounded
_OFF_CENTRE = 0.05  # of the way to the next value: means are of numbers in float16
_PART = 1 << 20  # weights that are looked at at once


def stored_precision(program: CoreMLProgram) -> str | None:
    """The precision that the file names; float16 where that is in few bits and no kernel is.

    Kernels of fewer than 2,048 weights stay in float16, and small networks have no others.
    """
    named = program.metadata.user_defined.get("com.mobilezoo.precision")
    known = PRECISIONS.get(named or "")
    if known is None or known.scheme is None:
        return named
    stored = program.weights().values()
    return named if not stored or any(item.in_few_bits for item in stored) else "float16"


def unrounded(program: CoreMLProgram, model: keras.Model) -> CoreMLProgram | None:
    """The file with the kernels that its codes were made from, in float16; None without codes.

    They come from a second export of the model, in the order of axes in which the file has them:
    what the file computes with them is compared with Keras, and so the order is proven, too. A
    file that coremltools compressed after the export has the same names, one that mobilezoo did
    not write has others and gives None.

    Raises:
        VerificationError: codes do not stand for these kernels.
    """
    precision = PRECISIONS.get(program.metadata.user_defined.get("com.mobilezoo.precision", ""))
    best_table = precision is not None and precision.scheme is Scheme.PALETTE
    few = {place: item for place, item in program.weights().items() if item.in_few_bits}
    own = _in_float16(program, model, few) if few else {}
    if not own:
        return None
    for (name, parameter), weights in few.items():
        kernel, stands_for = own[name, parameter], np.asarray(weights.read(), np.float32)
        fault = rounding_fault(kernel, stands_for, weights.axis, best_table=best_table)
        if fault:
            raise VerificationError(
                f"{program.path.name}: the {parameter} of '{name}' are not Keras's in few bits: "
                f"{fault}. Export the model again; if that does not help, please report it."
            )
    return program.with_weights(own)


def _in_float16(
    program: CoreMLProgram, model: keras.Model, few: Mapping[Place, Weights]
) -> dict[Place, FloatArray]:
    """The model's kernels under the file's names; none where one lacks or is of another shape."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"model{program.path.suffix}"
        shape = _open_shape(program, model)
        try:
            export_coreml(model, path, precision="float16", inputs="array", input_shape=shape)
        except MobilezooError:  # then the file is not mobilezoo's
            return {}
        known = load_coreml(path).weights()
        own = {place: known[place].read() for place in few if place in known}
    fits = len(own) == len(few) and all(
        own[place].shape == weights.read().shape for place, weights in few.items()
    )
    return own if fits else {}


def _open_shape(program: CoreMLProgram, model: keras.Model) -> tuple[int, ...] | None:
    """The file's input shape, where the model leaves its own open."""
    try:
        declared = keras.tree.flatten(symbolic_inputs(model, None))
    except InvalidArgumentError:
        return input_shape(program, model)
    is_open = any(None in tensor.shape[1:] for tensor in declared)
    return input_shape(program, model) if is_open else None


def rounding_fault(
    kernel: FloatArray, rounded: FloatArray, axis: int | None, *, best_table: bool = False
) -> str:
    """Why `rounded` is not `kernel` in few bits, in words; empty where it is.

    Every weight must have become the nearest of the values in use, and, of the best table, every
    value must be the mean of the weights that it stands for (Lloyd 1982). That holds for sound
    roundings and for hardly anything else.

    Args:
        kernel: as it was.
        rounded: what the codes stand for.
        axis: along which each index has values of its own; None: all share them.
        best_table: whether the values are those of a table that cannot be bettered.
    """
    for weights, codes in _groups(kernel, rounded, axis):
        tolerance = _FLOAT16 * float(np.abs(weights).max())
        values, index = np.unique(codes, return_inverse=True)
        away = np.abs(weights - codes) - np.abs(weights - _nearest(values, weights))
        if not away.max() <= tolerance:  # NaN is one, too
            share = float(np.mean(~(away <= tolerance)))
            return f"{share:.1%} of the weights stand for another value than the nearest"
        if best_table and len(values) > 1:
            middles = np.bincount(index.ravel(), weights.ravel()) / np.bincount(index.ravel())
            gaps = np.diff(values, prepend=-np.inf, append=np.inf)
            allowed = _OFF_CENTRE * np.minimum(gaps[:-1], gaps[1:]) + tolerance
            if not (np.abs(middles - values) <= allowed).all():
                return "its table's values are not those of the weights that stand for them"
    return ""


def _groups(
    kernel: FloatArray, rounded: FloatArray, axis: int | None
) -> Iterable[tuple[FloatArray, FloatArray]]:
    """Weights that share their values, before and after, in one axis each."""
    if axis is None:
        yield np.asarray(kernel, np.float32).ravel(), rounded.ravel()
        return
    before, after = np.moveaxis(kernel, axis, 0), np.moveaxis(rounded, axis, 0)
    for weights, codes in zip(before, after, strict=True):
        yield np.asarray(weights, np.float32).ravel(), codes.ravel()


def _nearest(values: FloatArray, weights: FloatArray) -> FloatArray:
    """The nearest of sorted `values` to each weight."""
    middles = (values[1:] + values[:-1]) / 2
    nearest: FloatArray = values[np.searchsorted(middles, weights)]
    return nearest
