"""What a Core ML file says of itself: its inputs, its outputs, its author."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from mobilezoo.errors import CoreMLFileError

_ARRAY_TYPES = {"FLOAT32": "float32", "DOUBLE": "float64", "INT32": "int32", "FLOAT16": "float16"}
_CHANNELS = {"RGB": 3, "BGR": 3, "GRAYSCALE": 1}
_KINDS = {
    "multiArrayType": "array",
    "imageType": "image",
    "stringType": "string",
    "dictionaryType": "dictionary",
    "int64Type": "int64",
    "doubleType": "double",
}
_MINIMUM_OS = {
    1: "iOS11", 2: "iOS11.2", 3: "iOS12", 4: "iOS13", 5: "iOS14", 6: "iOS15", 7: "iOS16",
    8: "iOS17", 9: "iOS18", 10: "iOS26",
}  # fmt: skip


@dataclass(frozen=True)
class Feature:
    """An input or output, as the file declares it."""

    name: str
    kind: str  # "array", "image", "string", "dictionary", "int64", "double"
    shape: tuple[int | None, ...] = ()  # in the program: (1, channels, height, width) of an image
    dtype: str | None = None  # of an array, NumPy's name
    height: int | None = None  # of an image, in pixels
    width: int | None = None
    color: str | None = None  # of an image: "RGB", "BGR" or "GRAYSCALE"
    # what a flexible input may be: shapes of an array, (height, width) of an image
    choices: tuple[tuple[int, ...], ...] = ()
    ranges: tuple[tuple[int, int | None], ...] = ()  # (lowest, highest) of each of these sizes
    default: tuple[int, ...] = ()  # the one that the file names first, of a flexible input
    leading_batch: bool = True  # whether a leading 1 of the shape counts examples

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
            return " or ".join(map(str, self.choices))
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


def read_feature(description: Any, path: object) -> Feature:
    """Read a `FeatureDescription`.

    Raises:
        CoreMLFileError: a kind of feature that is not known here.
    """
    kind = description.type.WhichOneof("Type")
    name = description.name
    if kind == "imageType":
        return _image(name, description.type.imageType, path)
    if kind == "multiArrayType":
        return _array(name, description.type.multiArrayType, path)
    if kind not in _KINDS:
        raise CoreMLFileError(f"{path}: feature {name!r} has kind {kind}, which is not supported.")
    return Feature(name, _KINDS[kind])


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
    size = int(declared.height), int(declared.width)
    kind = declared.WhichOneof("SizeFlexibility")
    choices: Choices = ()
    ranges: Ranges = ()
    if kind == "enumeratedSizes":
        listed = declared.enumeratedSizes.sizes
        choices = tuple((int(item.height), int(item.width)) for item in listed)
    elif kind == "imageSizeRange":
        sides = declared.imageSizeRange
        ranges = (_range(sides.heightRange), _range(sides.widthRange))
    shape = (1, _CHANNELS[color], *_free(size, choices, ranges, f"{path}: image {name!r}"))
    flexible = size if choices or ranges else ()
    return Feature(
        name, "image", shape, None, *size, color, choices=choices, ranges=ranges, default=flexible
    )


def _array(name: str, declared: Any, path: object) -> Feature:
    dtype = _enum_name(declared.ArrayDataType, declared.dataType)
    if dtype not in _ARRAY_TYPES:
        raise CoreMLFileError(f"{path}: array {name!r} has type {dtype}, which is not supported.")
    shape = tuple(int(size) for size in declared.shape)
    kind = declared.WhichOneof("ShapeFlexibility")
    choices: Choices = ()
    ranges: Ranges = ()
    if kind == "enumeratedShapes":
        listed = declared.enumeratedShapes.shapes
        choices = tuple(tuple(int(size) for size in item.shape) for item in listed)
    elif kind == "shapeRange":
        ranges = tuple(map(_range, declared.shapeRange.sizeRanges))
    if not shape and (choices or ranges):
        shape = choices[0] if choices else tuple(low for low, _ in ranges)
    free = _free(shape, choices, ranges, f"{path}: array {name!r}")
    flexible = shape if choices or ranges else ()
    return Feature(
        name, "array", free, _ARRAY_TYPES[dtype], choices=choices, ranges=ranges, default=flexible
    )


Choices: TypeAlias = tuple[tuple[int, ...], ...]
Ranges: TypeAlias = tuple[tuple[int, int | None], ...]


def _free(
    default: Sequence[int], choices: Choices, ranges: Ranges, where: str
) -> tuple[int | None, ...]:
    """The sizes with None where they vary."""
    rows: Sequence[Sequence[int | None]] = ranges if ranges else tuple(zip(*choices, strict=False))
    ragged = any(len(choice) != len(default) for choice in choices)
    if ragged or ((choices or ranges) and len(rows) != len(default)):
        raise CoreMLFileError(
            f"{where} is declared as {tuple(default)}, and its flexible shapes have other axes: "
            f"{choices or ranges}."
        )
    varies = [len(set(row)) > 1 for row in rows] or [False] * len(default)
    return tuple(None if free else size for size, free in zip(default, varies, strict=True))


def _range(declared: Any) -> tuple[int, int | None]:
    """Core ML writes -1 for "no limit"."""
    upper = int(declared.upperBound)
    return int(declared.lowerBound), None if upper < 0 else upper
