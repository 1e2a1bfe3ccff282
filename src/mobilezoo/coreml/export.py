"""`export_coreml`: capture -> fold -> emit -> describe -> save."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Iterable, Sequence

import keras
from coremltools.models import MLModel

from mobilezoo._version import __version__
from mobilezoo.coreml.description import Interface, describe, plan
from mobilezoo.coreml.emit import EMITTERS, emit
from mobilezoo.coreml.package import write_package
from mobilezoo.coreml.precision import Precision
from mobilezoo.coreml.precision import precision as find_precision
from mobilezoo.coreml.save import check_output, replacing, temporary
from mobilezoo.data.labels import find_labels
from mobilezoo.data.preprocessing import Preprocessing, preprocessing_of
from mobilezoo.data.preprocessing import preprocessing as find_preprocessing
from mobilezoo.errors import UnsupportedLayersError
from mobilezoo.graph import FoldReport, Graph, capture, fold

_log = logging.getLogger("mobilezoo")
_mil = threading.Lock()  # coremltools' builder keeps what it is building in globals


def export_coreml(
    model: keras.Model,
    path: str | os.PathLike[str] | None = None,
    *,
    precision: str = "float16",
    inputs: str | None = None,
    preprocessing: str | Preprocessing | None = None,
    labels: str | Iterable[str] | None = None,
    input_shape: Sequence[int] | None = None,
    overwrite: bool = False,
    author: str = "",
    license: str = "",
    short_description: str = "",
    version: str = "",
) -> MLModel:
    """Write a Keras 3 model as a Core ML package (ML program, iOS 15 and later).

    An image input is called "image" and takes what Vision gives; an array input and all outputs
    keep Keras's shapes and axis order, with a batch of 1. With labels the model is a classifier
    with the outputs "classLabel" and "classLabelProbs".

    Args:
        model: any Keras 3 model, built: Functional, Sequential, nested or subclassed.
        path: where to write, ending in ".mlpackage"; None keeps it in a temporary folder.
        precision: of weights and activations: "float16" or "float32".
        inputs: "image" or "array"; default: "image" where the model has one input with 1 or 3
            channels.
        preprocessing: how the pixels of an image input are prepared: "none", "unit", "tf",
            "caffe", "torch" or a `Preprocessing`. Default: the record of a model that mobilezoo
            built; other models must say.
        labels: "imagenet", "digits", the path of a text file with one label a line, or the labels.
        input_shape: (height, width, channels), for models whose input has free sides.
        overwrite: whether a package at `path` may be replaced.
        author: shown by Xcode.
        license: shown by Xcode.
        short_description: shown by Xcode.
        version: shown by Xcode.

    Returns:
        The model as coremltools knows it; on a Mac it can predict.

    Raises:
        InvalidArgumentError: an argument that cannot be used; nothing is written.
        UnsupportedLayersError: lists every layer that cannot be exported, before any work.
        OutputExistsError: something is at `path` and `overwrite` is false.
    """
    chosen = find_precision(precision)
    target = None if path is None else check_output(path, overwrite)
    graph, report = fold(capture(model, input_shape))
    record = preprocessing_of(model) if preprocessing is None else find_preprocessing(preprocessing)
    check_supported(graph)
    interface = plan(
        graph,
        inputs,
        record,
        None if labels is None else find_labels(labels),
        explicit=preprocessing is not None,
    )
    _log.info("%s: %s", model.name, report)
    metadata = {
        "author": author,
        "license": license,
        "short_description": short_description,
        "version": version,
    }
    description = describe(graph, interface, metadata, _record(interface, chosen, report))
    with _mil, temporary() if target is None else replacing(target, overwrite) as fresh:
        write_package(emit(graph, interface, chosen), description, fresh)
    return MLModel(
        str(target or fresh), is_temp_package=target is None, skip_model_load=_cannot_load()
    )


def _record(interface: Interface, precision: Precision, report: FoldReport) -> dict[str, str]:
    """What the file says of how it was made; `verify` and `inspect` read it."""
    record = {
        "com.mobilezoo.version": __version__,
        "com.mobilezoo.precision": precision.name,
        "com.mobilezoo.folded": str(report),
    }
    for item in interface.inputs:
        if item.preprocessing is not None:
            record["com.mobilezoo.preprocessing"] = item.preprocessing.to_json()
    return record


def check_supported(graph: Graph) -> None:
    """Raise UnsupportedLayersError that lists every node without an emitter."""
    missing = [n for n in graph.nodes if n.kind not in EMITTERS and n.kind != "constant"]
    if missing:
        lines = "\n".join(f"  {node.name}: operation '{node.kind}'" for node in missing)
        raise UnsupportedLayersError(
            f"{len(missing)} operation(s) of '{graph.name}' cannot be exported:\n{lines}"
        )


def _cannot_load() -> bool:
    """Only Core ML itself, on a Mac, loads a model to predict with it."""
    return sys.platform != "darwin"
