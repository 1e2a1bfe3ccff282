"""What arguments may say: each function reads one kind of text, or says how it is written."""

from __future__ import annotations

import math
import re
from argparse import ArgumentTypeError
from typing import Any, NamedTuple

_SIZE = re.compile(r"([1-9]\d*)x([1-9]\d*)")
_COUNT = re.compile(r"[1-9]\d*")


class Flexible(NamedTuple):
    """One of the kinds of `flexible=`, which is made when coremltools has been loaded."""

    kind: str
    arguments: tuple[Any, ...]


def shape(text: str) -> tuple[int, ...]:
    """H,W,C or HxWxC."""
    try:
        return tuple(int(part) for part in text.replace("x", ",").split(","))
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r}: write H,W,C, such as 160,96,3.") from error


def flexible(text: str) -> Flexible:
    """224x224,192x256 or 160x160..512x512, heights first; 1,4,8 or 1..16 examples."""
    low, dots, high = text.partition("..")
    items = [low, high] if dots else text.split(",")
    sizes = [_SIZE.fullmatch(item.strip()) for item in items]
    pairs = [(int(size[1]), int(size[2])) for size in sizes if size]
    counts = [int(item) for item in items if _COUNT.fullmatch(item.strip())]
    if len(pairs) == len(items):
        if dots:
            return Flexible("ImageSizeRange", tuple(zip(*pairs, strict=True)))
        return Flexible("ImageSizes", (pairs,))
    if len(counts) == len(items):
        return Flexible("BatchRange", tuple(counts)) if dots else Flexible("BatchSizes", (counts,))
    raise ArgumentTypeError(
        f"{text!r}: write HEIGHTxWIDTH sizes, such as 224x224,192x256 or 160x160..512x512; or "
        "numbers of examples, such as 1,4,8 or 1..16."
    )


def size(text: str) -> tuple[int, int]:
    """HEIGHTxWIDTH."""
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise ArgumentTypeError(f"{text!r}: write HEIGHTxWIDTH in pixels, such as 224x192.")
    return int(found[1]), int(found[2])


def channels(text: str) -> tuple[float, ...]:
    """A number for all channels or three; fractions such as 1/255 are numbers."""
    try:
        numbers = tuple(map(_number, text.split(",")))
    except (ValueError, ZeroDivisionError):
        numbers = ()
    if len(numbers) not in (1, 3) or not all(map(math.isfinite, numbers)):
        raise ArgumentTypeError(
            f"{text!r}: write a number, or one for each of three channels, such as 127.5, "
            "123.7,116.3,103.5 or 1/255."
        )
    return numbers


def deviations(text: str) -> tuple[float, ...]:
    """As channels; those of pixels 0..255."""
    numbers = channels(text)
    if not all(number > 0 for number in numbers):
        raise ArgumentTypeError(f"{text!r}: standard deviations are greater than 0.")
    if all(number < 1 for number in numbers):
        scaled = ",".join(f"{number * 255:.6g}" for number in numbers)
        raise ArgumentTypeError(
            f"{text!r} is for pixels 0..1, and Core ML's are 0..255: multiply it by 255, and "
            f"--mean too: --std {scaled}."
        )
    return numbers


def fraction(text: str) -> float:
    """A positive number."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise ArgumentTypeError(f"{text!r}: write a positive number, such as 0.02 for 2 %.")
    return number


def _number(text: str) -> float:
    above, slash, below = text.partition("/")
    return float(above) / float(below) if slash else float(above)
