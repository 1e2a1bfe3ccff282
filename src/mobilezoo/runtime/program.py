"""`load_coreml`: a Core ML file, opened on any operating system."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby, islice
from pathlib import Path
from typing import Any, overload

import numpy as np

from mobilezoo._labels import labels_in
from mobilezoo.errors import InvalidArgumentError, did_you_mean
from mobilezoo.runtime.answers import answers, present
from mobilezoo.runtime.arithmetic import Array
from mobilezoo.runtime.examples import read_examples, read_listed
from mobilezoo.runtime.features import Feature, Metadata
from mobilezoo.runtime.opened import Opened
from mobilezoo.runtime.opening import open_model
from mobilezoo.runtime.package import InPackage, ModelFile, read_model
from mobilezoo.runtime.storage import Float16Storage, Storage
from mobilezoo.runtime.stored import Place, Weights, stored_weights, with_weights

_STORAGES = {"float32": Storage, "float16": Float16Storage}
_LIST_CHUNK = 32  # examples of a list that run at once


def load_coreml(
    path: str | os.PathLike[str] | InPackage,
    *,
    function_name: str | None = None,
    arithmetic: str = "float32",
) -> CoreMLProgram:
    """Open an ML program (`.mlpackage`), a neural network (`.mlmodel`), or a pipeline of models.

    Everything is checked now, except the numbers of the weights, which are read when they are
    needed.

    Args:
        path: the `.mlpackage` folder or the `.mlmodel` file, or coremltools' `MLModel` of a folder.
        function_name: of an ML program with several functions; its default one if None.
        arithmetic: "float32", or "float16": each value that an op computes is rounded to float16
            before the next op reads it, as a device of float16 would store it; ops themselves
            still compute and accumulate in float32. Values that a program declares float32 beside
            float16 ones stay so; programs without float16, and neural networks, are rounded
            throughout, weights included. `predict` and `layers` give a Float16OverflowWarning
            that names the op from which values beyond 65504 come.

    Raises:
        CoreMLFileError: there is no such file, or it is damaged.
        InvalidArgumentError: it has no function of that name; those that there are, are listed.
        UnsupportedOpError: it has ops, layers or models that the runtime does not know; all are
            listed.
    """
    if arithmetic not in _STORAGES:
        raise InvalidArgumentError(
            f"Unknown arithmetic {arithmetic!r}. Choose {', '.join(_STORAGES)}."
            f"{did_you_mean(str(arithmetic), _STORAGES)}"
        )
    model = read_model(path)
    _check_function(model, function_name)
    opened = open_model(model, function_name)
    executable = opened.executable.storing(_STORAGES[arithmetic])
    functions = model.functions
    name = (function_name or model.default_function) if functions else None
    opened = replace(opened, executable=executable, functions=functions, function_name=name)
    return CoreMLProgram(opened, arithmetic)


class CoreMLProgram:
    """A Core ML file that runs on TensorFlow's CPU kernels.

    Use `load_coreml` to make one.

    Attributes:
        path: of the file.
        inputs: what `predict` takes.
        outputs: what `predict` returns.
        metadata: author, license, versions, minimum iOS.
        functions: names of an ML program's functions; empty for other files.
        function_name: of the one that was opened; None for other files.
        labels: names of the classes, of a classifier, of the boxes that a detector finds, or in the
            metadata of a file with an output for each class (`classes`); None where there are none.
        arithmetic: "float32", or "float16" if values are rounded to that.
        is_classifier: whether `predict` gives one label, and a probability for each.
    """

    def __init__(self, opened: Opened, arithmetic: str = "float32") -> None:
        self.path: Path = opened.path
        self.inputs: tuple[Feature, ...] = opened.inputs
        self.outputs: tuple[Feature, ...] = opened.outputs
        self.metadata: Metadata = opened.metadata
        self.arithmetic = arithmetic
        self._opened = opened
        self._block = opened.block
        self._executable = opened.executable
        classifier = opened.block.classifier
        self.is_classifier = classifier is not None
        self.functions: tuple[str, ...] = opened.functions
        self.function_name: str | None = opened.function_name
        self.labels = (
            opened.labels or labels_in(opened.metadata.user_defined)
            if classifier is None
            else classifier.labels
        )

    @overload
    def predict(self, inputs: Mapping[str, Any]) -> dict[str, Any]: ...

    @overload
    def predict(self, inputs: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]: ...

    def predict(
        self, inputs: Mapping[str, Any] | Iterable[Mapping[str, Any]]
    ) -> dict[str, Any] | list[dict[str, Any]]:
        """Run the program, as `coremltools.models.MLModel.predict` does.

        Args:
            inputs: name -> value. A value is a picture (PIL, or pixels 0..255 in the order
                R, G, B as (height, width, channels)) or an array of the declared shape. N
                examples run at once if each picture is (N, height, width, channels) and each
                array has N instead of its leading 1, or N before its declared shape. Pixels may be
                floating numbers, but not scaled to 0..1: a picture with none above 1 is refused,
                unless it is black or of whole numbers. A list of such dictionaries, of one example
                each, is run in turn, or whatever else gives them one after the other: a generator
                is asked for 32, and these are forgotten before it is asked again.

        Returns:
            name -> value, or a list of these where several were given one after the other. A
            classifier gives its label, and a dictionary label -> probability. A picture is a PIL
            image of mode "RGBA", "L" or "F". N examples at once give an array with N rows, or a
            list of N labels, dictionaries or pictures.

        Raises:
            InvalidArgumentError: an unknown or missing name, a wrong shape, size or type, pixels
                scaled to 0..1, or a row that a table does not have.
        """
        if not isinstance(inputs, Mapping):
            return self._predict_list(inputs)
        examples = read_examples(self.inputs, inputs)
        columns = answers(self._opened, self._executable.run(examples.arrays))
        return {
            feature.name: present(columns[feature.name], feature, examples)
            for feature in self.outputs
        }

    def layers(self, inputs: Mapping[str, Any]) -> Iterator[tuple[str, Array]]:
        """Run one example and yield every value that is computed, with its name.

        The order is the program's, the axes are the file's; constants are left out. A neural
        network's values are (1, channels, height, width), whatever its outputs declare, or
        (sequence, 1, channels, height, width) if one of its layers works along a sequence;
        those of layers of any rank (specification 4 and later) are as the layers made them.
        """
        if not isinstance(inputs, Mapping):
            raise InvalidArgumentError(
                "layers takes one example, a dictionary: name -> value; "
                f"{type(inputs).__name__} was given."
            )
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
        """The same program with others in place of some of its `weights()`.

        Args:
            weights: place -> array, as `weights()` names the places; in the shape of what is there.

        Raises:
            InvalidArgumentError: a place that the program does not have, another shape, fractions
                in place of whole numbers, or a pipeline.
        """
        return CoreMLProgram(with_weights(self._opened, weights), self.arithmetic)

    def __repr__(self) -> str:
        """The file with its inputs and outputs."""
        inputs, outputs = (
            ", ".join(feature.name for feature in side) for side in (self.inputs, self.outputs)
        )
        return f"<CoreMLProgram {self.path.name}: {inputs} -> {outputs}>"

    def op_types(self) -> Counter[str]:
        """How many operations or layers of each type there are; constants are left out."""
        return Counter(self.op_sequence())

    def op_sequence(self) -> tuple[str, ...]:
        """Types of the operations or layers in the program's order; constants are left out."""
        block = self._block
        classifies = block.classifier is not None and block.classifier.is_operation
        types = tuple(operation.type for operation in block.operations)
        return (*types, "classify") if classifies else types

    def _predict_list(self, inputs: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        results: list[dict[str, Any]] = []
        queue = read_listed(self.inputs, inputs)
        while chunk := list(islice(queue, _LIST_CHUNK)):
            for _, alike in groupby(chunk, key=lambda item: [a.shape for a in item.arrays]):
                results += self._predict_alike([item.arrays for item in alike])
            del chunk, alike
        return results

    def _predict_alike(self, examples: Sequence[Sequence[Array]]) -> list[dict[str, Any]]:
        """Examples of one shape, at once."""
        arrays = [np.concatenate(parts) for parts in zip(*examples, strict=True)]
        columns = answers(self._opened, self._executable.run(arrays))
        return [{name: column[i] for name, column in columns.items()} for i in range(len(examples))]


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
