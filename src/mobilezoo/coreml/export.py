"""`export_coreml`: capture -> fold -> emit -> describe -> save."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Sequence
from typing import Any

import coremltools
import keras
from coremltools.models import MLModel

from mobilezoo._version import __version__
from mobilezoo.coreml.arguments import check_arguments, check_texts
from mobilezoo.coreml.classes import classify
from mobilezoo.coreml.compress.compressing import Given
from mobilezoo.coreml.description import describe
from mobilezoo.coreml.emit import EMITTERS
from mobilezoo.coreml.flexibility import Flexibility, check_flexibility
from mobilezoo.coreml.interface import Interface, plan
from mobilezoo.coreml.neural_network import check_expressible
from mobilezoo.coreml.overflow import check_use, warn_of_overflow
from mobilezoo.coreml.pixels import warn_of_preprocessing
from mobilezoo.coreml.saved import saved
from mobilezoo.coreml.sizes import capture_at_all_sizes, check_every_size
from mobilezoo.coreml.target import Format
from mobilezoo.coreml.training import OnDeviceTraining, find_candidates, find_training
from mobilezoo.coreml.writing import find_file, find_writer
from mobilezoo.data.labels import find_labels
from mobilezoo.data.preprocessing import Preprocessing, preprocessing_of
from mobilezoo.data.preprocessing import preprocessing as find_preprocessing
from mobilezoo.data.source import weights_of
from mobilezoo.errors import UnsupportedLayersError
from mobilezoo.graph import FoldReport, Graph, fold
from mobilezoo.graph.free import check_free_sides

_log = logging.getLogger("mobilezoo")


def export_coreml(
    model: keras.Model,
    path: str | os.PathLike[str] | None = None,
    *,
    precision: Given = "float16",
    keep_ends: bool = False,
    repair: Any = None,
    weigh: Any = None,
    inputs: str | None = None,
    preprocessing: str | Preprocessing | None = None,
    labels: str | Iterable[str] | None = None,
    input_shape: Sequence[int] | None = None,
    flexible: Flexibility | None = None,
    minimum_deployment_target: str | Any | None = None,
    calibration: Any = None,
    updatable: Sequence[str | keras.layers.Layer] | OnDeviceTraining | None = None,
    overwrite: bool = False,
    author: str | None = None,
    license: str | None = None,
    short_description: str | None = None,
    version: str | None = None,
) -> MLModel:
    """Write a Keras 3 model as a Core ML file.

    A .mlpackage holds an ML program (iOS 15 and later), a .mlmodel a neural network of classic
    layers (iOS 11, in float16 iOS 11.2, in 8 bits and less iOS 12). An image input is called
    "image" and takes what Vision gives; an array input and all outputs keep Keras's shapes and
    axis order, in an ML program with a batch of 1, in a neural network without the batch. With
    labels the model is a classifier with the outputs "classLabel" and "classLabelProbs".

    Args:
        model: any Keras 3 model, built: Functional, Sequential, nested or subclassed.
        path: where to write, ending in ".mlpackage" or ".mlmodel"; None keeps it in a temporary
            folder.
        precision: of weights and activations: "float16" or "float32"; or of large kernels of
            convolutions and dense layers, the rest being in float16: "int8" (iOS 16), "int4"
            (iOS 18), "palette1" to "palette8" (the best table of 2 ** bits numbers for each
            kernel; iOS 16, 3 bits iOS 18; a .mlmodel takes int8 and all palettes, iOS 12), a
            `Palette`, `Linear`, `Sparse` or `W8A8`, or a dictionary of these by names or patterns
            of layers ({"block1*": "float16", "*": "palette4"}), of which the first that fits
            counts.
        keep_ends: whether the first and the last layer stay in float16, which costs few bytes and
            often keeps the accuracy.
        repair: examples as the file takes them (as `Budget` has them), for a .mlpackage in few
            bits: biases then make up for what rounding shifts in the mean of each channel.
        weigh: the same for palettes: tables are then best for the weights that the outputs hang on,
            by their mean squared gradient (Fisher diagonal), in place of all the same.
        inputs: "image" or "array"; default: "image" where the model has one input with 1 or 3
            channels.
        preprocessing: how the pixels of an image input are prepared: "none", "unit", "tf",
            "caffe", "torch" or a `Preprocessing`. Default: the record of a model that mobilezoo
            built; other models must say. A `PreprocessingWarning` tells where it is not the
            model's record, or scales pixels that the model scales again.
        labels: "imagenet", "cifar10", "digits", the path of a text file with one label a line, or
            the labels. Default: none, also for networks of the zoo, whose classes may be yours. A
            head that gives logits gets a softmax; one sigmoid unit p and two labels make
            (1 - p, p); several sigmoids stay an array, with the labels in the metadata.
        input_shape: (height, width, channels), for models whose input has free sides.
        flexible: shapes among which the app chooses: `ImageSizes` or an `ImageSizeRange`, also
            where the model was built for one size; for array inputs of an ML program `BatchRange`
            or `BatchSizes`. Default: one shape, the only one that the Neural Engine surely takes.
        minimum_deployment_target: the oldest system that must run the file: "iOS13", "macOS12",
            "watchOS6", "tvOS14", ... or a member of `coremltools.target`. Without a path it also
            chooses the format. Default: what the format needs.
        calibration: for float16: inputs as the model takes them, (n, ...) or a list of such, or
            a `tf.data.Dataset` or generator of batches, of which the first 32 are read; a
            `Float16OverflowWarning` names the layers whose values float16 cannot hold.
        updatable: Dense and Conv2D layers that learn on the device, for a .mlmodel in float32
            (iOS 13): the layers or their names, or an `OnDeviceTraining` with loss and optimizer.
        overwrite: whether a file at `path` may be replaced.
        author: a text that Xcode shows; None for nothing.
        license: the same.
        short_description: the same.
        version: the same, such as "1.10".

    Returns:
        The model as coremltools knows it; on a Mac it can predict.

    Raises:
        InvalidArgumentError: an argument that cannot be used; nothing is written.
        UnsupportedLayersError: lists every layer that cannot be exported, before any work.
        OutputExistsError: something is at `path` and `overwrite` is false.
    """
    check_arguments(model, path, inputs, overwrite)
    texts = check_texts(
        author=author, license=license, short_description=short_description, version=version
    )
    file = find_file(
        path, precision, minimum_deployment_target,
        keep_ends=keep_ends, repair=repair, weigh=weigh, overwrite=overwrite,
    )  # fmt: skip
    check_use(calibration, file.precision)
    training = find_training(updatable, file.form, file.precision, file.system)
    check_flexibility(flexible, file.form, file.system, learns=training is not None)
    captured, declared = capture_at_all_sizes(model, input_shape, flexible)
    graph, report = fold(captured)
    record = preprocessing_of(model) if preprocessing is None else find_preprocessing(preprocessing)
    if declared is not None:
        check_free_sides(graph)
        check_every_size(model, flexible, declared)
    _check(graph, file.form)
    learning = None if training is None else (
        training, find_candidates(training, model, captured, graph)
    )  # fmt: skip
    classes = classify(graph, None if labels is None else find_labels(labels))
    features = plan(
        classes.graph, inputs, record, classes.labels,
        explicit=preprocessing is not None, flexible=flexible, declared=declared,
    )  # fmt: skip
    if features.inputs[0].preprocessing is not None:
        warn_of_preprocessing(
            model, graph, features.inputs[0].preprocessing, explicit=preprocessing is not None
        )
    if calibration is not None:
        warn_of_overflow(model, classes.graph, calibration, input_shape)
    notes = "".join(f"; {key}: {value}" for key, value in classes.notes.items())
    _log.info("%s: %s%s", model.name, report, notes)
    user_defined = {**_record(model, features, file.precision_name, report), **classes.notes}
    description = describe(classes.graph, features, texts, user_defined, file.form)
    write = find_writer(classes.graph, features, file, description, learning)
    return saved(write, file.path, file.form, overwrite)


def _record(
    model: keras.Model, interface: Interface, precision: str, report: FoldReport
) -> dict[str, str]:
    """What the file says of how it was made; `verify` and `inspect` read it."""
    record = {
        "com.mobilezoo.version": __version__,
        "com.mobilezoo.precision": precision,
        "com.mobilezoo.folded": str(report),
        "com.mobilezoo.keras": keras.__version__,
        "com.mobilezoo.coremltools": coremltools.__version__,
    }
    source = weights_of(model)
    if source is not None:
        record["com.mobilezoo.weights"] = source
    for item in interface.inputs:
        if item.preprocessing is not None:
            record["com.mobilezoo.preprocessing"] = item.preprocessing.to_json()
    return record


def _check(graph: Graph, form: Format) -> None:
    """Raise UnsupportedLayersError that lists every node that the format cannot hold."""
    missing = [n for n in graph.nodes if n.kind not in EMITTERS and n.kind != "constant"]
    if missing:
        lines = "\n".join(f"  {node.name}: operation '{node.kind}'" for node in missing)
        raise UnsupportedLayersError(
            f"{len(missing)} operation(s) of '{graph.name}' cannot be exported:\n{lines}"
        )
    if form is Format.NEURAL_NETWORK:
        check_expressible(graph)
