"""What goes into both sides of a comparison: the user's inputs, or drawn ones of each size."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import keras
import numpy as np
import numpy.typing as npt

from mobilezoo.errors import InvalidArgumentError
from mobilezoo.graph.inputs import symbolic_inputs
from mobilezoo.randomize import random_inputs, random_pictures
from mobilezoo.runtime import CoreMLProgram, Feature
from mobilezoo.runtime.pictures import read_picture
from mobilezoo.verification.given import Arrays, check_counts, read_given

Sides = tuple[int, ...]

EXAMPLES = 4  # that are drawn
_MOST_SIZES = 8  # of those that a file lists
_FEW = 2  # of flexible sizes that are large
_LARGE = 400 * 400  # pixels
_MANY = 64  # examples at once, to which the upper end of a range is tried


def input_shape(program: CoreMLProgram, model: keras.Model) -> tuple[int, ...] | None:
    """(height, width, channels) of the file's one input, for models that leave sides free.

    None for several inputs, and for one that is a number.
    """
    return (_sides(program, model)[0] or None) if len(program.inputs) == 1 else None


def has_free_sides(program: CoreMLProgram) -> bool:
    """Whether the file takes pictures of several sizes."""
    return any(feature.has_free_sides for feature in program.inputs)


class Trial(NamedTuple):
    """Inputs of one size.

    Attributes:
        size: in words; empty where the file takes one.
        arrays: makes or returns them, one per input feature.
        sides: of a flexible input, without channels; None for the file's own.
    """

    size: str
    arrays: Callable[[], Arrays]
    sides: Sides | None = None


def trials(program: CoreMLProgram, model: keras.Model, inputs: Any, seed: int) -> list[Trial]:
    """What goes into the file: given, or drawn.

    Of a flexible file the sizes that it lists are tried, or the ends of a range and a size next to
    them.

    Raises:
        InvalidArgumentError: another number of arrays, other sizes, or no examples.
    """
    if inputs is not None:
        return given_trials(program, model, inputs)
    drawn = []
    for count in _counts(program):
        for sides in _sizes(program):
            said = "" if sides is None else str(sides)
            several = f"{count} examples" if _frees_batch(program) else ""
            few = count if sides is None or math.prod(sides) <= _LARGE else min(count, _FEW)
            arrays = partial(drawn_inputs, program, model, few, seed, sides)
            drawn.append(Trial(" with ".join(filter(None, (said, several))), arrays, sides))
    return drawn


def given_trials(program: CoreMLProgram, model: keras.Model, inputs: Any) -> list[Trial]:
    """The user's arrays: one per input feature, or of a flexible file's one input any number."""
    given = read_given(program.inputs, inputs)
    if has_free_sides(program) and len(program.inputs) == 1 and given:
        return _by_size(program.inputs[0], given, _sides(program, model)[0])
    if len(given) != len(program.inputs):
        raise InvalidArgumentError(
            f"{len(given)} input array(s) given; the file takes {len(program.inputs)}."
        )
    for feature, array, sides in zip(program.inputs, given, _sides(program, model), strict=True):
        if array.shape[1:] != sides or array.shape[:1] in ((), (0,)):
            raise InvalidArgumentError(
                f"Input '{feature.name}' has shape {array.shape}; pass (n, "
                f"{', '.join(map(str, sides))}) with n at least 1."
            )
    check_counts(program.inputs, given)
    read = [_pixels(*pair) for pair in zip(program.inputs, given, strict=True)]
    return [Trial("", lambda: read)]


def _by_size(feature: Feature, given: Arrays, sides: Sides) -> list[Trial]:
    """A trial for each size, of all examples that have it."""
    rank, channels = len(sides), sides[-1]
    by_size: dict[Sides, Arrays] = {}
    for array in given:
        several = array[np.newaxis] if array.ndim == rank else array
        own = tuple(several.shape[1:])
        fits = several.ndim == rank + 1 and own[-1] == channels and len(several) > 0
        if not fits or not _is_allowed(feature, own):
            raise InvalidArgumentError(
                f"Input '{feature.name}' has shape {array.shape}; the file takes "
                f"{feature.sizes_in_words()}, as (n, height, width, {channels}) with n at least "
                "1, or a list of such arrays of different sizes."
            )
        by_size.setdefault(own[:-1], []).append(_pixels(feature, several))
    return [Trial(str(size), partial(_joined, arrays), size) for size, arrays in by_size.items()]


def _joined(arrays: Arrays) -> Arrays:
    return [np.concatenate(arrays)]


def _is_allowed(feature: Feature, own: Sides) -> bool:
    if feature.kind == "image":
        return feature.allows(own[:-1])
    return feature.allows((1, *own) if feature.leading_batch else own)


def _pixels(feature: Feature, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """What goes into an image input, refused where it is none: before Keras runs."""
    return read_picture(feature, array) if feature.kind == "image" else array


def drawn_inputs(
    program: CoreMLProgram,
    model: keras.Model,
    count: int,
    seed: int,
    sides: tuple[int, ...] | None = None,
) -> Arrays:
    """Random inputs, pictures for image features.

    Args:
        program: the file.
        model: that it was made from.
        count: number of examples.
        seed: of the random numbers.
        sides: of a flexible input, without channels; None for its default.
    """
    shape = input_shape(program, model)
    if shape is not None and sides is not None:
        shape = (*sides, shape[-1])
    free = has_free_sides(program)  # whose default need not be the model's own size
    drawn = random_inputs(model, count, seed, input_shape=shape, any_size=free)
    rng = np.random.default_rng(seed)
    return [
        random_pictures(rng, array.shape) if feature.kind == "image" else array
        for feature, array in zip(program.inputs, keras.tree.flatten(drawn), strict=True)
    ]


def _counts(program: CoreMLProgram) -> list[int]:
    """Numbers of examples to try."""
    free = [feature for feature in program.inputs if feature.has_free_batch]
    if not free:
        return [EXAMPLES]
    if free[0].choices:
        return [choice[0] for choice in _some(free[0])]
    low, high = free[0].ranges[0] if free[0].ranges else (1, None)
    few = max(low, EXAMPLES) if high is None else min(max(low, EXAMPLES), high)
    return sorted({low, few, few if high is None or high > _MANY else high})


def _some(feature: Feature) -> list[Sides]:
    """Of the shapes that a feature lists: the smallest, the largest, the default, and between."""
    by_size = sorted(feature.choices, key=lambda sizes: (math.prod(sizes), sizes))
    if len(by_size) <= _MOST_SIZES:
        return by_size
    steps = np.linspace(0, len(by_size) - 1, _MOST_SIZES - 1).round().astype(int)
    return list(dict.fromkeys([*(by_size[i] for i in steps), feature.default]))


def fewest_examples(program: CoreMLProgram) -> int:
    """How many examples the file takes at least."""
    return _counts(program)[0] if _frees_batch(program) else 1


def _frees_batch(program: CoreMLProgram) -> bool:
    return any(feature.has_free_batch for feature in program.inputs)


def _sizes(program: CoreMLProgram) -> list[tuple[int, ...] | None]:
    """Sides to try, without channels; None for those of a file that takes one size."""
    if not has_free_sides(program):
        return [None]
    (feature,) = program.inputs
    rows = _some(feature) if feature.choices else _corners(feature.ranges)
    if feature.kind == "image":
        return list(rows)
    return [row[1:-1] if feature.leading_batch else row[:-1] for row in rows]


def _corners(ranges: Sequence[tuple[int, int | None]]) -> list[tuple[int, ...]]:
    """The smallest size, the largest, and one of other proportions whose sides are odd or even."""
    low = tuple(pair[0] for pair in ranges)
    high = tuple(first if last is None else last for first, last in ranges)
    pairs = list(zip(low, high, strict=True))
    between = tuple(
        min(first + 1, last) if i % 2 else max(last - 1, first)
        for i, (first, last) in enumerate(pairs)
    )
    return list(dict.fromkeys((low, between, high)))


def _sides(program: CoreMLProgram, model: keras.Model) -> list[tuple[int, ...]]:
    """Shape of one example of each input in Keras's order, without the batch."""
    try:
        declared = keras.tree.flatten(symbolic_inputs(model, None))
    except InvalidArgumentError:  # it does not say
        declared = []
    sides = [_sides_of(feature) for feature in program.inputs]
    for i, (own, tensor) in enumerate(zip(sides, declared, strict=False)):
        if len(own) == len(tensor.shape) and own[:1] == (1,):
            sides[i] = own[1:]  # a neural network has (1, length, channels) for a sequence
    return sides


def _sides_of(feature: Any) -> tuple[int, ...]:
    if feature.kind == "image":
        return (feature.height, feature.width, 1 if feature.color == "GRAYSCALE" else 3)
    shape = feature.default or feature.shape
    return tuple(shape[1:] if feature.leading_batch else shape)
