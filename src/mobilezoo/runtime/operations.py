"""The program as a list of operations, with every name and every op checked at load time."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Protocol, TypeAlias, runtime_checkable

from mobilezoo.errors import CoreMLFileError, UnsupportedOpError
from mobilezoo.runtime import limits
from mobilezoo.runtime.arithmetic import Array, widen
from mobilezoo.runtime.ops import OPS
from mobilezoo.runtime.package import Package
from mobilezoo.runtime.values import ValueReader, tensor_type

Shape: TypeAlias = tuple[int | None, ...]

# parameters that take a tuple even of one
_SEVERAL = frozenset({"begins", "end_masks", "ends", "ref_tensors", "values"})
# of ops that the runtime does not know, by how their names begin
_KINDS = {
    "control flow": ("cond", "while_loop"),
    "a list": ("list_", "make_list"),
    "random numbers": ("random_",),
    "a state": ("coreml_update_state", "read_state", "write_state"),
}


@dataclass(frozen=True)
class Reference:
    """An argument that is another operation's output or an input of the program."""

    name: str

    def value(self, environment: Mapping[str, Any]) -> Any:
        """What the name stands for."""
        return environment[self.name]


@runtime_checkable
class Stored(Protocol):
    """Weights in a file, such as a `Blob`: their place is known, their numbers are not read."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the numbers."""

    def read(self) -> Array:
        """The numbers, in the type of the file."""


@dataclass(frozen=True)
class Constant:
    """An argument that the file fixes; stored weights are read anew each time, not kept."""

    content: Any

    def value(self, environment: Mapping[str, Any] | None = None) -> Any:
        """The constant in the precision of the computation."""
        return widen(self.content.read() if isinstance(self.content, Stored) else self.content)


@dataclass(frozen=True)
class Several:
    """An argument made of several."""

    members: tuple[Reference | Constant, ...]

    def value(self, environment: Mapping[str, Any]) -> Any:
        """All their values."""
        return tuple(member.value(environment) for member in self.members)


Argument: TypeAlias = Reference | Constant | Several


@dataclass(frozen=True)
class Output:
    """A value that an operation defines, as the file declares it."""

    name: str
    type: str  # MIL's name of the element type, such as "FLOAT16"
    shape: Shape


@dataclass(frozen=True)
class Operation:
    """One operation of the program; constants are no operations, but arguments."""

    type: str
    arguments: Mapping[str, Argument]
    outputs: tuple[Output, ...]
    place: str  # "op 17 of 63, 'foo' -> 'bar_1'", for messages
    function: Callable[..., Any]
    shapes_declared: bool = True  # whether the shapes of the outputs are known from the file

    def references(self) -> list[str]:
        """Names of the values that it reads."""
        return [member.name for member in self._members() if isinstance(member, Reference)]

    def contents(self) -> list[Any]:
        """What it reads from the file."""
        return [member.content for member in self._members() if isinstance(member, Constant)]

    def constants(self, without: str) -> list[Any]:
        """What it reads from the file, in the precision of the computation, but one parameter."""
        return [item.value() for item in self._members(without) if isinstance(item, Constant)]

    def _members(self, without: str | None = None) -> Iterator[Reference | Constant]:
        for parameter, argument in self.arguments.items():
            if parameter != without:
                yield from argument.members if isinstance(argument, Several) else (argument,)


@dataclass(frozen=True)
class Classifier:
    """Names the classes of a vector of probabilities; in an ML program, the `classify` op."""

    probabilities: str  # the value that holds them
    labels: tuple[str | int, ...]
    label_output: str
    probability_output: str
    is_operation: bool = True


@dataclass(frozen=True)
class Block:
    """All that a program computes."""

    inputs: tuple[Output, ...]
    operations: tuple[Operation, ...]
    outputs: tuple[str, ...]
    classifier: Classifier | None
    constants: Mapping[str, Constant]
    # what is done to an input before any operation reads it
    entrances: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)


def read_block(package: Package) -> Block:
    """Read the program of a package.

    Raises:
        UnsupportedOpError: lists every op that the runtime does not know.
        CoreMLFileError: a damaged constant, or a name that nothing defines.
    """
    function = package.function
    body = function.block_specializations[function.opset]
    check_count(len(body.operations), "operations", package.path)
    inputs = tuple(Output(item.name, *tensor_type(item.type)) for item in function.inputs)
    parser = _Parser(package, {item.name for item in inputs})
    for raw in body.operations:
        parser.take(raw)
    return parser.block(inputs, tuple(body.outputs))


def check_count(count: int, what: str, path: object) -> None:
    """Raise an error for more operations, or layers, than are supported."""
    if count > limits.MOST_OPERATIONS:
        raise CoreMLFileError(
            f"{path}: {count} {what}; at most {limits.MOST_OPERATIONS} are supported."
        )


