"""`load_coreml`: a Core ML file, opened on any operating system."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, overload

import numpy as np

from mobilezoo.errors import CoreMLFileError, InvalidArgumentError
from mobilezoo.runtime.arithmetic import Array
from mobilezoo.runtime.examples import Examples, read_examples
from mobilezoo.runtime.executable import Executable
from mobilezoo.runtime.features import Feature, Metadata
from mobilezoo.runtime.operations import Block, Classifier, Shape, read_block
from mobilezoo.runtime.package import Package, open_package

_LIST_CHUNK = 32  # examples of a list that run at once


def load_coreml(path: str | os.PathLike[str]) -> CoreMLProgram:
    """Open a `.mlpackage` that holds an ML program.

    Everything is checked now, except the numbers in the weight files, which are read when
    they are needed.

    Args:
        path: the `.mlpackage` folder.

    Raises:
        CoreMLFileError: there is no such package, or it is damaged.
        UnsupportedOpError: the program has ops that the runtime does not know; all are listed.
    """
    return CoreMLProgram(open_package(path))


class CoreMLProgram:
    """A Core ML program that runs on TensorFlow's CPU kernels, in float32.

    Use `load_coreml` to make one.

    Attributes:
        path: of the package.
        inputs: what `predict` takes.
        outputs: what `predict` returns.
        metadata: author, license, versions, minimum iOS.
        labels: names of the classes, or None if the program is no classifier.
    """

    def __init__(self, package: Package) -> None:
        self.path: Path = package.path
        self._block = read_block(package)
        self.inputs, self.outputs = _features(package, self._block)
        self.metadata: Metadata = package.metadata
        classifier = self._block.classifier
        self.labels = None if classifier is None else classifier.labels
        self._executable = Executable(self._block, self.inputs, _fetched(self._block, self.outputs))

    @overload
    def predict(self, inputs: Mapping[str, Any]) -> dict[str, Any]: ...

    @overload
    def predict(self, inputs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]: ...

    def predict(
        self, inputs: Mapping[str, Any] | Sequence[Mapping[str, Any]]
    ) -> dict[str, Any] | list[dict[str, Any]]:
        """Run the program, as `coremltools.models.MLModel.predict` does.

        Args:
            inputs: name -> value. A value is a picture (PIL, or pixels 0..255 in the order
                R, G, B as (height, width, channels)) or an array of the declared shape. N
                examples run at once if each picture is (N, height, width, channels) and each
                array has N instead of its leading 1, or N before its declared shape. A list of
                such dictionaries, of one example each, is run in turn.

        Returns:
            name -> value, or a list of these. A classifier gives its label, and a dictionary
            label -> probability; N examples give lists of N.

        Raises:
            InvalidArgumentError: an unknown or missing name, a wrong shape, size or type.
        """
        if isinstance(inputs, Sequence) and not isinstance(inputs, str):
            return self._predict_list(inputs)
        examples = read_examples(self.inputs, inputs)
        columns = self._columns(examples.arrays)
        return {name: _present(column, examples) for name, column in columns.items()}

    def layers(self, inputs: Mapping[str, Any]) -> Iterator[tuple[str, Array]]:
        """Run one example and yield every value that is computed, with its name.

        The order is the program's, the axes are the file's; constants are left out.
        """
        examples = read_examples(self.inputs, inputs)
        if examples.count is not None:
            raise InvalidArgumentError("layers takes one example, not several at once.")
        return self._executable.values(examples.arrays)

    def __repr__(self) -> str:
        """The file with its inputs and outputs."""
        inputs, outputs = (
            ", ".join(feature.name for feature in side) for side in (self.inputs, self.outputs)
        )
        return f"<CoreMLProgram {self.path.name}: {inputs} -> {outputs}>"

    def op_types(self) -> Counter[str]:
        """How many operations of each type the program has; constants are left out."""
        return Counter(operation.type for operation in self._block.operations) + Counter(
            [] if self._block.classifier is None else ["classify"]
        )

    def _predict_list(self, inputs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        results: list[dict[str, Any]] = []
        queue = iter(inputs)
        while chunk := [read_examples(self.inputs, item) for item in islice(queue, _LIST_CHUNK)]:
            if any(examples.count is not None for examples in chunk):
                raise InvalidArgumentError("A dictionary in a list holds one example, not several.")
            arrays = [
                np.concatenate(parts) for parts in zip(*(e.arrays for e in chunk), strict=True)
            ]
            columns = self._columns(arrays)
            results += [
                {name: column[i] for name, column in columns.items()} for i in range(len(chunk))
            ]
        return results

    def _columns(self, arrays: Sequence[Array]) -> dict[str, Any]:
        """Output name -> one item per example, each as the file declares it."""
        names = _fetched(self._block, self.outputs)
        fetched: dict[str, Any] = dict(zip(names, self._executable.run(arrays), strict=True))
        classifier = self._block.classifier
        if classifier is not None:
            probabilities = fetched[classifier.probabilities]
            rows = probabilities.reshape(len(probabilities), -1)
            fetched[classifier.label_output] = [classifier.labels[row.argmax()] for row in rows]
            fetched[classifier.probability_output] = [
                dict(zip(classifier.labels, row.tolist(), strict=True)) for row in rows
            ]
        return {
            feature.name: _declared_type(fetched[feature.name], feature) for feature in self.outputs
        }


def _fetched(block: Block, outputs: Sequence[Feature]) -> list[str]:
    """The values to compute: outputs, and instead of a classifier's two its probabilities."""
    classifier = block.classifier
    if classifier is None:
        return [feature.name for feature in outputs]
    named = (classifier.label_output, classifier.probability_output)
    names = [feature.name for feature in outputs if feature.name not in named]
    return [*dict.fromkeys([*names, classifier.probabilities])]


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
    _check_images(package, shapes)
    _check_kinds(
        package.path, "output", package.outputs, ("array", "string", "int64", "dictionary")
    )
    for operation in block.operations:
        shapes |= {output.name: output.shape for output in operation.outputs}
    _check_classifier(package.path, block.classifier, shapes)
    return tuple(_shaped(feature, shapes) for feature in package.inputs), tuple(
        _shaped(feature, shapes) for feature in package.outputs
    )


def _check_kinds(path: Path, side: str, features: Sequence[Feature], known: Sequence[str]) -> None:
    for feature in features:
        if feature.kind not in known:
            raise CoreMLFileError(
                f"{path}: {side} {feature.name!r} is of kind {feature.kind}, which is not "
                f"supported; known are {', '.join(known)}."
            )


def _check_images(package: Package, shapes: Mapping[str, Shape]) -> None:
    """Whether the program takes each picture as (1, channels, height, width)."""
    for feature in package.inputs:
        if feature.kind == "image" and shapes[feature.name] != feature.shape:
            raise CoreMLFileError(
                f"{package.path}: image {feature.name!r} is described as {feature.shape}, the "
                f"program takes {shapes[feature.name]}."
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


def _shaped(feature: Feature, shapes: Mapping[str, Shape]) -> Feature:
    return replace(feature, shape=shapes.get(feature.name, feature.shape))


def _declared_type(column: Any, feature: Feature) -> Any:
    if feature.dtype is None or not isinstance(column, np.ndarray):
        return column
    return column.astype(feature.dtype, copy=False)


def _present(column: Any, examples: Examples) -> Any:
    """A column in the form in which its examples were given."""
    if examples.count is None:
        return column[0]
    instead_of_one = isinstance(column, np.ndarray) and not examples.extra_axis
    return column[:, 0] if instead_of_one and column.shape[1:2] == (1,) else column
