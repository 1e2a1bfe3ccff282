"""Sizes of Core ML files: as saved, and as they will be."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from mobilezoo.errors import InvalidArgumentError

if TYPE_CHECKING:
    import keras

    from mobilezoo.graph import Graph, Node


def size_bytes(path: str | os.PathLike[str]) -> int:
    """Bytes of a file, or of all files in a package folder.

    Raises:
        InvalidArgumentError: nothing is there.
    """
    root = Path(path)
    if not root.exists():
        raise InvalidArgumentError(f"'{root}' does not exist.")
    if root.is_file():
        return root.stat().st_size
    return sum(item.stat().st_size for item in root.rglob("*") if item.is_file())


def predict_size_bytes(
    model: keras.Model, precision: str = "float16", input_shape: Sequence[int] | None = None
) -> int:
    """Bytes of the package that `export_coreml` would write, without labels; within 1 %.

    Needs no weights in memory. The weight file is computed from the folded graph exactly; the
    program beside it, about 0.7 kB a convolution, from the operations and the lengths of names.

    Args:
        model: any Keras model, built.
        precision: of weights and activations, as `export_coreml` takes it.
        input_shape: (height, width, channels), for models whose input has free sides.

    Raises:
        InvalidArgumentError: unknown precision, one of few bits, or not a Keras model.
        UnsupportedLayersError: layers that cannot be captured.
    """
    from mobilezoo.graph import capture, fold  # brings Keras, which tables do not need

    graph, _ = fold(capture(model, input_shape))
    return predict_graph_size_bytes(graph, precision)


def predict_graph_size_bytes(graph: Graph, precision: str = "float16") -> int:
    """The same for a graph that `mobilezoo.graph.fold` gave."""
    from mobilezoo.coreml.precision import precision as find_precision

    found = find_precision(precision)
    if found.is_compressed:
        raise InvalidArgumentError(
            f"Sizes are predicted in float16 and float32. Export the model in {found.name!r} and "
            "measure the file with mobilezoo.benchmark.size_bytes."
        )
    itemsize = found.dtype().itemsize
    shared: set[Any] = set()
    arrays = [size for node in graph.nodes for size in _stored(node, graph, shared)]
    return _weight_file(arrays, itemsize) + _program(graph, itemsize)


_ALIGNMENT = 64  # of every blob, which lets Core ML map it to memory
_BLOB_HEADER = 64  # before every blob, and once at the start of the file
_WRITTEN_ONCE = ("kernel", "table")
_SMALLEST_BLOB = 10  # elements; smaller arrays stand in the program


def _weight_file(sizes: Sequence[int], itemsize: int) -> int:
    """Bytes of weight.bin: header, then per array its header and its values, all aligned."""
    end = _BLOB_HEADER
    for size in sizes:
        if size >= _SMALLEST_BLOB:
            start = math.ceil(end / _ALIGNMENT) * _ALIGNMENT
            end = start + _BLOB_HEADER + size * itemsize
    return end if end > _BLOB_HEADER else 0


def _stored(node: Node, graph: Graph, shared: set[Any]) -> Iterator[int]:
    """Numbers of elements of the arrays that a node becomes in the file.

    `shared`, which grows: sources of the kernels that are there already, of layers called before.
    """
    if node.kind == "batch_norm":  # not folded: scale and shift, a mean of 0, a variance of 1
        yield from (node.weights["mean"].size,) * 4
    elif node.kind == "constant":  # written again for each reader
        readers = graph.consumers().get(node.name, ())
        yield from (node.weights["value"].size,) * len(readers)
    else:
        yield from (weight.size for weight in node.weights.values() if weight.source not in shared)
        shared.update(
            weight.source
            for role, weight in node.weights.items()
            if weight.source and role in _WRITTEN_ONCE
        )


class _Bytes(NamedTuple):
    """What a node takes in the program: `fixed + names * len(name) + len(names of inputs)`."""

    fixed: int
    names: float  # how often its name occurs, in itself and in its constants


# Least squares over the operations of 11 networks of the zoo and of keras.applications.
_PROGRAM: Mapping[str, _Bytes] = {
    "add": _Bytes(102, 1.4),
    "avg_pool": _Bytes(282, 7.3),
    "batch_norm": _Bytes(767, 13.7),
    "clip": _Bytes(190, 4),
    "concat": _Bytes(190, 0.5),
    "constant": _Bytes(130, 3),
    "conv": _Bytes(576, 8.5),
    "dense": _Bytes(440, 5.6),
    "depthwise_conv": _Bytes(592, 10.7),
    "hard_sigmoid": _Bytes(162, 2.4),
    "hard_silu": _Bytes(273, 6),
    "max_pool": _Bytes(353, 0),
    "multiply": _Bytes(119, 0.7),
    "pad": _Bytes(486, 0),
    "reduce_max": _Bytes(243, 0.6),
    "reduce_mean": _Bytes(243, 0.6),
    "relu": _Bytes(80, 2.1),
    "relu6": _Bytes(79, 2.2),
    "reshape": _Bytes(250, 1),
    "softmax": _Bytes(185, 6.4),
}
_OTHER = _Bytes(80, 2.2)
# Manifest, description, preprocessing of the input; in float16 casts of input and output too.
_AROUND = {2: 2350, 4: 2100}
_WINDOWS = 600  # strides, dilations, paddings and groups, which operations share


def _program(graph: Graph, itemsize: int) -> int:
    """Bytes of everything but the weight file, estimated."""
    total: float = _AROUND[itemsize]
    if any("strides" in node.attributes for node in graph.nodes):
        total += _WINDOWS
    for node in graph.nodes:
        fixed, names = _PROGRAM.get(node.kind, _OTHER)
        total += fixed + names * len(node.name) + sum(map(len, node.inputs))
    return round(total)
