"""One graph for pictures of several sizes, and whether the model takes each of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import keras

from mobilezoo.coreml.flexibility import Flexibility, ImageSizeRange, ImageSizes, frees_sides
from mobilezoo.errors import InvalidArgumentError, MobilezooError, UnsupportedLayersError
from mobilezoo.graph import Graph, capture
from mobilezoo.graph.inputs import symbolic_inputs
from mobilezoo.graph.node import Shape

_PICTURE_RANK = 4  # with the batch
_TRIED = 33  # sides from the lowest of a range on


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
        raise UnsupportedLayersError(
            f"{error}\nflexible= leaves height and width open. Layers that need to know them can "
            "be exported for one size: leave it out."
        ) from error


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
                f"{layer} fails there. List the sizes that fit in ImageSizes."
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
