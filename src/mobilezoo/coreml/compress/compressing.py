"""`compress_coreml`: any Core ML package in a lower precision."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from coremltools.models import MLModel

from mobilezoo.coreml.compress.activations import PRODUCTS, find_places
from mobilezoo.coreml.compress.budget import Budget
from mobilezoo.coreml.compress.choice import (
    Chosen,
    Examples,
    Names,
    check_options,
    choose,
    find_calibration,
    find_precisions,
    members,
    precision_name,
)
from mobilezoo.coreml.compress.classic import write_compressed_network
from mobilezoo.coreml.compress.constants import Constant, main_block
from mobilezoo.coreml.compress.examples import MOST, read_data
from mobilezoo.coreml.compress.fitting import write_within
from mobilezoo.coreml.compress.importance import measure_importance
from mobilezoo.coreml.compress.package import (
    Measured,
    OpenedPackage,
    Rounded,
    open_weights,
    write_compressed,
)
from mobilezoo.coreml.compress.ranges import measure_scales
from mobilezoo.coreml.compress.sensitivity import Bench, in_precision
from mobilezoo.coreml.precision import W8A8, Linear, Palette, Precision, Sparse
from mobilezoo.coreml.save import check_output
from mobilezoo.coreml.saved import saved
from mobilezoo.coreml.target import Format, check_precision
from mobilezoo.errors import InvalidArgumentError
from mobilezoo.graph.node import Array
from mobilezoo.runtime.network.opening import NETWORKS
from mobilezoo.runtime.package import ModelFile, read_model
from mobilezoo.runtime.program import CoreMLProgram, load_coreml

Given = str | Palette | Linear | Sparse | W8A8 | Mapping[str, Any] | Budget


def compress_coreml(
    source: str | os.PathLike[str] | MLModel,
    path: str | os.PathLike[str] | None = None,
    *,
    precision: Given,
    keep_ends: bool = False,
    repair: Any = None,
    weigh: Any = None,
    overwrite: bool = False,
) -> MLModel:
    """Write a Core ML file again with its large weights in few bits, whoever made it.

    Weights are those of convolutions, matrix products, recurrent layers and tables of
    embeddings, from 2048 elements on, where at least a quarter of their bytes is saved. All others,
    and all that is computed, stay as they are. Weights that are in few bits already stay, too.

    Args:
        source: path of a .mlpackage or .mlmodel, or an `MLModel` of a package.
        path: where to write, ending as `source` does; None keeps it in a temporary folder.
        precision: "int8", "int4", "palette1" to "palette8" (not 5 and 7), a `Palette`, `Linear`,
            `Sparse` or `W8A8`, or a dictionary of these by names or patterns ("block1*") of
            layers, of which the first that fits counts; "float16" there means that a layer stays
            as it is, and so do layers that nothing fits. Or a `Budget`: the best mix within a size
            or an error.
        keep_ends: whether the first and the last layer stay as they are, which costs few bytes and
            often keeps the accuracy.
        repair: examples as the file takes them (as `Budget` has them), the first 32 of which are
            run: biases then make up for what rounding shifts in the mean of each channel.
        weigh: the same for palettes: tables are then best for the weights that the outputs hang on,
            by their mean squared gradient (Fisher diagonal), in place of all the same.
        overwrite: whether a file at `path` may be replaced.

    Returns:
        The model as coremltools knows it; on a Mac it can predict.

    Raises:
        InvalidArgumentError: a precision that packages cannot have, a pattern that fits no layer, a
            path that cannot be written, or weights that are NaN or infinite.
        CoreMLFileError: `source` is damaged.
        UnsupportedOpError: operations that the op set of the precision does not have, or layers of
            a neural network that mobilezoo does not know.
        OutputExistsError: something is at `path` and `overwrite` is false.
    """
    wanted = find_precisions(precision)
    examples = Examples(repair, weigh, find_calibration(precision))
    check_options(wanted, keep_ends=keep_ends, examples=examples)
    file = read_model(source)
    if file.kind not in ("mlProgram", *NETWORKS):
        raise InvalidArgumentError(
            f"{file.path.name} is a {file.kind}; an ML program or a neural network is required. "
            "Compress the models of a pipeline before it is put together."
        )
    form = Format.ML_PROGRAM if file.kind == "mlProgram" else Format.NEURAL_NETWORK
    _check_form(form, wanted, examples)
    target = None if path is None else check_output(path, overwrite)
    if target is not None and target.suffix != form.value:
        raise InvalidArgumentError(
            f"'{target}' must end in {form.value}, as {file.path.name} is a {form.value}."
        )

    def write(fresh: Path) -> Any:
        if form is Format.ML_PROGRAM:
            return write_in(file, fresh, wanted, examples, keep_ends=keep_ends)
        assert not isinstance(wanted, Budget)
        return write_compressed_network(file, fresh, wanted, keep_ends=keep_ends)

    return saved(write, target, form, overwrite)


def _check_form(form: Format, wanted: Precision | Chosen | Budget, examples: Examples) -> None:
    """Raise InvalidArgumentError for what a file of that format cannot have."""
    for item in members(wanted):
        check_precision(form, item)
    if form is Format.NEURAL_NETWORK and (
        isinstance(wanted, Budget) or any(item is not None for item in examples)
    ):
        raise InvalidArgumentError(
            "A Budget, repair= and weigh= are for ML programs (.mlpackage), and this file is a "
            "neural network. Pass a precision, or a dictionary of these by names of layers."
        )


def write_in(
    file: ModelFile,
    folder: Path,
    wanted: Precision | Chosen | Budget,
    examples: Examples,
    *,
    keep_ends: bool,
    names: Names | None = None,
) -> Any:
    """Write a package in a precision into a new folder; return the specification."""
    if isinstance(wanted, Budget):
        return write_within(file, folder, wanted)
    opened: OpenedPackage = open_weights(file)
    chosen = choose(opened.constants, wanted, keep_ends=keep_ends, names=names or {})
    measured = _measured(opened, chosen, examples)
    return write_compressed(opened, chosen, precision_name(wanted), folder, measured)


def _measured(
    opened: OpenedPackage, chosen: Mapping[Constant, Precision], examples: Examples
) -> Measured:
    """What examples tell of the default function."""
    file = opened.file
    function = file.default_function
    running = {item: chosen[item] for item in chosen if item.function == function}
    if all(item is None for item in examples):
        return Measured({}, None, {})
    program = load_coreml(file.path)
    importance: Mapping[Any, Array] = {}
    if examples.weigh is not None:
        inputs = read_data(examples.weigh, program.inputs)
        importance = measure_importance(program, inputs, list(running))
    biases: Mapping[str, Array] = {}
    if examples.repair is not None:
        bench = Bench(program, examples.repair, MOST, repaired=True)
        biases = bench.biases(
            {item: in_precision(item, running[item], importance) for item in running}
        )
    rounded = None
    if examples.calibration is not None:
        rounded = _rounded(opened, program, chosen, examples.calibration)
    named = {(function, layer): bias for layer, bias in biases.items()}
    return Measured(named, rounded, importance)


def _rounded(
    opened: OpenedPackage,
    program: CoreMLProgram,
    chosen: Mapping[Constant, Precision],
    calibration: W8A8,
) -> Rounded:
    """Where values are rounded while the program runs, and how."""
    file = opened.file
    if len(file.model.mlProgram.functions) != 1:
        raise InvalidArgumentError(
            f"{file.path.name} has the functions {', '.join(file.functions)}; w8a8 is for files of "
            "one. Compress its weights with 'int8'."
        )
    layers = {
        place.layer
        for constant, precision in chosen.items()
        for place in constant.places
        if precision.rounds_activations and place.type in PRODUCTS
    }
    name = file.default_function
    function = file.model.mlProgram.functions[name]
    places = find_places(function, main_block(name, function), layers)
    inputs = read_data(calibration.data, program.inputs, calibration.examples)
    return Rounded(places, measure_scales(program, inputs, places))
