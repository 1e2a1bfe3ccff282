"""`verify`: run Keras, run the file, compare."""

from __future__ import annotations

import os
import tempfile
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from mobilezoo.data.preprocessing import Preprocessing, preprocessing_of
from mobilezoo.data.preprocessing import preprocessing as find
from mobilezoo.errors import InvalidArgumentError, VerificationError
from mobilezoo.graph import Graph, capture, fold
from mobilezoo.graph.inputs import symbolic_inputs
from mobilezoo.graph.node import Shape
from mobilezoo.runtime import CoreMLProgram, load_coreml
from mobilezoo.verification.agreement import Agreement
from mobilezoo.verification.judging import Setting, judge
from mobilezoo.verification.limits import check_limit, find_limits
from mobilezoo.verification.rounding import holds_few_bits, stored_precision, with_exact_weights
from mobilezoo.verification.trials import has_free_sides, input_shape, trials

if TYPE_CHECKING:
    from coremltools.models import MLModel


def verify(
    model: keras.Model,
    file: str | os.PathLike[str] | CoreMLProgram | MLModel,
    inputs: Any = None,
    *,
    limit: float | None = None,
    preprocessing: str | Preprocessing | None = None,
    seed: int = 0,
) -> Agreement:
    """Compare a Core ML file with the Keras model that it was made from.

    The file is run by mobilezoo's own runtime, which shares no code with the exporter. Outputs
    are compared on all examples, the output of every Keras layer that the file names on the
    first. A comparison that could not have failed is refused. Of weights in few bits it is found
    whether they are Keras's, rounded, whether the file is right apart from that, and what the
    rounding costs.

    Args:
        model: the Keras model, with the weights that were exported.
        file: path of the file, or what `load_coreml` or `export_coreml` returned.
        inputs: (n, height, width, channels): pixels 0..255 (RGB or gray) for a file that takes
            images, what Keras takes otherwise; for several inputs a list of such arrays, or a
            dictionary by their names. Pictures may be PIL's, one or a list of them.
            For a file of one input that takes several sizes also a list of arrays of different
            sizes, each one picture or several. Default: 4 random ones; for a file that takes
            several sizes 4 of each that it lists (of 8 of them, where it lists more), or of the
            ends of its range and of a size in between.
        limit: largest difference allowed, relative to the largest reference value, between 0 and
            1. Default: 1e-4 for float32, 2e-2 for float16. For weights in few bits what their
            rounding may cost, which can be more than 1: 0.2 for int8 and palette8, otherwise it
            is only reported, as it depends on the network.
        preprocessing: of the file's image input, as for `export_coreml`; default: what the file
            and the model say.
        seed: of the random inputs.

    Returns:
        What was compared and how well it agrees.

    Raises:
        VerificationError: the file departs; names the first layer that does.
        VacuousComparisonError: Keras's output is near zero or does not move with the input.
        InvalidArgumentError: the inputs or the limit do not fit, how pixels are prepared is not
            known, or a file in few bits that is not mobilezoo's needs a `limit`.
    """
    if not isinstance(model, keras.Model):
        raise InvalidArgumentError(
            f"verify takes the Keras model first, then the file; got {type(model).__name__} first."
        )
    check_limit(limit)
    program = _open(file)
    _check_same_inputs(model, program)
    record = _recorded(program, model) if preprocessing is None else find(preprocessing)
    chosen = trials(program, model, inputs, seed)
    precision = program.metadata.user_defined.get("com.mobilezoo.precision")
    exact = cache(partial(with_exact_weights, program, model))
    few_bits = holds_few_bits(program) and exact() is not None
    limits = find_limits(limit, stored_precision(program), program.path.name, separable=few_bits)
    graph = _graph(program, model)
    setting = Setting(model, program, exact, few_bits, graph, record, limits, seed)
    found = [judge(setting, trial) for trial in chosen]
    same = [item.top1_agreement for item in found if item.top1_agreement is not None]
    before = [item.before_rounding for item in found if item.before_rounding is not None]
    return Agreement(
        file=program.path.name,
        precision=precision,
        largest_difference=max(item.largest_difference for item in found),
        limit=limits.whole,
        top1_agreement=float(np.mean(same)) if same else None,
        examples=sum(item.examples for item in found),
        layers={
            path: max(item.layers.get(path, 0.0) for item in found) for path in found[0].layers
        },
        tried=tuple(trial.size for trial in chosen if trial.size),
        before_rounding=max(before) if before else None,
    )


def _graph(program: CoreMLProgram, model: keras.Model) -> Graph:
    """As it was exported: with free sides where the file takes several sizes."""
    shape: Shape | None = input_shape(program, model)
    free = has_free_sides(program)
    if free and shape is not None:
        shape = (*(None for _ in shape[:-1]), shape[-1])
    return fold(capture(model, shape, any_size=free))[0]


def _open(file: Any) -> CoreMLProgram:
    if isinstance(file, CoreMLProgram):
        return file
    path = getattr(file, "package_path", file)  # coremltools' MLModel knows its own
    if path is not None:
        return load_coreml(path)
    with tempfile.TemporaryDirectory() as folder:  # but not that of a neural network
        saved = f"{folder}/model.mlmodel"
        file.save(saved)
        return load_coreml(saved)


def _check_same_inputs(model: keras.Model, program: CoreMLProgram) -> None:
    try:
        shape, free = input_shape(program, model), has_free_sides(program)
        count = len(keras.tree.flatten(symbolic_inputs(model, shape, any_size=free)))
    except InvalidArgumentError as error:
        raise InvalidArgumentError(
            f"{program.path.name} was not made from '{model.name}': {error}"
        ) from error
    if count != len(program.inputs):
        raise InvalidArgumentError(
            f"{program.path.name} was not made from '{model.name}': it takes "
            f"{len(program.inputs)} input(s), the model {count}."
        )


def _recorded(program: CoreMLProgram, model: keras.Model) -> Preprocessing | None:
    """The preprocessing that the exporter wrote into the file, or that goes with the model.

    Raises:
        VerificationError: both are known and differ.
    """
    text = program.metadata.user_defined.get("com.mobilezoo.preprocessing")
    in_file, of_model = (Preprocessing.from_json(text) if text else None), preprocessing_of(model)
    if in_file is not None and of_model is not None and in_file != of_model:
        raise VerificationError(
            f"{program.path.name} prepares pixels as '{in_file.name}', but '{model.name}' was "
            f"built for '{of_model.name}'. Export it again, or pass preprocessing={in_file.name!r} "
            "to verify if the model was trained so."
        )
    return in_file or of_model
