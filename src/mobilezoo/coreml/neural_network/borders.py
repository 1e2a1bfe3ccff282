"""Borders around pictures, as numbers of pixels before and after."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Pairs = Sequence[Sequence[int]]  # ((top, bottom), (left, right))


def windows(padding: str | Pairs, sides: Sequence[int | None], extent: Sequence[int],
            strides: Sequence[int]) -> Pairs | None:  # fmt: skip
    """The borders that Keras's padding means for windows over a picture.

    None for "same" padding that depends on sides which the app chooses.

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
        if stride == 1:
            total = reach - 1
        elif side is None:
            return None
        else:
            total = max((-(-side // stride) - 1) * stride + reach - side, 0)
        pairs.append((total // 2, total - total // 2))  # the odd pixel goes after
    return pairs


def set_padding(parameters: Any, pairs: Pairs | None) -> None:
    """Fill the padding of a convolution or a pooling; None: Keras's "same", at any size."""
    if pairs is None:
        mode = parameters.same.SamePaddingMode
        parameters.same.asymmetryMode = mode.Value("BOTTOM_RIGHT_HEAVY")  # the odd pixel goes after
    else:
        set_borders(parameters.valid.paddingAmounts, pairs)


def set_borders(message: Any, pairs: Pairs) -> None:
    """Fill a `BorderAmounts`."""
    for before, after in pairs:
        message.borderAmounts.add(startEdgeSize=before, endEdgeSize=after)
