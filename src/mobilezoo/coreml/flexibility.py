"""Inputs of more than one shape: which batch and image sizes a file takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from mobilezoo.coreml.arguments import as_list, whole_numbers
from mobilezoo.coreml.target import Format, Target, first_release
from mobilezoo.errors import InvalidArgumentError

_MOST_SIZES = 128  # coremltools' guide to flexible inputs: "up to 128 different shapes"
_LARGEST = 2**31 - 1
SPECIFICATION_VERSION = 3  # that neural networks with flexible inputs need: iOS 12


@dataclass(frozen=True)
class BatchRange:
    """Any number of examples at once between two: arrays (n, ...) of an ML program.

    Attributes:
        lower: smallest number, at least 1; the default.
        upper: largest number.
    """

    lower: int
    upper: int

    def __post_init__(self) -> None:
        lower, upper = _check_range("BatchRange", (self.lower, self.upper))
        _freeze(self, "lower", lower)
        _freeze(self, "upper", upper)


@dataclass(frozen=True)
class BatchSizes:
    """One of some numbers of examples at once: arrays (n, ...) of an ML program.

    Attributes:
        sizes: numbers of examples; the first is the default.
    """

    sizes: Sequence[int]

    def __post_init__(self) -> None:
        sizes = _listed("BatchSizes", self.sizes, "such as [1, 4, 8]")
        _freeze(self, "sizes", _distinct("BatchSizes", _check_sizes("BatchSizes", sizes)))


@dataclass(frozen=True)
class ImageSizes:
    """One of some sizes of the picture, which Core ML can prepare for each.

    Attributes:
        sizes: (height, width) in pixels; the first is the default.
    """

    sizes: Sequence[tuple[int, int]]

    def __post_init__(self) -> None:
        example = "such as [(224, 224), (192, 256)]"
        sizes = _listed("ImageSizes", self.sizes, example)
        if any(len(as_list(size) or ()) != 2 for size in sizes):
            raise InvalidArgumentError(
                f"ImageSizes takes pairs (height, width), {example}; given were {self.sizes!r}."
            )
        pairs = [_check_sizes("ImageSizes", size) for size in sizes]
        _freeze(self, "sizes", _distinct("ImageSizes", pairs))


@dataclass(frozen=True)
class ImageSizeRange:
    """Every size of the picture between two, for fully convolutional networks.

    Attributes:
        height: (lowest, highest) in pixels.
        width: (lowest, highest) in pixels.
    """

    height: tuple[int, int]
    width: tuple[int, int]

    def __post_init__(self) -> None:
        for name in ("height", "width"):
            given = as_list(getattr(self, name)) or ()
            if len(given) != 2:
                raise InvalidArgumentError(
                    f"ImageSizeRange takes {name}=(lowest, highest); given was "
                    f"{getattr(self, name)!r}."
                )
            _freeze(self, name, _check_range(f"ImageSizeRange {name}", given))
        if all(low == high for low, high in (self.height, self.width)):
            raise InvalidArgumentError(
                f"{self} is one size, {self.height[0]} x {self.width[0]}, and needs no flexible=. "
                "Its arguments are height=(lowest, highest) and width=(lowest, highest)."
            )


Flexibility: TypeAlias = BatchRange | BatchSizes | ImageSizes | ImageSizeRange
_KINDS = (BatchRange, BatchSizes, ImageSizes, ImageSizeRange)


@dataclass(frozen=True)
class Choices:
    """The shapes that one input may have, in Keras's order with the batch.

    Attributes:
        shapes: each of them, the default first; empty where there are ranges.
        ranges: (lowest, highest) of each axis; empty where the shapes are listed.
    """

    shapes: tuple[tuple[int, ...], ...] = ()
    ranges: tuple[tuple[int, int], ...] = ()


def check_flexibility(flexible: Any, form: Format, system: Target | None, *, learns: bool) -> None:
    """Refuse what is none of the four, or what the file cannot hold.

    Args:
        flexible: as the user gave it; None for one shape.
        form: of the file.
        system: that must run it, if one was named.
        learns: whether layers learn on the device.

    Raises:
        InvalidArgumentError: says what would work.
    """
    if flexible is None:
        return
    if not isinstance(flexible, _KINDS):
        names = ", ".join(kind.__name__ for kind in _KINDS)
        raise InvalidArgumentError(f"flexible={flexible!r} must be one of {names}, or None.")
    if form is Format.ML_PROGRAM:
        return
    if frees_batch(flexible):
        raise InvalidArgumentError(
            f"flexible={flexible}: a neural network (.mlmodel) has no axis for the examples; apps "
            "predict from an MLArrayBatchProvider. Leave it out, or write a .mlpackage."
        )
    if learns:
        raise InvalidArgumentError(
            f"updatable= needs an input of one shape. Leave flexible={flexible} out."
        )
    if system is not None and system.specification_version < SPECIFICATION_VERSION:
        lowest = first_release(system.system, SPECIFICATION_VERSION)
        raise InvalidArgumentError(
            f"A .mlmodel with flexible inputs needs {lowest.name}; minimum_deployment_target="
            f"{system.name!r} is older. Leave flexible= out, or pass "
            f"minimum_deployment_target={lowest.name!r}."
        )


def frees_batch(flexible: Flexibility | None) -> bool:
    """Whether the number of examples varies."""
    return isinstance(flexible, (BatchRange, BatchSizes))


def frees_sides(flexible: Flexibility | None) -> bool:
    """Whether height and width vary."""
    return isinstance(flexible, (ImageSizes, ImageSizeRange))


def default_shape(
    flexible: Flexibility | None, shape: Sequence[int | None]
) -> tuple[int | None, ...]:
    """The shape (batch, ...) that an input has unless the app asks for another.

    Args:
        flexible: what may vary.
        shape: as the model has it, None where that is open.
    """
    batch, *rest = shape
    if isinstance(flexible, BatchRange):
        return flexible.lower, *rest
    if isinstance(flexible, BatchSizes):
        return flexible.sizes[0], *rest
    if isinstance(flexible, ImageSizes):
        return 1, *flexible.sizes[0], rest[-1]
    if isinstance(flexible, ImageSizeRange):
        sides = zip(rest[:2], (flexible.height, flexible.width), strict=True)
        inside = [low if side is None else min(max(side, low), high) for side, (low, high) in sides]
        return 1, *inside, rest[-1]
    return 1 if batch is None else batch, *rest


def choices(flexible: Flexibility | None, default: Sequence[int]) -> Choices | None:
    """All shapes of an input, from its default shape (batch, ...)."""
    batch, *rest = default
    if isinstance(flexible, BatchRange):
        fixed = tuple((size, size) for size in rest)
        return Choices(ranges=((flexible.lower, flexible.upper), *fixed))
    if isinstance(flexible, BatchSizes):
        return Choices(shapes=tuple((size, *rest) for size in flexible.sizes))
    if isinstance(flexible, ImageSizes):
        return Choices(shapes=tuple((batch, *size, rest[-1]) for size in flexible.sizes))
    if isinstance(flexible, ImageSizeRange):
        channels = rest[-1]
        sides = (flexible.height, flexible.width)
        return Choices(ranges=((batch, batch), *sides, (channels, channels)))
    return None


def _listed(name: str, given: Any, example: str) -> tuple[Any, ...]:
    """2 to 128 items, of which Core ML takes no more."""
    items = tuple(as_list(given) or ())
    if not 2 <= len(items) <= _MOST_SIZES:
        count = f"{len(items)} size{'s' * (len(items) > 1)}" if items else repr(given)
        raise InvalidArgumentError(
            f"{name} takes 2 to {_MOST_SIZES} sizes, {example}; given were {count}. One size needs "
            "no flexible=, and for more there are ranges."
        )
    return items


def _distinct(name: str, sizes: Sequence[Any]) -> tuple[Any, ...]:
    repeated = [size for size, count in Counter(sizes).items() if count > 1]
    if repeated:
        raise InvalidArgumentError(f"{name} lists {repeated[0]} more than once. List it once.")
    return tuple(sizes)


def _check_range(name: str, pair: Sequence[Any]) -> tuple[int, int]:
    """(lowest, highest) as plain whole numbers."""
    low, high = _check_sizes(name, pair)
    if low > high:
        raise InvalidArgumentError(f"{name} has {(low, high)}; pass (lowest, highest).")
    return low, high


def _check_sizes(name: str, given: Any) -> tuple[int, ...]:
    """Sizes as plain whole numbers."""
    sizes = whole_numbers(given)
    if sizes is None or not all(1 <= size <= _LARGEST for size in sizes):
        raise InvalidArgumentError(
            f"{name} has {given}; whole numbers from 1 to {_LARGEST} are required."
        )
    return sizes


def _freeze(record: Any, name: str, value: Any) -> None:
    object.__setattr__(record, name, value)
