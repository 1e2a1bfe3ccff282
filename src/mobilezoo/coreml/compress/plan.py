"""The layers of a package, measured, and the best mix of precisions of each size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mobilezoo.coreml.compress.constants import Constant
from mobilezoo.coreml.compress.drift import Drift
from mobilezoo.coreml.compress.importance import measure_importance
from mobilezoo.coreml.compress.knapsack import Knapsack, Point
from mobilezoo.coreml.compress.package import Measured, OpenedPackage
from mobilezoo.coreml.compress.sensitivity import Bench, Layer, in_precision, measure_layers
from mobilezoo.coreml.precision import Precision
from mobilezoo.errors import InvalidArgumentError
from mobilezoo.graph.node import Array
from mobilezoo.runtime.program import load_coreml


class Plan:
    """What each layer costs in each precision.

    Args:
        opened: the package; its default function runs.
        data: examples, as `read_data` takes them.
        examples: how many are used.
        precisions: that are tried.
        optimize: one of `OBJECTIVES`.
        repaired: whether biases make up for what rounding shifts.
        weighed: whether weights count by how the answers hang on them.

    Raises:
        InvalidArgumentError: data that the file does not take, no weights that would be smaller,
            or no classes to agree on.
    """

    def __init__(
        self,
        opened: OpenedPackage,
        data: Any,
        examples: int,
        precisions: Sequence[Precision],
        optimize: str,
        *,
        repaired: bool = False,
        weighed: bool = False,
    ) -> None:
        file = opened.file
        self._function = file.default_function
        program = load_coreml(file.path)
        self.bench = Bench(program, data, examples, repaired=repaired)
        if optimize == "agreement" and not self.bench.tells_classes:
            raise InvalidArgumentError(
                "optimize='agreement' is for files that end in a softmax over classes; this one "
                "does not. Pass optimize='error'."
            )
        self._importance: dict[Any, Array] = {}
        if weighed:
            running = [item for item in opened.constants if item.function == self._function]
            self._importance = measure_importance(program, self.bench.inputs, running)
        self.layers = measure_layers(
            self.bench, opened.constants, precisions, self._function, self._importance
        )
        if not self.layers:
            raise InvalidArgumentError(
                f"{file.path.name} has no weights that would be smaller in "
                f"{', '.join(item.name for item in precisions)}."
            )
        sizes = [layer.sizes for layer in self.layers]
        self.knapsack = Knapsack(sizes, [layer.costs(optimize) for layer in self.layers])
        whole = sum(item.stat().st_size for item in Path(file.path).rglob("*") if item.is_file())
        self._fixed = whole - sum(row[0] for row in sizes)

    def options(self, point: Point) -> Iterator[tuple[Layer, Precision | None]]:
        """Each layer and its precision; None: it stays as it is."""
        for layer, i in zip(self.layers, point.choice, strict=True):
            yield layer, layer.options[i]

    def chosen(self, point: Point) -> dict[Constant, Precision]:
        """The precision of each weight that does not stay as it is."""
        return {
            constant: option
            for layer, option in self.options(point)
            for constant in layer.constants
            if option is not None
        }

    def uniform(self, precision: Precision) -> Point:
        """All layers that can be in that precision."""
        choice = tuple(
            layer.options.index(precision) if precision in layer.options else 0
            for layer in self.layers
        )
        size = sum(layer.sizes[i] for layer, i in zip(self.layers, choice, strict=True))
        return Point(size, 0.0, choice)

    def drift(self, point: Point) -> Drift:
        """How far the answers move with all layers in their precisions."""
        return self.bench.drift(self._weights(point))

    def measured(self, point: Point) -> Measured:
        """What the examples told, for the file with all layers in their precisions."""
        found = self.bench.biases(self._weights(point))
        biases = {(self._function, layer): bias for layer, bias in found.items()}
        return Measured(biases, None, self._importance)

    def _weights(self, point: Point) -> dict[Constant, Array]:
        return {
            constant: in_precision(constant, option, self._importance)
            for constant, option in self.chosen(point).items()
            if constant.function == self._function
        }

    @property
    def smallest(self) -> int:
        """Bytes of the smallest package, about."""
        return self._fixed + self.knapsack.smallest

    @property
    def largest(self) -> int:
        """Bytes that no package exceeds."""
        return self._fixed + sum(max(layer.sizes) for layer in self.layers)

    def within(self, size: int) -> Point | None:
        """The best mix of a package of at most so many bytes, about; None where there is none."""
        return self.knapsack.within(size - self._fixed)

    def file_bytes(self, point: Point) -> int:
        """Of the package, to a few hundred bytes."""
        return self._fixed + point.size
