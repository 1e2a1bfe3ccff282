"""What `inspect_coreml` returns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, TypeAlias

Shape: TypeAlias = tuple[int | None, ...]  # None: any size


@dataclass(frozen=True)
class FeatureRecord:
    """An input, an output or a state.

    Attributes:
        name: that `predict` uses.
        kind: "array", "image", "dictionary", "string", "int64", "double", "sequence", "state".
        shape: of an array or a state; (height, width) of an image in pixels. None: any size, as
            of outputs of a flexible ML program; empty where the file does not say.
        ranges: (smallest, largest) size for each axis of `shape`; largest None: no limit. Empty
            where the shape is fixed or one of `choices`.
        choices: the shapes to choose from, `shape` first; empty where there is no choice.
        dtype: of an array or a state; of the keys of a dictionary or the items of a sequence.
        color: of an image: "RGB", "BGR", "GRAYSCALE" or "GRAYSCALE_FLOAT16".
        optional: whether `predict` runs without it.
        default_value: in each place of an optional array that is not given; None: not said.
        description: what the author says of it.
        preprocessing: what a neural network does to the pixels first, in words.
        function: that it belongs to, in a file of several functions; else empty.
    """

    name: str
    kind: str
    shape: Shape = ()
    ranges: tuple[tuple[int, int | None], ...] = ()
    choices: tuple[tuple[int, ...], ...] = ()
    dtype: str | None = None
    color: str | None = None
    optional: bool = False
    default_value: float | None = None
    description: str = ""
    preprocessing: str = ""
    function: str = ""


@dataclass(frozen=True)
class Weight:
    """Stored numbers that an operation reads.

    Attributes:
        parameter: of the operation, such as "weight" or "bias".
        precision: "float32", "float16", "int8 linear", "palette4", "sparse float16", ...
        elements: after decompression.
        size_bytes: in the file, with look-up tables, scales and masks; what an operation before
            it reads as well is not counted again.
    """

    parameter: str
    precision: str
    elements: int
    size_bytes: int


@dataclass(frozen=True)
class OperationRecord:
    """An operation of a program, or a layer of a network.

    Attributes:
        name: of its first output, or of the layer; in a file of several functions or models
            these come before it, as in "main/conv_1".
        type: such as "conv" or "innerProduct".
        shape: of the first output; None where the file does not say.
        weights: that it reads.
    """

    name: str
    type: str
    shape: Shape | None
    weights: tuple[Weight, ...] = ()

    @property
    def weight_bytes(self) -> int:
        """Bytes of its weights in the file."""
        return sum(weight.size_bytes for weight in self.weights)

    @property
    def precision(self) -> str:
        """That of its largest weight; empty without weights."""
        if not self.weights:
            return ""
        return max(self.weights, key=lambda weight: weight.elements).precision


@dataclass(frozen=True)
class WeightFileRecord:
    """A file of weights beside the program.

    Attributes:
        name: such as "weights/weight.bin".
        size_bytes: of the file.
        blobs: arrays in it.
        unaligned: blobs at an offset that is no multiple of 64, which Core ML cannot map to
            memory and must copy.
        padding_bytes: bytes between the blobs, and of blobs that no operation reads.
        unread: blobs that no operation reads.
        repeated: blobs that hold the same bytes as one before.
        repeated_bytes: that these waste.
    """

    name: str
    size_bytes: int
    blobs: int
    unaligned: int
    padding_bytes: int
    unread: int
    repeated: int
    repeated_bytes: int


@dataclass(frozen=True)
class Inspection:
    """What a Core ML file holds.

    Attributes:
        path: of the file.
        format: "ML program", "neural network", "neural network classifier", "pipeline", ...
        specification_version: 1 to 10.
        minimum_ios: the lowest version that opens the file, such as "15".
        minimum_macos: the same, such as "12".
        size_bytes: on disk, everything.
        specification_bytes: of the protobuf, which holds the weights of a neural network.
        author: as the file says; so `license`, `version`, `short_description`.
        user_defined: further metadata.
        content_hash: SHA-256 of program and weights, whatever the metadata say.
        updatable: whether it can be trained on the device.
        inputs: what `predict` takes.
        outputs: what it returns.
        states: that stay between predictions.
        training_inputs: of an updatable model.
        labels: of the classes, of a classifier or in the metadata (`classes`); None: none.
        functions: of an ML program.
        models: of a pipeline, as (name, format), of a suppression of boxes with its thresholds.
        operations: or layers, in program order; constants are no operations, but weights.
        weight_files: of a package.
    """

    path: str
    format: str
    specification_version: int
    minimum_ios: str
    minimum_macos: str
    size_bytes: int
    specification_bytes: int
    author: str
    license: str
    version: str
    short_description: str
    content_hash: str
    updatable: bool
    inputs: tuple[FeatureRecord, ...]
    outputs: tuple[FeatureRecord, ...]
    states: tuple[FeatureRecord, ...]
    training_inputs: tuple[FeatureRecord, ...]
    labels: tuple[str | int, ...] | None
    functions: tuple[str, ...]
    models: tuple[tuple[str, str], ...]
    operations: tuple[OperationRecord, ...]
    weight_files: tuple[WeightFileRecord, ...]
    user_defined: Mapping[str, str] = field(default_factory=dict)

    @property
    def op_types(self) -> Counter[str]:
        """How many operations or layers of each type there are."""
        return Counter(operation.type for operation in self.operations)

    @property
    def weight_bytes(self) -> int:
        """Bytes of all weights, without padding."""
        return sum(operation.weight_bytes for operation in self.operations)

    @property
    def precisions(self) -> Counter[str]:
        """Precision -> bytes of the weights that have it."""
        sizes: Counter[str] = Counter()
        for operation in self.operations:
            for weight in operation.weights:
                sizes[weight.precision] += weight.size_bytes
        return sizes

    def to_dict(self) -> dict[str, Any]:
        """Everything, for JSON."""
        everything = asdict(self)
        for row, operation in zip(everything["operations"], self.operations, strict=True):
            row["precision"] = operation.precision
            row["weight_bytes"] = operation.weight_bytes
        return everything | {
            "op_types": dict(self.op_types.most_common()),
            "weight_bytes": self.weight_bytes,
            "precisions": dict(self.precisions.most_common()),
        }
