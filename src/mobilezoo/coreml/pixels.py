"""Does the preprocessing of a file fit what the network does with a picture?"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping

import keras
import numpy as np

from mobilezoo.data.preprocessing import Preprocessing, preprocessing_of
from mobilezoo.errors import PreprocessingWarning
from mobilezoo.graph import Graph, Node

_MOVES = frozenset({"cast", "crop", "flip", "pad", "resize_bilinear", "upsample_nearest"})
_SCALES = frozenset({"divide", "multiply"})
_AFFINE = _SCALES | {"add", "subtract"}
_SMALL = 0.1  # 1/255, 1/127.5 and 1/58 are below; from 0..1 to -1..1 is 2


def warn_of_preprocessing(
    model: keras.Model, graph: Graph, record: Preprocessing, *, explicit: bool
) -> None:
    """Warn where pictures are prepared otherwise than the model says, or scaled twice.

    Args:
        model: that may carry a record.
        graph: its network, which reads one picture.
        record: what the file is to do.
        explicit: whether the user asked for it.
    """
    own = preprocessing_of(model) if explicit else None
    if own is not None and _numbers(own) != _numbers(record):
        warnings.warn(
            f"'{model.name}' was built for preprocessing '{own.name}', and the file prepares "
            f"pixels as '{record.name}'. Leave preprocessing= out; or if the model was trained so, "
            f"pass preprocessing={record.name!r} to verify, too, which else refuses the file.",
            PreprocessingWarning,
            stacklevel=3,
        )
        return
    layers = _layers_that_scale(graph)
    if layers and _is_small(record.scale):
        warnings.warn(
            f"Pixels are scaled twice: by preprocessing '{record.name}', and again by "
            f"{', '.join(map(repr, layers))} in '{model.name}'. Pass preprocessing='none' if the "
            "model takes 0..255.",
            PreprocessingWarning,
            stacklevel=3,
        )


def _numbers(record: Preprocessing) -> tuple[tuple[float, ...], tuple[float, ...], bool]:
    """What a record does, whatever it is called."""
    mean, scale = (each * (3 // len(each)) for each in (record.mean, record.scale))
    return mean, scale, record.bgr


def _is_small(factors: Iterable[float]) -> bool:
    return all(abs(factor) < _SMALL for factor in factors)


def _layers_that_scale(graph: Graph) -> tuple[str, ...]:
    """The layers at the front that together make pixels much smaller, as Rescaling(1 / 255)."""
    makers = {node.name: node for node in graph.nodes}
    readers = graph.consumers()
    name, factor = graph.inputs[0].name, 1.0
    layers: dict[str, None] = {}
    while len(readers.get(name, ())) == 1:
        (node,) = readers[name]
        constant = _constant(node, name, makers)
        if node.kind not in _MOVES and constant is None:
            break
        if node.kind in _SCALES and constant is not None:
            factor *= constant if node.kind == "multiply" else 1 / constant
            layers.update(dict.fromkeys(node.layers or (node.name,)))
        name = node.name
    return tuple(layers) if _is_small([factor]) else ()


def _constant(node: Node, name: str, makers: Mapping[str, Node]) -> float | None:
    """The size of what is added to `name` or multiplied with it; None for anything else."""
    others = [makers.get(item) for item in node.inputs if item != name]
    if node.kind not in _AFFINE or len(others) != 1 or others[0] is None:
        return None
    if others[0].kind != "constant" or (node.kind == "divide" and node.inputs[0] != name):
        return None
    values = np.asarray(others[0].weights["value"].read(), np.float64)
    size = float(np.abs(values).max())
    return size if size or node.kind != "divide" else None
