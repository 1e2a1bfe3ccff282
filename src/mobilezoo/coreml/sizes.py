"""One graph for pictures of several sizes, and whether the model takes each of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import keras

from mobilezoo.coreml.flexibility import (
    Flexibility,
    ImageSizeRange,
    ImageSizes,
    default_shape,
    frees_sides,
)
from mobilezoo.errors import InvalidArgumentError, MobilezooError, UnsupportedLayersError
from mobilezoo.graph import Graph, capture
from mobilezoo.graph.inputs import symbolic_inputs
from mobilezoo.graph.node import Shape
from mobilezoo.graph.problems import Problem, lines

_PICTURE_RANK = 4  # with the batch
_TRIED = 33  # sides from the lowest of a range on
_SCALED = "UpSampling2D, or let the app scale the picture"
_INSTEAD = {  # of layers and operations that need to know the sides
    "AdaptiveAveragePool": "GlobalAveragePooling2D",
    "AdaptiveMaxPool": "GlobalMaxPooling2D",
    "CenterCrop": "Cropping2D, or let the app crop the picture",
    "GetItem": "Cropping2D",
    "Pad": "mode='constant'",
    "Repeat": "UpSampling2D",
    "Resize": _SCALED,
    "UpSampling2D": "interpolation='nearest' or 'bilinear'",
}


def capture_at_all_sizes(
    model: keras.Model, input_shape: Sequence[int] | None, flexible: Flexibility | None
) -> tuple[Graph, Shape | None]:
    """The graph and, where its sides are free, the input's shape as the model declares it."""
    if not frees_sides(flexible):
        return capture(model, input_shape), None
    tensors = keras.tree.flatten(symbolic_inputs(model, input_shape, any_size=True))
    if len(tensors) != 1 or len(tensors[0].shape) != _PICTURE_RANK:
        raise InvalidArgumentError(
            f"flexible={flexible} needs a model with one input (height, width, channels); "
            f"'{model.name}' takes {[tuple(tensor.shape[1:]) for tensor in tensors]}."
        )
    declared = tuple(tensors[0].shape)
    try:
        return capture(model, (None, None, declared[-1]), any_size=True), declared
    except UnsupportedLayersError as error:
        sides = default_shape(flexible, declared)[1:3]
        known = [side or other for side, other in zip(declared[1:3], sides, strict=True)]
        raise _at_one_size(model, (*known, declared[-1]), error) from error


def _at_one_size(
    model: keras.Model, shape: Shape, error: UnsupportedLayersError
) -> UnsupportedLayersError:
    """What to say of layers that need to know the sides, and of those that help by no size."""
    try:
        capture(model, shape, any_size=True)
        never: Mapping[str, Problem] = {}
    except UnsupportedLayersError as at_one:
        never = at_one.layers
    except (MobilezooError, ValueError):  # it cannot be computed at that size
        return error
    sized = {path: problem for path, problem in error.layers.items() if path not in never}
    parts = []
    if never:
        parts.append(
            f"{len(never)} layer(s) of '{model.name}' cannot be represented:\n{lines(never, str)}"
        )
    if sized:
        parts.append(
            f"{len(sized)} layer(s) of '{model.name}' fit one size only, and flexible= leaves "
            f"height and width open. Replace them, or leave flexible= out and export one size.\n"
            f"{lines(sized, _replacement)}"
        )
    return UnsupportedLayersError("\n".join(parts), {**never, **sized})


def _replacement(problem: Problem) -> str:
    name = problem.operation or problem.kind
    what = f"keras.ops {problem.operation}" if problem.operation else ""
    instead = _INSTEAD.get(name)
    return "; ".join(filter(None, [what, instead and f"take {instead}"]))


def check_every_size(model: keras.Model, flexible: Flexibility | None, declared: Shape) -> None:
    """Refuse sizes at which the model itself cannot be computed: rows that do not match, say.

    All sizes of a list are tried; of a range its ends, and both sides from the lowest on together
    through 33 values: networks halve sides up to 5 times, so that later values repeat.

    Args:
        model: whose layers are tried.
        flexible: the sizes.
        declared: shape of the input as `capture_at_all_sizes` gave it.

    Raises:
        InvalidArgumentError: names the size.
    """
    for height, width in _tried(flexible):
        try:
            capture(model, (height, width, declared[-1]), any_size=True)
        except (MobilezooError, ValueError) as error:
            layer = str(error).strip().rpartition("\n")[2].partition(":")[0].strip()
            raise InvalidArgumentError(
                f"flexible={flexible}: '{model.name}' cannot be computed at {(height, width)}, "
                f"{layer} fails there. Replace it, or list the sizes that fit in ImageSizes."
            ) from error


def _tried(flexible: Flexibility | None) -> Iterator[tuple[int, int]]:
    if isinstance(flexible, ImageSizes):
        yield from flexible.sizes
    if isinstance(flexible, ImageSizeRange):
        rows, columns = flexible.height, flexible.width
        diagonal = (
            (min(rows[0] + i, rows[1]), min(columns[0] + i, columns[1])) for i in range(_TRIED)
        )
        yield from dict.fromkeys((*diagonal, (rows[1], columns[0]), (rows[1], columns[1])))
