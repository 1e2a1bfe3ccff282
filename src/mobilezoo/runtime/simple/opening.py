"""Opens a model that is one formula, and makes it ready to run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from mobilezoo.errors import CoreMLFileError, UnsupportedOpError
from mobilezoo.runtime.features import Feature
from mobilezoo.runtime.opened import Opened, fetched
from mobilezoo.runtime.operations import Block, Operation, Output
from mobilezoo.runtime.package import ModelFile
from mobilezoo.runtime.simple import arranging, linear, suppression
from mobilezoo.runtime.simple.executable import SimpleExecutable
from mobilezoo.runtime.simple.model import Features, Interface, SimpleModel

MODELS: dict[str, Callable[[Any, Interface], SimpleModel]] = {
    "arrayFeatureExtractor": arranging.read_extractor,
    "featureVectorizer": arranging.read_vectorizer,
    "glmClassifier": linear.read_classifier,
    "glmRegressor": linear.read_regressor,
    "identity": arranging.read_identity,
    "nonMaximumSuppression": suppression.read_suppression,
    "normalizer": arranging.read_normalizer,
    "scaler": arranging.read_scaler,
}
_MATRICES = ("nonMaximumSuppression",)  # whose arrays have two axes where nothing is declared
_INPUTS = ("array", "double", "int64")


def open_simple(file: ModelFile) -> Opened:
    """Check a model that is one formula and make it ready to run.

    Raises:
        CoreMLFileError: it is damaged.
        UnsupportedOpError: it takes what no vision model has, such as a dictionary.
    """
    kind = str(file.kind)
    where = f"{file.path}: {kind}"
    rank = 2 if kind in _MATRICES else 1
    inputs, outputs = (tuple(_free(feature, rank) for feature in side) for side in file.features())
    _check(inputs, outputs, where, any_kind=kind == "identity")
    description = file.model.description
    interface = Interface(
        inputs,
        outputs,
        description.predictedFeatureName,
        description.predictedProbabilitiesName,
        where,
    )
    model = MODELS[kind](getattr(file.model, kind), interface)
    inputs = _with_numbers(inputs, model)
    block = _block(kind, inputs, outputs, model)
    fetch = fetched(block, outputs)
    absent = [name for name in fetch if name not in model.makes]
    if absent:
        raise CoreMLFileError(f"{where}: nothing makes the output {absent[0]!r}.")
    return Opened(
        path=file.path,
        inputs=inputs,
        outputs=outputs,
        metadata=file.metadata,
        block=block,
        fetch=fetch,
        executable=SimpleExecutable(replace(model, makes=fetch), inputs, outputs, where),
        labels=model.labels,
    )


def _free(feature: Feature, rank: int) -> Feature:
    """An array without a declared shape has one of free sizes; no axis counts examples."""
    shape = feature.shape or ((None,) * rank if feature.kind == "array" else ())
    return replace(feature, shape=shape, leading_batch=False)


def _check(inputs: Features, outputs: Features, where: str, *, any_kind: bool) -> None:
    names = [feature.name for feature in (*inputs, *outputs)]
    twice = len(set(names[: len(inputs)])) < len(inputs)
    if not inputs or not outputs or twice:
        raise CoreMLFileError(f"{where}: no input, no output, or a name twice among {names}.")
    foreign = [
        f"{feature.name!r}, {feature.kind}" for feature in inputs
        if feature.kind not in (*_INPUTS, *(["string"] if any_kind else []))
    ]  # fmt: skip
    if foreign:
        raise UnsupportedOpError(
            f"{where}: inputs that are not supported: {', '.join(foreign)}; known are "
            f"{', '.join(_INPUTS)}."
        )


def _with_numbers(inputs: Features, model: SimpleModel) -> Features:
    """The inputs with those that only the model names; none of these need be given."""
    known = {feature.name for feature in inputs}
    described = tuple(
        replace(feature, optional=True) if feature.name in model.numbers else feature
        for feature in inputs
    )
    return described + tuple(
        Feature(name, "double", leading_batch=False, optional=True)
        for name in model.numbers
        if name not in known
    )


def _block(kind: str, inputs: Features, outputs: Features, model: SimpleModel) -> Block:
    """The model as one operation, to be counted."""
    made = tuple(Output(name, "DOUBLE", ()) for name in model.makes)
    operation = Operation(kind, {}, made, kind, model.compute, shapes_declared=False)
    return Block(
        inputs=tuple(Output(feature.name, "DOUBLE", feature.shape) for feature in inputs),
        operations=(operation,),
        outputs=tuple(feature.name for feature in outputs),
        classifier=model.classifier,
        constants={},
    )