class _Parser:
    """Takes the operations in program order and remembers which names exist."""

    def __init__(self, package: Package, names: set[str]) -> None:
        self._path = package.path
        self._reader = ValueReader(package.spec_path)
        body = package.function.block_specializations[package.function.opset]
        self._count = sum(raw.type != "const" for raw in body.operations)
        self._names = names
        self._constants: dict[str, Constant] = {}
        self._operations: list[Operation] = []
        self._classifier: Classifier | None = None
        self._unknown: list[str] = []
        self._position = 0

    def take(self, raw: Any) -> None:
        """Read one `MIL_pb2.Operation`."""
        if not raw.outputs and (raw.type == "const" or raw.type in OPS):
            raise CoreMLFileError(f"{self._path}: an operation {raw.type!r} without output.")
        if raw.type == "const":
            name = raw.outputs[0].name
            self._constants[name] = Constant(self._reader.read(raw.attributes["val"], name))
            return
        self._position += 1
        if not raw.outputs:  # such as that which keeps a state
            place = f"op {self._position} of {self._count}, {raw.type!r}"
            self._unknown.append(_unsupported(raw.type, place))
            return
        outputs = tuple(Output(item.name, *tensor_type(item.type)) for item in raw.outputs)
        place = f"op {self._position} of {self._count}, {raw.type!r} -> {outputs[0].name!r}"
        arguments = self._arguments(raw, place)
        operation = Operation(raw.type, arguments, outputs, place, OPS.get(raw.type, _unknown))
        self._names.update(item.name for item in outputs)
        if raw.type == "classify":
            self._classifier = self._read_classifier(operation)
            return
        self._operations.append(operation)
        self._unknown += _complaints(operation)

    def block(self, inputs: tuple[Output, ...], outputs: tuple[str, ...]) -> Block:
        """The finished block."""
        if self._unknown:
            raise UnsupportedOpError(f"{self._path}: cannot be run: {'; '.join(self._unknown)}.")
        for name in outputs:
            if name not in self._names and name not in self._constants:
                raise CoreMLFileError(f"{self._path}: nothing defines the output {name!r}.")
        return Block(inputs, tuple(self._operations), outputs, self._classifier, self._constants)

    def _arguments(self, raw: Any, place: str) -> dict[str, Argument]:
        arguments: dict[str, Argument] = {
            key: Constant(self._reader.read(value, f"{place}: {key}"))
            for key, value in raw.attributes.items()
            if raw.type.startswith("constexpr_") and key != "name"
        }
        for key, argument in raw.inputs.items():
            members = tuple(self._member(item, place) for item in argument.arguments)
            single = len(members) == 1 and key not in _SEVERAL
            arguments[key] = members[0] if single else Several(members)
        return arguments

    def _member(self, binding: Any, place: str) -> Reference | Constant:
        if binding.WhichOneof("binding") == "value":
            return Constant(self._reader.read(binding.value, place))
        if binding.name in self._constants:
            return self._constants[binding.name]
        if binding.name not in self._names:
            raise CoreMLFileError(
                f"{self._path}: {place} reads {binding.name!r}, which nothing before it defines."
            )
        return Reference(binding.name)

    def _read_classifier(self, operation: Operation) -> Classifier:
        probabilities = operation.arguments.get("probabilities")
        classes = operation.arguments.get("classes")
        if (
            not isinstance(probabilities, Reference)
            or not isinstance(classes, Constant)
            or not isinstance(classes.content, tuple)
            or not classes.content
            or not all(isinstance(label, (str, int)) for label in classes.content)
            or len(operation.outputs) != 2
        ):
            raise CoreMLFileError(
                f"{self._path}: {operation.place} lacks probabilities, classes or an output."
            )
        label, probability = operation.outputs
        return Classifier(probabilities.name, tuple(classes.content), label.name, probability.name)


def _unknown(**_: Any) -> Any:
    raise AssertionError("an operation that is not known is not run")


def _complaints(operation: Operation) -> list[str]:
    """Why the runtime cannot run an operation; empty if it can."""
    if operation.type not in OPS:
        return [_unsupported(operation.type, operation.place)]
    known, required = _parameters(operation.type)
    given = set(operation.arguments)
    return [
        *(f"{operation.place} has the unknown parameter {key!r}" for key in sorted(given - known)),
        *(f"{operation.place} lacks the parameter {key!r}" for key in sorted(required - given)),
    ]


def _unsupported(op_type: str, place: str) -> str:
    kind = next((kind for kind, types in _KINDS.items() if op_type.startswith(types)), None)
    return f"{place} is not supported" + (f" ({kind})" if kind else "")


@cache
def _parameters(op_type: str) -> tuple[frozenset[str], frozenset[str]]:
    """All parameters of an op, and those without a default."""
    parameters = inspect.signature(OPS[op_type]).parameters.values()
    known = frozenset(item.name for item in parameters)
    return known, frozenset(item.name for item in parameters if item.default is item.empty)
