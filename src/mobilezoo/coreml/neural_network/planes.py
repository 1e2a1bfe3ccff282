"""How tensors of Keras lie in a neural network, whose layers know (channels, height, width).

Keras (batch first)              the network
(n, channels)                    (channels, 1, 1)
(n, length, channels)            (channels, 1, length)
(n, height, width, channels)     (channels, height, width)
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mobilezoo.graph.node import Array

RANKS = (2, 3, 4)
AXIS_NAMES = ("CHANNEL_AXIS", "HEIGHT_AXIS", "WIDTH_AXIS")  # those of a slice layer
# orders for a permute layer, whose axes are (sequence, channels, height, width)
TO_CHANNELS_FIRST = (0, 3, 1, 2)
TO_CHANNELS_LAST = (0, 2, 3, 1)


def plane(shape: Sequence[int]) -> tuple[int, int, int]:
    """Keras's shape -> (channels, height, width)."""
    height, width = (1, 1, *shape[1:-1])[-2:]
    return shape[-1], height, width


def position(axis: int, rank: int) -> int:
    """Where Keras's `axis` of a tensor of `rank` stands in (channels, height, width)."""
    return 0 if axis == rank - 1 else axis + 4 - rank


def lies_in_order(shape: Sequence[int]) -> bool:
    """Whether the elements lie in the network as they lie in Keras."""
    channels, height, width = plane(shape)
    return channels == 1 or height * width == 1


def storable(values: Array, sides: tuple[int, int, int]) -> Array:
    """Values (C or 1, H or 1, W or 1) for a tensor of `sides` as [C], [1, H, W] or [C, H, W]."""
    if values.shape[1:] == (1, 1):
        return values.reshape(-1)
    return np.broadcast_to(values, (len(values), *sides[1:]))
