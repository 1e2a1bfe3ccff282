"""Opens a neural network, classifier or regressor, and makes it ready to run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from mobilezoo.errors import CoreMLFileError
from mobilezoo.runtime.features import Feature
from mobilezoo.runtime.network.batching import many_at_once
from mobilezoo.runtime.network.entrances import entrances, inner_inputs, is_rank_5
from mobilezoo.runtime.network.executable import NetworkExecutable
from mobilezoo.runtime.network.reading import has_only_pictures, read_layers
from mobilezoo.runtime.opened import Opened, fetched
from mobilezoo.runtime.operations import Block, Classifier, Constant, Operation, Output
from mobilezoo.runtime.package import ModelFile, class_labels

NETWORKS = ("neuralNetwork", "neuralNetworkClassifier", "neuralNetworkRegressor")
_OUTPUTS = ("array", "image", "string", "int64", "double", "dictionary")


def open_network(file: ModelFile) -> Opened:
    """Check a neural network and make it ready to run.

    Raises:
        CoreMLFileError: it is damaged.
        UnsupportedOpError: it has layers that the runtime does not know; all are listed.
    """
    path = file.path
    network = getattr(file.model, str(file.kind))
    inputs, outputs = file.features()
    _check_features(inputs, outputs, path)
    inner, mapped = inner_inputs(inputs, network, path)
    only_pictures = mapped and has_only_pictures(network.layers)
    operations = read_layers(network.layers, [feature.name for feature in inputs], path)
    if only_pictures:
        operations = tuple(_of_rank_4(operation) for operation in operations)
    block = Block(
        inputs=tuple(Output(item.name, "FLOAT32", item.shape) for item in inner),
        operations=operations,
        outputs=tuple(feature.name for feature in outputs),
        classifier=_classifier(file, network, operations),
        constants={},
        entrances=entrances(inputs, network, only_pictures, path),
    )
    inputs, outputs = (
        tuple(replace(feature, leading_batch=not mapped) for feature in side)
        for side in (inputs, outputs)
    )
    fetch = fetched(block, outputs)
    _check_fetched(fetch, block, path)
    many = None if _has_sequence(inner, network, only_pictures) else many_at_once(block, fetch)
    return Opened(
        path=path,
        inputs=inputs,
        outputs=outputs,
        metadata=file.metadata,
        block=block,
        fetch=fetch,
        executable=NetworkExecutable(block, inner, fetch, many, outputs, path),
    )


def _check_features(inputs: Sequence[Feature], outputs: Sequence[Feature], path: object) -> None:
    for feature in inputs:
        if feature.kind not in ("array", "image"):
            raise CoreMLFileError(
                f"{path}: input {feature.name!r} is of kind {feature.kind}, which is not "
                "supported; known are array, image."
            )
    for feature in outputs:
        if feature.kind not in _OUTPUTS:
            raise CoreMLFileError(
                f"{path}: output {feature.name!r} is of kind {feature.kind}, which is not "
                f"supported; known are {', '.join(_OUTPUTS)}."
            )
    names = [feature.name for feature in (*inputs, *outputs)]
    if not inputs or not outputs or len(set(names)) < len(names):
        raise CoreMLFileError(f"{path}: no input, no output, or a name twice among {names}.")


def _has_sequence(inputs: Sequence[Feature], network: Any, only_pictures: bool) -> bool:
    """Whether an axis of sequence comes before that of the examples."""
    return not only_pictures and any(is_rank_5(feature, network) for feature in inputs)


def _of_rank_4(operation: Operation) -> Operation:
    """A constant without the axis of sequence, where no value has one."""
    if operation.type != "loadConstant":
        return operation
    return replace(operation, arguments={**operation.arguments, "rank": Constant(4)})


def _classifier(
    file: ModelFile, network: Any, operations: Sequence[Operation]
) -> Classifier | None:
    """Labels, and which value holds their probabilities: the last layer's if not said."""
    if file.kind != "neuralNetworkClassifier":
        return None
    labels = class_labels(network)
    description = file.model.description
    probabilities = network.labelProbabilityLayerName
    if not probabilities and operations:
        probabilities = operations[-1].outputs[0].name
    if not labels or not probabilities or not description.predictedFeatureName:
        raise CoreMLFileError(
            f"{file.path}: a classifier without labels, probabilities or a name for the label."
        )
    return Classifier(
        probabilities,
        labels,
        description.predictedFeatureName,
        description.predictedProbabilitiesName,
        is_operation=False,
    )


def _check_fetched(fetch: Sequence[str], block: Block, path: object) -> None:
    defined = {item.name for item in block.inputs}
    for operation in block.operations:
        defined.update(output.name for output in operation.outputs)
    missing = [name for name in fetch if name not in defined]
    if missing:
        raise CoreMLFileError(f"{path}: nothing defines the output {missing[0]!r}.")
