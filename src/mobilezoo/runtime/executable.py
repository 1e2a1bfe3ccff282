"""Compiles the loop: traces it once into a TensorFlow function, on the CPU."""

from __future__ import annotations

import copy
import math
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import tensorflow as tf

from mobilezoo.errors import MobilezooError
from mobilezoo.runtime.arithmetic import Array, tensor
from mobilezoo.runtime.demand import Demand, Mark, check_demand, has_computed_sizes, one_by_one
from mobilezoo.runtime.features import Feature
from mobilezoo.runtime.interpreter import evaluate, failure
from mobilezoo.runtime.layout import channels_first
from mobilezoo.runtime.operations import Block, Operation
from mobilezoo.runtime.storage import Storage

Values: TypeAlias = Iterator[tuple[str, Array]]  # with their names
Column: TypeAlias = Array | list[Array]  # one value of several examples, whose sizes may differ

_DEVICE = "CPU:0"
_CAST = (tf.uint8, tf.float64)  # to float32, in which programs compute
_MOST_TRACED = 8  # functions for inputs of different sizes that are kept,
_MOST_LISTED = 128  # or one for each choice of sizes that the file lists, up to so many


class _Traced(NamedTuple):
    """A program for inputs of certain sizes, whose demands were found bearable."""

    run: Callable[..., list[tf.Tensor]]  # all inputs -> the fetched values, `storage.peaks()`
    storage: Storage  # of the run
    all_sizes_known: bool  # whether no size depends on the numbers of an input


