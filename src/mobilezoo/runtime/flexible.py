"""Which shapes a flexible feature may have, as its file declares them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

from mobilezoo.errors import CoreMLFileError

Choices: TypeAlias = tuple[tuple[int, ...], ...]
Ranges: TypeAlias = tuple[tuple[int, int | None], ...]  # (lowest, highest), None for no limit

_LARGEST = 2**31 - 1  # of a size
_MOST_LISTED = 10_000  # Core ML takes 128
_MOST_AXES = 16  # Core ML takes 5


class Shapes(NamedTuple):
    """What a file says of the shapes of one feature.

    Attributes:
        default: the one that it names first.
        choices: those that it lists; empty where it does not.
        ranges: of each size; empty where there are none.
    """

    default: tuple[int, ...]
    choices: Choices
    ranges: Ranges

    @property
    def is_flexible(self) -> bool:
        """Whether there is more than one."""
        return bool(self.choices or self.ranges)

    @property
    def free(self) -> tuple[int | None, ...]:
        """The default with None for sizes that vary."""
        rows: Sequence[Sequence[int | None]] = self.ranges or tuple(zip(*self.choices, strict=True))
        varies = [len(set(row)) > 1 for row in rows] or [False] * len(self.default)
        pairs = zip(self.default, varies, strict=True)
        return tuple(None if varying else size for size, varying in pairs)

    @property
    def choice(self) -> tuple[Choices, Ranges, tuple[int, ...]]:
        """The choices, the ranges, and the default where there is a choice."""
        return self.choices, self.ranges, self.default if self.is_flexible else ()


def declared_image_sizes(declared: Any) -> Shapes:
    """(height, width) of an `ImageFeatureType`, as it says them, right or wrong."""
    size = int(declared.height), int(declared.width)
    kind = declared.WhichOneof("SizeFlexibility")
    if kind == "enumeratedSizes":
        listed = declared.enumeratedSizes.sizes
        return Shapes(size, tuple((int(item.height), int(item.width)) for item in listed), ())
    if kind == "imageSizeRange":
        sides = declared.imageSizeRange
        return Shapes(size, (), (size_range(sides.heightRange), size_range(sides.widthRange)))
    return Shapes(size, (), ())


def declared_array_shapes(declared: Any) -> Shapes:
    """The shapes of an `ArrayFeatureType`, as it says them, right or wrong."""
    shape = tuple(int(size) for size in declared.shape)
    kind = declared.WhichOneof("ShapeFlexibility")
    if kind == "enumeratedShapes":
        listed = declared.enumeratedShapes.shapes
        return Shapes(shape, tuple(tuple(int(size) for size in item.shape) for item in listed), ())
    if kind == "shapeRange":
        return Shapes(shape, (), tuple(map(size_range, declared.shapeRange.sizeRanges)))
    return Shapes(shape, (), ())


def size_range(declared: Any) -> tuple[int, int | None]:
    """The smallest and the largest of a `SizeRange`; Core ML writes -1 for "no limit"."""
    upper = int(declared.upperBound)
    return int(declared.lowerBound), None if upper < 0 else upper


def read_image_sizes(declared: Any, where: str) -> Shapes:
    """Read (height, width) of an `ImageFeatureType`.

    Raises:
        CoreMLFileError: sizes that cannot be, or a default that is none of them.
    """
    if declared.WhichOneof("SizeFlexibility") == "enumeratedSizes":
        _check_count(len(declared.enumeratedSizes.sizes), where)
    size, choices, ranges = declared_image_sizes(declared)
    unsaid = bool(choices or ranges) and size == (0, 0)
    return _checked(() if unsaid else size, choices, ranges, where)


def read_array_shapes(declared: Any, where: str, lowest: int = 1) -> Shapes:
    """Read the shapes of an `ArrayFeatureType`, with no flexible size below `lowest`.

    Raises:
        CoreMLFileError: shapes that cannot be, or a default that is none of them.
    """
    kind = declared.WhichOneof("ShapeFlexibility")
    if kind == "enumeratedShapes":
        _check_count(len(declared.enumeratedShapes.shapes), where)
        for item in declared.enumeratedShapes.shapes:
            _check_axes(len(item.shape), where)
    elif kind == "shapeRange":
        _check_axes(len(declared.shapeRange.sizeRanges), where)
    if declared.shape:
        _check_axes(len(declared.shape), where)
    return _checked(*declared_array_shapes(declared), where, lowest)


def _checked(
    default: tuple[int, ...], choices: Choices, ranges: Ranges, where: str, lowest: int = 1
) -> Shapes:
    """Without a default the first that is listed, or the lowest, is it."""
    if not (choices or ranges):
        _check_fixed(default, where)
        return Shapes(default, (), ())
    if not default:
        default = choices[0] if choices else tuple(low for low, _ in ranges)
    _check_sizes(choices, ranges, where, lowest)
    axes = [len(choice) for choice in choices] or [len(ranges)]
    if set(axes) != {len(default)}:
        raise CoreMLFileError(
            f"{where} is declared as {default}, and its flexible shapes have other axes: "
            f"{(choices or ranges)[:5]}."
        )
    fits = default in choices if choices else all(
        low <= size and (high is None or size <= high)
        for size, (low, high) in zip(default, ranges, strict=True)
    )  # fmt: skip
    if not fits:
        raise CoreMLFileError(
            f"{where} is declared as {default}, which is none of its flexible shapes: "
            f"{(choices or ranges)[:5]}."
        )
    return Shapes(default, choices, ranges)


def _check_sizes(choices: Choices, ranges: Ranges, where: str, lowest: int) -> None:
    for low, high in (*ranges, *((size, size) for choice in choices for size in choice)):
        if not lowest <= low <= _LARGEST or (high is not None and not low <= high <= _LARGEST):
            raise CoreMLFileError(
                f"{where} has flexible sizes from {low} to {'any' if high is None else high}; "
                f"numbers from {lowest} to {_LARGEST} are required, the lowest first."
            )


def _check_fixed(sizes: tuple[int, ...], where: str) -> None:
    if not all(0 <= size <= _LARGEST for size in sizes):
        raise CoreMLFileError(
            f"{where} is declared as {sizes}; numbers up to {_LARGEST} are required."
        )


def _check_axes(count: int, where: str) -> None:
    if not 1 <= count <= _MOST_AXES:
        raise CoreMLFileError(
            f"{where} has a shape of {count} axes; 1 to {_MOST_AXES} are supported."
        )


def _check_count(count: int, where: str) -> None:
    if not 1 <= count <= _MOST_LISTED:
        raise CoreMLFileError(
            f"{where} lists {count} flexible shapes; 1 to {_MOST_LISTED} are supported."
        )
