"""Opens an ML program: its block, its features, and whether the two agree."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from mobilezoo.errors import CoreMLFileError
from mobilezoo.runtime.batch import batched
from mobilezoo.runtime.executable import Executable
from mobilezoo.runtime.features import Feature
from mobilezoo.runtime.opened import Opened, fetched
from mobilezoo.runtime.operations import Block, Classifier, Shape, read_block
from mobilezoo.runtime.package import Package


def open_ml_program(package: Package) -> Opened:
    """Check a package and make it ready to run.

    Raises:
        CoreMLFileError: it is damaged.
        UnsupportedOpError: the program has ops that the runtime does not know; all are listed.
    """
    block = read_block(package)
    inputs, outputs = _features(package, block)
    fetch = fetched(block, outputs)
    return Opened(
        path=package.path,
        inputs=inputs,
        outputs=outputs,
        metadata=package.metadata,
        block=block,
        fetch=fetch,
        executable=Executable(block, inputs, fetch, batched(block)),
    )


def _features(package: Package, block: Block) -> tuple[tuple[Feature, ...], tuple[Feature, ...]]:
    """Inputs and outputs with the shapes of the program, which knows the open sizes."""
    shapes = {item.name: item.shape for item in block.inputs}
    described = {feature.name for feature in package.inputs}
    missing = {feature.name for feature in package.outputs} - set(block.outputs)
    if set(shapes) != described or missing or not described:
        raise CoreMLFileError(
            f"{package.path}: described inputs {sorted(described)} are {sorted(shapes)} in the "
            f"program, described outputs without a value: {sorted(missing)}."
        )
    _check_kinds(package.path, "input", package.inputs, ("array", "image"))
    _check_inputs(package, shapes)
    _check_kinds(
        package.path, "output", package.outputs, ("array", "image", "string", "int64", "dictionary")
    )
    for operation in block.operations:
        shapes |= {output.name: output.shape for output in operation.outputs}
    _check_classifier(package.path, block.classifier, shapes)
    _check_pictures(package, shapes)
    return tuple(_as_narrow(feature, shapes) for feature in package.inputs), tuple(
        feature if feature.kind == "image" else _shaped(feature, shapes)
        for feature in package.outputs
    )


def _check_kinds(path: Path, side: str, features: Sequence[Feature], known: Sequence[str]) -> None:
    for feature in features:
        if feature.kind not in known:
            raise CoreMLFileError(
                f"{path}: {side} {feature.name!r} is of kind {feature.kind}, which is not "
                f"supported; known are {', '.join(known)}."
            )


def _check_inputs(package: Package, shapes: Mapping[str, Shape]) -> None:
    """Whether the program takes every size that the description offers.

    It takes a picture as (1, channels, height, width). An array that is described without a
    shape has the program's.
    """
    for feature in package.inputs:
        taken = shapes[feature.name]
        if not (feature.shape or feature.is_flexible):
            continue
        fits = _agree(feature.shape, taken)
        if not fits or any(
            described is None and size is not None
            for described, size in zip(feature.shape, taken, strict=True)
        ):
            offered = f"flexible, {feature.sizes_in_words()}" if fits else feature.shape
            raise CoreMLFileError(
                f"{package.path}: {feature.kind} {feature.name!r} is described as {offered}, "
                f"the program takes {taken}."
            )


def _agree(first: Shape, second: Shape) -> bool:
    """Whether two shapes are the same as far as both are known."""
    return len(first) == len(second) and all(
        a is None or b is None or a == b for a, b in zip(first, second, strict=True)
    )


def _check_classifier(
    path: Path, classifier: Classifier | None, shapes: Mapping[str, Shape]
) -> None:
    """Whether there is one label per probability."""
    if classifier is None:
        return
    shape = shapes.get(classifier.probabilities, ())
    sizes = [size for size in shape if size is not None]
    if len(sizes) == len(shape) and math.prod(sizes) != len(classifier.labels):
        raise CoreMLFileError(
            f"{path}: {len(classifier.labels)} labels for probabilities of shape {shape}."
        )


def _check_pictures(package: Package, shapes: Mapping[str, Shape]) -> None:
    """Whether what leaves as a picture can be one."""
    for feature in package.outputs:
        made = shapes.get(feature.name, feature.shape)
        if feature.kind == "image" and not _agree(feature.shape, made):
            raise CoreMLFileError(
                f"{package.path}: image {feature.name!r} is described as {feature.shape}, the "
                f"program makes {made}."
            )


def _as_narrow(feature: Feature, shapes: Mapping[str, Shape]) -> Feature:
    """An input in the shape that is described, which may fix what the program leaves open."""
    return feature if feature.shape else _shaped(feature, shapes)


def _shaped(feature: Feature, shapes: Mapping[str, Shape]) -> Feature:
    return replace(feature, shape=shapes.get(feature.name, feature.shape))
