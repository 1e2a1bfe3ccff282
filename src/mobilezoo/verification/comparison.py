"""`verify`: run Keras, run the file, compare."""

from __future__ import annotations

import os
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from mobilezoo.data.preprocessing import Preprocessing
from mobilezoo.data.preprocessing import preprocessing as find
from mobilezoo.errors import InvalidArgumentError
from mobilezoo.graph import Graph, capture, fold
from mobilezoo.graph.node import Shape
from mobilezoo.runtime import CoreMLProgram
from mobilezoo.verification.agreement import Agreement
from mobilezoo.verification.judging import Setting, judge
from mobilezoo.verification.limits import check_limit, find_limits
from mobilezoo.verification.matching import check_same_inputs, open_file, recorded
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
    program = open_file(file)
    check_same_inputs(model, program)
    record = recorded(program, model) if preprocessing is None else find(preprocessing)
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
