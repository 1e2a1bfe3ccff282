"""What a Core ML file says of itself: its inputs, its outputs, its author."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from mobilezoo.errors import CoreMLFileError
from mobilezoo.runtime.flexible import Choices, Ranges, read_array_shapes, read_image_sizes

_ARRAY_TYPES = {"FLOAT32": "float32", "DOUBLE": "float64", "INT32": "int32", "FLOAT16": "float16"}
HALF_GRAY = "GRAYSCALE_FLOAT16"  # gray of 16 bits, any number; all others have whole pixels 0..255
_CHANNELS = {"RGB": 3, "BGR": 3, "GRAYSCALE": 1, HALF_GRAY: 1}
_KINDS = {
    "multiArrayType": "array",
    "imageType": "image",
    "stringType": "string",
    "dictionaryType": "dictionary",
    "int64Type": "int64",
    "doubleType": "double",
}
_MOST_NAMED = 16  # listed shapes in a message
_MINIMUM_OS = {
    1: "iOS11", 2: "iOS11.2", 3: "iOS12", 4: "iOS13", 5: "iOS14", 6: "iOS15", 7: "iOS16",
    8: "iOS17", 9: "iOS18", 10: "iOS26",
}  # fmt: skip


@dataclass(frozen=True, repr=False)
class Feature:
    """An input or output, as the file declares it."""

    name: str
    kind: str  # "array", "image", "string", "dictionary", "int64", "double"
    shape: tuple[int | None, ...] = ()  # in the program: (1, channels, height, width) of an image
    dtype: str | None = None  # of an array, NumPy's name
    height: int | None = None  # of an image, in pixels
    width: int | None = None
    color: str | None = None  # of an image: "RGB", "BGR", "GRAYSCALE" or "GRAYSCALE_FLOAT16"
    # what a flexible input may be: shapes of an array, (height, width) of an image
    choices: Choices = ()
    ranges: Ranges = ()  # (lowest, highest) of each of these sizes
    default: tuple[int, ...] = ()  # the one that the file names first, of a flexible input
    leading_batch: bool = True  # whether a leading 1 of the shape counts examples
    optional: bool = False  # whether `predict` runs without it
    default_value: float | None = None  # then in each place of the array; None: zeros

    def __repr__(self) -> str:
        """Such as "<Feature 'image': RGB image, 96 x 64 pixels>"."""
        return f"<Feature {self.name!r}: {self._in_words()}{', optional' if self.optional else ''}>"

    def _in_words(self) -> str:
        if self.kind == "image" and self.is_flexible:
            return f"{self.color} image, (height, width) {self.sizes_in_words()}"
        if self.kind == "image":
            return f"{self.color} image, {self.width} x {self.height} pixels"
        if self.kind != "array":
            return self.kind
        sizes = ", ".join("any" if size is None else str(size) for size in self.shape)
        return f"{self.dtype} array ({sizes})"

    @property
    def has_free_batch(self) -> bool:
        """Whether its first axis counts as many examples as the caller likes."""
        return self.leading_batch and self.shape[:1] == (None,)

    @property
    def has_free_sides(self) -> bool:
        """Whether other axes than that of the examples are of several sizes."""
        return None in (self.shape[1:] if self.leading_batch else self.shape)

    @property
    def is_flexible(self) -> bool:
        """Whether it takes more than one shape."""
        return bool(self.choices or self.ranges)

    def allows(self, sizes: Sequence[int]) -> bool:
        """Whether the file takes an array of this shape, or an image of this (height, width)."""
        if self.choices:
            return tuple(sizes) in self.choices
        return len(sizes) == len(self.ranges) and all(
            low <= size and (high is None or size <= high)
            for size, (low, high) in zip(sizes, self.ranges, strict=True)
        )

    def sizes_in_words(self) -> str:
        """The sizes, such as "(224, 224) or (192, 256)" or "64 to 512 x 64 to 512"."""
        if self.choices:
            more = len(self.choices) - _MOST_NAMED
            named = [str(choice) for choice in self.choices[:_MOST_NAMED]]
            return " or ".join([*named, f"one of {more} more"] if more > 0 else named)
        return " x ".join(
            str(low) if low == high else f"{low} to {'any' if high is None else high}"
            for low, high in self.ranges
        )


@dataclass(frozen=True)
class Metadata:
    """The file's label."""

    author: str
    license: str
    version: str
    short_description: str
    specification_version: int
    minimum_os: str  # the oldest iOS that opens the file, such as "iOS15"
    user_defined: Mapping[str, str] = field(default_factory=dict)


def read_feature(description: Any, path: object, lowest: int = 1) -> Feature:
    """Read a `FeatureDescription`, whose array has no flexible size below `lowest`.

    Raises:
        CoreMLFileError: a kind of feature that is not known here.
    """
    kind = description.type.WhichOneof("Type")
    name, optional = description.name, bool(description.type.isOptional)
    if kind == "imageType":
        return replace(_image(name, description.type.imageType, path), optional=optional)
    if kind == "multiArrayType":
        return replace(
            _array(name, description.type.multiArrayType, path, lowest), optional=optional
        )
    if kind not in _KINDS:
        raise CoreMLFileError(f"{path}: feature {name!r} has kind {kind}, which is not supported.")
    return Feature(name, _KINDS[kind], optional=optional)


def default_value(declared: Any) -> float | None:
    """What an `ArrayFeatureType` says that an optional array holds if it is not given."""
    kind = declared.WhichOneof("defaultOptionalValue")
    return None if kind is None else getattr(declared, kind)


def read_metadata(description: Any, specification_version: int) -> Metadata:
    """Read the metadata of a `ModelDescription`."""
    metadata = description.metadata
    return Metadata(
        author=metadata.author,
        license=metadata.license,
        version=metadata.versionString,
        short_description=metadata.shortDescription,
        specification_version=specification_version,
        minimum_os=_MINIMUM_OS.get(specification_version, f"unknown ({specification_version})"),
        user_defined=dict(metadata.userDefined),
    )


def _enum_name(enum: Any, number: int) -> str:
    """Name of an enumeration's value; a damaged file may hold a number that has none."""
    known: dict[int, str] = {value: key for key, value in enum.items()}
    return known.get(number, f"number {number}")


def _image(name: str, declared: Any, path: object) -> Feature:
    color = _enum_name(declared.ColorSpace, declared.colorSpace)
    if color not in _CHANNELS:
        raise CoreMLFileError(
            f"{path}: image {name!r} has color space {color}; {', '.join(_CHANNELS)} are supported."
        )
    where = f"{path}: image {name!r}"
    read = read_image_sizes(declared, where)
    height, width = read.default
    shape = (1, _CHANNELS[color], *read.free)
    return Feature(name, "image", shape, None, height, width, color, *read.choice)


def _array(name: str, declared: Any, path: object, lowest: int) -> Feature:
    dtype = _enum_name(declared.ArrayDataType, declared.dataType)
    if dtype not in _ARRAY_TYPES:
        raise CoreMLFileError(f"{path}: array {name!r} has type {dtype}, which is not supported.")
    read = read_array_shapes(declared, f"{path}: array {name!r}", lowest)
    choices, ranges, default = read.choice
    return Feature(
        name, "array", read.free, _ARRAY_TYPES[dtype],
        choices=choices, ranges=ranges, default=default, default_value=default_value(declared),
    )  # fmt: skip
