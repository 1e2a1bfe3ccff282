"""`load_coreml`: a Core ML file, opened on any operating system."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, islice
from pathlib import Path
from typing import Any, overload

import numpy as np

from mobilezoo._labels import labels_in
from mobilezoo.errors import CoreMLFileError, InvalidArgumentError, did_you_mean
from mobilezoo.runtime.arithmetic import Array
from mobilezoo.runtime.examples import Examples, read_examples
from mobilezoo.runtime.features import Feature, Metadata
from mobilezoo.runtime.ml_program import open_ml_program
from mobilezoo.runtime.network.opening import open_network
from mobilezoo.runtime.network.pipeline import PIPELINES, open_pipeline
from mobilezoo.runtime.opened import Opened
from mobilezoo.runtime.package import InPackage, ModelFile, open_package, read_model
from mobilezoo.runtime.stored import Place, Weights, stored_weights, with_weights

_LIST_CHUNK = 32  # examples of a list that run at once


def load_coreml(
    path: str | os.PathLike[str] | InPackage, *, function_name: str | None = None
) -> CoreMLProgram:
    """Open an ML program (`.mlpackage`), or a neural network or a pipeline of them (`.mlmodel`).

    Everything is checked now, except the numbers of the weights, which are read when they are
    needed.

    Args:
        path: the `.mlpackage` folder or the `.mlmodel` file, or coremltools' `MLModel` of a folder.
        function_name: of an ML program with several functions; its default one if None.

    Raises:
        CoreMLFileError: there is no such file, or it is damaged.
        InvalidArgumentError: it has no function of that name; those that there are, are listed.
        UnsupportedOpError: it has ops or layers that the runtime does not know; all are listed.
    """
    model = read_model(path)
    _check_function(model, function_name)
    if model.kind == "mlProgram":
        return CoreMLProgram(open_ml_program(open_package(model, function_name)))
    if model.kind in PIPELINES:
        return CoreMLProgram(open_pipeline(model))
    return CoreMLProgram(open_network(model))


class CoreMLProgram:
    """A Core ML file that runs on TensorFlow's CPU kernels, in float32.

    Use `load_coreml` to make one.

    Attributes:
        path: of the file.
        inputs: what `predict` takes.
        outputs: what `predict` returns.
        metadata: author, license, versions, minimum iOS.
        labels: names of the classes, of a classifier or in the metadata of a file with an output
            for each class (`classes`); None where there are none.
        is_classifier: whether `predict` gives one label, and a probability for each.
    """

    def __init__(self, opened: Opened) -> None:
        self.path: Path = opened.path
        self.inputs: tuple[Feature, ...] = opened.inputs
        self.outputs: tuple[Feature, ...] = opened.outputs
        self.metadata: Metadata = opened.metadata
        self._opened = opened
        self._block, self._fetch = opened.block, opened.fetch
        self._executable = opened.executable
        classifier = opened.block.classifier
        self.is_classifier = classifier is not None
        self.labels = (
            labels_in(opened.metadata.user_defined) if classifier is None else classifier.labels
        )

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
                such dictionaries, of one example each, is run in turn. Pixels may be floating
                numbers, but not scaled to 0..1: a picture with none above 1 is refused, unless it
                is black or of whole numbers.

        Returns:
            name -> value, or a list of these. A classifier gives its label, and a dictionary
            label -> probability; N examples give lists of N.

        Raises:
            InvalidArgumentError: an unknown or missing name, a wrong shape, size or type, pixels
                scaled to 0..1, or a row that a table does not have.
        """
        if isinstance(inputs, Sequence) and not isinstance(inputs, str):
            return self._predict_list(inputs)
        examples = read_examples(self.inputs, inputs)
        columns = self._columns(examples.arrays)
        return {
            feature.name: _present(columns[feature.name], feature, examples)
            for feature in self.outputs
        }

    def layers(self, inputs: Mapping[str, Any]) -> Iterator[tuple[str, Array]]:
        """Run one example and yield every value that is computed, with its name.

        The order is the program's, the axes are the file's; constants are left out. A neural
        network's values are (1, channels, height, width), whatever its outputs declare, or
        (sequence, 1, channels, height, width) if one of its layers works along a sequence;
        those of layers of any rank (specification 4 and later) are as the layers made them.
        """
        examples = read_examples(self.inputs, inputs)
        if examples.count is not None:
            raise InvalidArgumentError("layers takes one example, not several at once.")
        return self._executable.values(examples.arrays)

    def weights(self) -> dict[Place, Weights]:
        """What the file stores, by the value that an operation makes and the parameter's name.

        Weights in few bits are read as what their codes stand for. A pipeline gives none.
        """
        return stored_weights(self._opened)

    def with_weights(self, weights: Mapping[Place, Array]) -> CoreMLProgram:
        """The same program with others in place of some of its `weights()`, of equal shapes."""
        return CoreMLProgram(with_weights(self._opened, weights))

    def __repr__(self) -> str:
        """The file with its inputs and outputs."""
        inputs, outputs = (
            ", ".join(feature.name for feature in side) for side in (self.inputs, self.outputs)
        )
        return f"<CoreMLProgram {self.path.name}: {inputs} -> {outputs}>"

    def op_types(self) -> Counter[str]:
        """How many operations or layers of each type there are; constants are left out."""
        block = self._block
        classifies = block.classifier is not None and block.classifier.is_operation
        return Counter(operation.type for operation in block.operations) + Counter(
            ["classify"] if classifies else []
        )

    def _predict_list(self, inputs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        results: list[dict[str, Any]] = []
        queue = iter(inputs)
        while chunk := [read_examples(self.inputs, item) for item in islice(queue, _LIST_CHUNK)]:
            if any(examples.count is not None for examples in chunk):
                raise InvalidArgumentError("A dictionary in a list holds one example, not several.")
            for _, alike in groupby(chunk, key=lambda item: [a.shape for a in item.arrays]):
                results += self._predict_alike([item.arrays for item in alike])
        return results

    def _predict_alike(self, examples: Sequence[Sequence[Array]]) -> list[dict[str, Any]]:
        """Examples of one shape, at once."""
        columns = self._columns([np.concatenate(parts) for parts in zip(*examples, strict=True)])
        return [{name: column[i] for name, column in columns.items()} for i in range(len(examples))]

    def _columns(self, arrays: Sequence[Array]) -> dict[str, Any]:
        """Output name -> one item per example, each as the file declares it."""
        run = self._executable.run(arrays)
        fetched: dict[str, Any] = dict(zip(self._fetch, run, strict=True))
        classifier = self._block.classifier
        if classifier is not None:
            probabilities = fetched[classifier.probabilities]
            rows = probabilities.reshape(len(probabilities), -1)
            if rows.shape[1] != len(classifier.labels):
                raise CoreMLFileError(
                    f"{self.path}: {len(classifier.labels)} labels for {rows.shape[1]} "
                    "probabilities."
                )
            fetched[classifier.label_output] = [classifier.labels[row.argmax()] for row in rows]
            fetched[classifier.probability_output] = [
                dict(zip(classifier.labels, row.tolist(), strict=True)) for row in rows
            ]
        return {
            feature.name: _declared_type(fetched[feature.name], feature) for feature in self.outputs
        }


def _check_function(model: ModelFile, name: str | None) -> None:
    if name is None or name in model.functions:
        return
    if not model.functions:
        raise InvalidArgumentError(
            f"function_name={name!r}: {model.path.name} is no ML program, and has no functions."
        )
    raise InvalidArgumentError(
        f"{model.path.name} has no function {name!r}. Choose {', '.join(model.functions)}."
        f"{did_you_mean(name, model.functions)}"
    )


def _declared_type(column: Any, feature: Feature) -> Any:
    if feature.kind == "double":  # of a regressor: one number per example
        if not isinstance(column, np.ndarray) or column[0].size != 1:
            raise CoreMLFileError(f"output {feature.name!r} is declared as a number, but is none.")
        return [float(row.reshape(())) for row in column]
    if feature.dtype is None or not isinstance(column, np.ndarray):
        return column
    with np.errstate(invalid="ignore"):  # what is no number, as a whole number
        return column.astype(feature.dtype, copy=False)


def _present(column: Any, feature: Feature, examples: Examples) -> Any:
    """A column in the form in which its examples were given."""
    if examples.count is None:
        return column[0]
    instead_of_one = isinstance(column, np.ndarray) and not examples.extra_axis
    leading_one = feature.leading_batch and instead_of_one and column.shape[1:2] == (1,)
    return column[:, 0] if leading_one else column