class Executable:
    """A program that runs.

    Args:
        block: what to compute.
        features: the inputs; the i-th array given to `run` belongs to the i-th feature.
        fetch: names of the values to return.
        many: the operations for any number of examples at once, or None.
    """

    def __init__(
        self,
        block: Block,
        features: Sequence[Feature],
        fetch: Sequence[str],
        many: Sequence[Operation] | None,
    ) -> None:
        self._block = block
        self._features = tuple(features)
        self._fetch = tuple(fetch)
        self._batched = many
        self._new_storage: type[Storage] = Storage
        self._traced: dict[Any, _Traced] = {}  # for the latest sizes
        listed = math.prod(len(feature.choices) or 1 for feature in features)
        self._most_traced = max(_MOST_TRACED, min(listed, _MOST_LISTED))
        self._lock = threading.Lock()

    @property
    def runs_many(self) -> bool:
        """Whether any number of examples runs at once; else one after the other."""
        return self._batched is not None

    def run(self, arrays: Sequence[Array]) -> list[Column]:
        """Compute the fetched values of n examples.

        Args:
            arrays: per feature (n, *declared), without the 1 with which the declared shape may
                begin; pictures (n, h, w, channels).

        Returns:
            One array (n, *declared) per fetched name, or a list of n where their sizes differ.
        """
        if self.runs_many:  # their declared shapes begin with 1
            return [_rows(values, len(arrays[0])) for values in self._call(arrays)]
        singles = [self._call(self._example(arrays, i)) for i in range(len(arrays[0]))]
        return [stacked(column) for column in zip(*singles, strict=True)]

    def values(self, arrays: Sequence[Array]) -> Values:
        """Compute every value of the first example, operation by operation, in program order."""
        with tf.device(_DEVICE):
            tensors = self._tensors(self._example(arrays, 0))
            known = self._compiled(tensors).all_sizes_known  # refuses what needs too much
            storage = self._new_storage(self._block)
            environment = self._environment(tensors, storage)
        storage.report([feature.name for feature in self._features])
        steps = (evaluate if known else one_by_one)(self._block.operations, environment, storage)
        while True:
            with tf.device(_DEVICE):  # not held while the caller looks at a value
                step = next(steps, None)
            if step is None:
                return
            name, value = step
            storage.report([name])
            if isinstance(value, tf.Tensor):  # an array is a constant
                yield name, value.numpy()

    def begun(self, arrays: Sequence[Array]) -> list[tuple[Sequence[Operation], dict[str, Any]]]:
        """Operations and the values before them: of all examples at once, or of each by itself.

        Args:
            arrays: as `run` takes them.
        """
        if self._batched is not None:
            return [(self._batched, self._environment(self._tensors(arrays), Storage()))]
        examples = [self._tensors(self._example(arrays, i)) for i in range(len(arrays[0]))]
        return [(self._block.operations, self._environment(item, Storage())) for item in examples]

    def changed(self, change: Callable[[Operation], Operation]) -> Executable:
        """A copy whose operations went through `change`, which keeps their shapes."""
        other = copy.copy(self)
        operations = tuple(map(change, self._block.operations))
        other._block = replace(self._block, operations=operations)
        other._batched = None if self._batched is None else tuple(map(change, self._batched))
        other._traced, other._lock = {}, threading.Lock()
        return other

    def storing(self, kind: type[Storage]) -> Executable:
        """A copy that keeps its values so."""
        other = copy.copy(self)
        other._new_storage = kind
        other._traced, other._lock = {}, threading.Lock()
        return other

    def _call(self, arrays: Sequence[Array]) -> list[Array]:
        try:
            with tf.device(_DEVICE):
                tensors = self._tensors(arrays)
                traced = self._compiled(tensors)
                made = [output.numpy() for output in traced.run(*tensors)]
        except tf.errors.OpError as error:
            raise failure(error, "the program", self._block.operations) from error
        traced.storage.report(peaks=made[len(self._fetch) :])
        return made[: len(self._fetch)]

    def _compiled(self, tensors: Sequence[tf.Tensor]) -> _Traced:
        """The program for inputs of these sizes."""
        signature = [
            self._spec(feature, x) for feature, x in zip(self._features, tensors, strict=True)
        ]
        key = tuple(tuple(spec.shape) for spec in signature)
        with self._lock:
            traced = self._traced.pop(key, None) or self._checked(signature, tensors)
            self._traced[key] = traced  # the last used is the last
            while len(self._traced) > self._most_traced:
                del self._traced[next(iter(self._traced))]
        return traced

    def _checked(self, signature: Sequence[tf.TensorSpec], tensors: Sequence[tf.Tensor]) -> _Traced:
        """As it is traced, or operation by operation where sizes depend on an input's numbers."""
        traced = self._trace(signature)
        known = traced.all_sizes_known or self._batched is not None
        if not known and any(None in spec.shape for spec in signature):
            # a number of examples is open, and perhaps nothing else
            exact = [tf.TensorSpec(x.shape, x.dtype) for x in tensors]
            known = not has_computed_sizes(self._block) or self._trace(exact).all_sizes_known
        if known:
            return traced._replace(all_sizes_known=True)
        return _Traced(self._one_by_one, Storage(), False)

    def _trace(self, signature: Sequence[tf.TensorSpec]) -> _Traced:
        operations = self._block.operations if self._batched is None else self._batched
        storage = self._new_storage(self._block)
        demand = Demand()
        marks: list[Mark] = []
        known = True

        def compute(*inputs: tf.Tensor) -> list[tf.Tensor]:
            nonlocal known
            graph = tf.compat.v1.get_default_graph()
            environment = self._environment(inputs, storage)
            for operation in operations:
                demand.add_arrays(operation.contents(), operation.place)
                for _, value in evaluate([operation], environment, storage):
                    known = known and None not in value.shape
                    demand.add_arrays([value], operation.place)
                marks.append(Mark(graph.version, operation.place))
            fetched = [tensor(environment[name]) for name in self._fetch]
            return [*fetched, *storage.peaks()]

        function = tf.function(compute, input_signature=signature, autograph=False)
        concrete = function.get_concrete_function()
        check_demand(concrete.graph, marks, demand)
        return _Traced(concrete, storage, known)

    def _one_by_one(self, *inputs: tf.Tensor) -> list[tf.Tensor]:
        storage = self._new_storage(self._block)
        environment = self._environment(inputs, storage)
        for _ in one_by_one(self._block.operations, environment, storage):
            pass
        storage.report()
        return [tensor(environment[name]) for name in self._fetch]

    def _example(self, arrays: Sequence[Array], i: int) -> list[Array]:
        """Example i, each array in its declared shape."""
        return [
            array[i : i + 1] if feature.shape[:1] == (1,) else array[i]
            for feature, array in zip(self._features, arrays, strict=True)
        ]

    def _tensors(self, arrays: Sequence[Array]) -> list[tf.Tensor]:
        """The inputs of the concrete function: whole pixels, too, as float32."""
        tensors = [tf.convert_to_tensor(array) for array in arrays]
        return [tf.cast(x, tf.float32) if x.dtype in _CAST else x for x in tensors]

    def _environment(self, inputs: Sequence[tf.Tensor], storage: Storage) -> dict[str, Any]:
        """Constants that are outputs, and inputs in the declared order of axes and channels."""
        environment: dict[str, Any] = {
            name: self._block.constants[name].value()
            for name in self._fetch
            if name in self._block.constants
        }
        types = {item.name: item.type for item in self._block.inputs}
        for feature, value in zip(self._features, inputs, strict=True):
            ordered = _in_declared_order(feature, value)
            enter = self._block.entrances.get(feature.name)
            entered = ordered if enter is None else enter(ordered)
            name = feature.name
            environment[name] = storage.entered(name, types[name], entered)
        return environment

    def _spec(self, feature: Feature, x: tf.Tensor) -> tf.TensorSpec:
        """The sizes of `x`, for any number of examples where that may vary."""
        any_number = self.runs_many or feature.shape[:1] == (None,)
        return tf.TensorSpec((None, *x.shape[1:]) if any_number else x.shape, x.dtype)


def stacked(column: Sequence[Array]) -> Column:
    """One value of several examples; a list where these found more or fewer things."""
    return np.stack(column) if len({value.shape for value in column}) == 1 else list(column)


def _rows(values: Array, count: int) -> Array:
    """(n, ...) -> (n, 1, ...), as declared."""
    if len(values) != count:
        raise MobilezooError(
            f"{count} examples gave {len(values)} results: a batch rule is wrong. Please report it."
        )
    return values[:, np.newaxis]


def _in_declared_order(feature: Feature, value: tf.Tensor) -> tf.Tensor:
    """Pictures (n, h, w, RGB) -> (n, RGB or BGR, h, w); arrays as they are."""
    if feature.kind != "image":
        return value
    return channels_first(tf.reverse(value, [-1]) if feature.color == "BGR" else value)
