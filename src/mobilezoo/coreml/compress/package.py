"""A package with weights in few bits, written beside the one that it is made from."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from coremltools.proto import Model_pb2

from mobilezoo.coreml.blob_writer import BlobWriter
from mobilezoo.coreml.compress.activations import Places, Scale, round_values
from mobilezoo.coreml.compress.codes import Coded, encode
from mobilezoo.coreml.compress.constants import Constant, find_constants, main_block
from mobilezoo.coreml.compress.opset import raise_opset
from mobilezoo.coreml.compress.rewriting import WEIGHT_FILE, Rewriter
from mobilezoo.coreml.package import finish_package, weights_folder
from mobilezoo.coreml.precision import Precision
from mobilezoo.errors import InvalidArgumentError
from mobilezoo.graph.node import Array
from mobilezoo.runtime.package import ModelFile
from mobilezoo.runtime.values import ValueReader

PRECISION = "com.mobilezoo.precision"  # keys of the metadata
REPAIRED = "com.mobilezoo.repaired"  # names of layers, with commas
WEIGHED = "com.mobilezoo.weighed"  # by what errors of weights were multiplied
_AT_ONCE = 2  # weights that are encoded at the same time, and as many that wait


class OpenedPackage(NamedTuple):
    """A package whose weights are found and not read."""

    file: ModelFile
    reader: ValueReader
    constants: Sequence[Constant]


class Rounded(NamedTuple):
    """Values that are rounded, and how."""

    places: Places
    scales: Mapping[str, Scale]


class Measured(NamedTuple):
    """What running the network on examples told.

    Attributes:
        biases: new ones, by function and layer.
        rounded: values of the default function that are rounded while it runs.
        importance: of the elements of weights, by the keys of these.
    """

    biases: Mapping[tuple[str, str], Array]
    rounded: Rounded | None
    importance: Mapping[Any, Array]


def open_weights(file: ModelFile) -> OpenedPackage:
    """Find the weights of an ML program.

    Raises:
        CoreMLFileError: it is damaged.
    """
    reader = ValueReader(file.spec_path)
    return OpenedPackage(file, reader, find_constants(file.model.mlProgram, reader))


def write_compressed(
    opened: OpenedPackage,
    chosen: Mapping[Constant, Precision],
    name: str,
    folder: Path,
    measured: Measured | None = None,
) -> Any:
    """Write the package again, with the chosen weights in few bits.

    Args:
        opened: the package; it stays as it is.
        chosen: the weights and their precisions.
        name: of the precision, for the metadata.
        folder: to be made.
        measured: what examples told.

    Returns:
        The specification, `Model_pb2.Model`.

    Raises:
        InvalidArgumentError: weights that are NaN or infinite.
        UnsupportedOpError: operations that the op set of the precision does not have.
    """
    biases, rounded, importance = measured or Measured({}, None, {})
    model = Model_pb2.Model()
    model.CopyFrom(opened.file.model)
    versions = [item.program_version or 0 for item in chosen.values()]
    version = max([model.specificationVersion, *versions])
    if chosen:
        model.specificationVersion = version
        for key, function in model.mlProgram.functions.items():
            raise_opset(key, function, version, opened.file.path)
    model.description.metadata.userDefined[PRECISION] = name
    if importance:
        model.description.metadata.userDefined[WEIGHED] = "gradients"
    if biases:
        layers = ",".join(dict.fromkeys(layer for _, layer in biases))
        model.description.metadata.userDefined[REPAIRED] = layers
    path = weights_folder(folder) / WEIGHT_FILE
    with BlobWriter(path, None) as writer:
        rewriter = Rewriter(opened.reader, writer, version)
        rewriter.rewrite(model.mlProgram, _encoded(opened.constants, chosen, importance), biases)
    if rounded is not None:
        function = opened.file.default_function
        found = model.mlProgram.functions[function]
        round_values(found, main_block(function, found), rounded.scales, rounded.places.readers)
    digests = {f"weights/{WEIGHT_FILE}": writer.digest}
    if writer.count == 0:
        path.unlink()
        digests = {}
    finish_package(model, digests, folder)
    return model


def _encoded(
    constants: Sequence[Constant],
    chosen: Mapping[Constant, Precision],
    importance: Mapping[Any, Array],
) -> Iterator[tuple[Constant, Coded]]:
    """Each chosen constant with its codes, in order; what is in the file once is encoded once."""
    wanted = [constant for constant in constants if constant in chosen]
    times = Counter((constant.key, chosen[constant]) for constant in wanted)
    shared: dict[Any, Future[Coded]] = {}
    waiting: deque[tuple[Constant, Future[Coded]]] = deque()
    pool = ThreadPoolExecutor(_AT_ONCE, "compression")
    try:
        for constant in wanted:
            key = constant.key, chosen[constant]
            future = shared.get(key) or pool.submit(
                _encode, constant, chosen[constant], importance.get(constant.key)
            )
            if times[key] > 1:
                shared[key] = future
            waiting.append((constant, future))
            if len(waiting) > 2 * _AT_ONCE:
                constant, future = waiting.popleft()
                yield constant, future.result()
        while waiting:
            constant, future = waiting.popleft()
            yield constant, future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _encode(constant: Constant, precision: Precision, importance: Array | None) -> Coded:
    weights = constant.read()
    if not np.isfinite(weights).all():
        place = constant.places[0]
        raise InvalidArgumentError(
            f"The {place.parameter} of '{place.layer}' holds NaN or infinity and cannot be "
            "compressed. Train the network again, or clip its weights."
        )
    return encode(weights, constant.axis, precision, importance)
