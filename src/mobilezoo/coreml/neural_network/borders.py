"""Borders around pictures, as numbers of pixels before and after."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Pairs = Sequence[Sequence[int]]  # ((top, bottom), (left, right))


def windows(padding: str | Pairs, sides: Sequence[int], extent: Sequence[int],
            strides: Sequence[int]) -> Pairs:  # fmt: skip
    """The borders that Keras's padding means for windows over a picture.

    Args:
        padding: "valid", "same" or pairs for the spatial axes.
        sides: of the picture.
        extent: of the window, dilation included.
        strides: of the window.
    """
    if padding == "valid":
        return ((0, 0), (0, 0))
    if not isinstance(padding, str):
        return ((0, 0), *padding)[-2:]
    pairs = []
    for side, reach, stride in zip(sides, extent, strides, strict=True):
        total = max((-(-side // stride) - 1) * stride + reach - side, 0)
        pairs.append((total // 2, total - total // 2))  # the odd pixel goes after
    return pairs


def set_borders(message: Any, pairs: Pairs) -> None:
    """Fill a `BorderAmounts`."""
    for before, after in pairs:
        message.borderAmounts.add(startEdgeSize=before, endEdgeSize=after)
