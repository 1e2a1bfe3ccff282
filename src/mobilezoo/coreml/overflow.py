"""Does float16 hold what the network computes? Measured on inputs, not guessed."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from mobilezoo.errors import Float16OverflowWarning, InvalidArgumentError
from mobilezoo.graph import Graph
from mobilezoo.graph.calls import intercept_layers
from mobilezoo.graph.inputs import symbolic_inputs

_LARGEST = float(np.finfo(np.float16).max)


def warn_of_overflow(model: keras.Model, graph: Graph, inputs: Any) -> None:
    """Run the model on calibration inputs and name the layers that float16 cannot hold.

    Args:
        model: whose layers are measured.
        graph: folded; what it merges away (a convolution before its batch norm) never appears.
        inputs: an array (n, ...) as the model takes it, or a list of one per input.

    Raises:
        InvalidArgumentError: another number of arrays, or of another shape.
    """
    largest = largest_values(model, inputs)
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


def largest_values(model: keras.Model, inputs: Any) -> Mapping[str, float]:
    """The largest absolute value of each layer's output, over all examples, by the call's path."""
    structure = symbolic_inputs(model, None)
    wanted = keras.tree.flatten(structure)
    given = [
        np.asarray(item) for item in (inputs if isinstance(inputs, (list, tuple)) else [inputs])
    ]
    shapes = [tuple(item.shape[1:]) for item in given]
    fits = len(given) == len(wanted) and all(
        len(have) == len(want.shape) - 1
        and all(w in (None, h) for h, w in zip(have, want.shape[1:], strict=True))
        for have, want in zip(shapes, wanted, strict=True)
    )
    if not fits:
        raise InvalidArgumentError(
            f"calibration has shapes {[(len(item), *item.shape[1:]) for item in given]}; the model "
            f"takes {[tuple(item.shape) for item in wanted]}. Pass arrays (n, ...) as it takes "
            "them, with prepared pixels."
        )
    largest: dict[str, float] = {}

    def note(_layer: Any, path: str, proceed: Any, *_: Any) -> Any:
        made = proceed()
        flat = keras.tree.flatten(made)
        if len(flat) == 1 and hasattr(flat[0], "dtype"):
            peak = float(np.abs(keras.ops.convert_to_numpy(flat[0])).max(initial=0.0))
            largest[path] = max(peak, largest.get(path, 0.0))
        return made

    with intercept_layers(model, note):
        model(keras.tree.pack_sequence_as(structure, given), training=False)
    return largest
