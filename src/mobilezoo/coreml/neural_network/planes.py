"""How tensors of Keras lie in a neural network, whose layers know (channels, height, width).

Keras (batch first)              the network
(n, channels)                    (channels, 1, 1)
(n, length, channels)            (channels, 1, length)
(n, height, width, channels)     (channels, height, width)
"""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np

from mobilezoo.graph.node import Array, Shape

# (channels, height, width), None for a side that the app chooses
Plane: TypeAlias = tuple[int, int | None, int | None]

RANKS = (2, 3, 4)
AXIS_NAMES = ("CHANNEL_AXIS", "HEIGHT_AXIS", "WIDTH_AXIS")  # those of a slice layer
# orders for a permute layer, whose axes are (sequence, channels, height, width)
TO_CHANNELS_FIRST = (0, 3, 1, 2)
TO_CHANNELS_LAST = (0, 2, 3, 1)


def plane(shape: Shape) -> Plane:
    """Keras's shape -> (channels, height, width)."""
    height, width = (1, 1, *shape[1:-1])[-2:]
    channels = shape[-1]
    assert channels is not None  # see graph/free.py
    return channels, height, width


def position(axis: int, rank: int) -> int:
    """Where Keras's `axis` of a tensor of `rank` stands in (channels, height, width)."""
    return 0 if axis == rank - 1 else axis + 4 - rank


def lies_in_order(shape: Shape) -> bool:
    """Whether the elements lie in the network as they lie in Keras."""
    channels, height, width = plane(shape)
    return channels == 1 or height == width == 1


def known(sides: Plane) -> tuple[int, int, int]:
    """A plane none of whose sides the app chooses."""
    channels, height, width = sides
    assert height is not None
    assert width is not None
    return channels, height, width


def extent(shape: Shape) -> float:
    """Number of elements; a side that the app chooses counts as long."""
    return math.prod(1e6 if size is None else size for size in shape)


def storable(values: Array, sides: Plane) -> Array:
    """Values (C or 1, H or 1, W or 1) for a tensor of `sides` as [C], [1, H, W] or [C, H, W]."""
    if values.shape[1:] == (1, 1):
        return values.reshape(-1)
    return np.broadcast_to(values, (len(values), *known(sides)[1:]))  # see graph/free.py
