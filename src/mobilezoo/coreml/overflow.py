"""Does float16 hold what the network computes? Measured on inputs, not guessed."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from mobilezoo.coreml.calibration import calibration_batches
from mobilezoo.coreml.precision import Precision
from mobilezoo.errors import Float16OverflowWarning, InvalidArgumentError
from mobilezoo.graph import Graph
from mobilezoo.graph.calls import intercept_layers
from mobilezoo.graph.inputs import symbolic_inputs
from mobilezoo.graph.problems import in_short

_LARGEST = float(np.finfo(np.float16).max)


def check_use(calibration: Any, precision: Precision) -> None:
    """Raise InvalidArgumentError for calibration inputs of a file that computes in float32."""
    if calibration is not None and precision.dtype is not np.float16:
        raise InvalidArgumentError(
            f"calibration= looks for values that float16 cannot hold; precision={precision.name!r} "
            "holds them. Leave calibration= out."
        )


def warn_of_overflow(
    model: keras.Model, graph: Graph, inputs: Any, input_shape: Sequence[int] | None = None
) -> None:
    """Run the model on calibration inputs and name the layers that float16 cannot hold.

    Args:
        model: whose layers are measured.
        graph: folded; what it merges away (a convolution before its batch norm) never appears.
        inputs: as `calibration_batches` takes them.
        input_shape: of a model that does not say it, or leaves sides free.

    Raises:
        InvalidArgumentError: inputs that the model does not take.
    """
    largest = largest_values(model, inputs, input_shape)
    found = {
        path: value
        for path, value in largest.items()
        if path in graph.layer_outputs and not value <= _LARGEST  # NaN is not <= either
    }
    if found:
        listed = ", ".join(f"'{path}' ({value:.3g})" for path, value in list(found.items())[:10])
        more = f" and {len(found) - 10} more" if len(found) > 10 else ""
        warnings.warn(
            f"float16 reaches {_LARGEST:g}, but on the calibration inputs '{model.name}' computes "
            f"more in {len(found)} layer(s): {listed}{more}. Keep them at float32: export with "
            "precision='float32', or scale the weights before them down.",
            Float16OverflowWarning,
            stacklevel=3,
        )


def largest_values(
    model: keras.Model, inputs: Any, input_shape: Sequence[int] | None = None
) -> Mapping[str, float]:
    """The largest absolute value of each layer's output, over all examples, by the call's path."""
    structure = symbolic_inputs(model, input_shape, any_size=True)
    largest: dict[str, float] = {}

    def note(_layer: Any, path: str, proceed: Any, *_: Any) -> Any:
        made = proceed()
        flat = keras.tree.flatten(made)
        if len(flat) == 1 and hasattr(flat[0], "dtype"):
            peak = float(np.abs(keras.ops.convert_to_numpy(flat[0])).max(initial=0.0))
            largest[path] = max(peak, largest.get(path, 0.0))
        return made

    for batch in calibration_batches(inputs, keras.tree.flatten(structure)):
        try:
            with intercept_layers(model, note):
                model(keras.tree.pack_sequence_as(structure, batch), training=False)
        except Exception as error:  # numbers that an embedding has no row for, say
            raise InvalidArgumentError(
                f"'{model.name}' cannot be computed on the calibration inputs: {in_short(error)}"
            ) from error
    return largest
