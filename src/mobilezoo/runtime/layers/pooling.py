"""Pooling over windows of a picture."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from mobilezoo.errors import UnsupportedOpError
from mobilezoo.runtime.arithmetic import Operand
from mobilezoo.runtime.ops import pooling as windows
from mobilezoo.runtime.ops._pictures import over_pictures
from mobilezoo.runtime.ops.elementwise import sqrt, square
from mobilezoo.runtime.ops.reduction import reduce_max, reduce_mean, reduce_sum

__all__ = ["pooling"]


def pooling(
    x: Operand,
    *,
    type: str = "MAX",
    kernel_size: Sequence[int] = (3, 3),
    stride: Sequence[int] = (1, 1),
    pad_type: str = "valid",
    pad: Sequence[int] = (0, 0, 0, 0),
    include_last_pixel: bool = False,
    avg_pool_exclude_padding: bool = False,
    global_pooling: bool = False,
) -> tf.Tensor:
    """Largest value (MAX), mean (AVERAGE) or root of the sum of squares (L2) of each window.

    x (*batch, c, h, w) -> (*batch, c, h', w'), h' = floor((h + top + bottom - kh) / stride) + 1,
    or ceil(h / stride) for "same" (the odd pixel after) and "same_lower" (before).

    Args:
        x: (*batch, c, h, w).
        type: MAX, AVERAGE or L2.
        kernel_size: (kh, kw).
        stride: vertical, horizontal.
        pad_type: "custom", as `pad` says, or "valid", "same", "same_lower".
        pad: at the top, bottom, left, right. Never the largest; zeros for AVERAGE and L2.
        include_last_pixel: round h' up; without a last window that lies in the padding alone.
        avg_pool_exclude_padding: divide by the number of positions inside `x`.
        global_pooling: one window, the whole picture; the other parameters do not count.
    """
    if global_pooling:
        return _globally(x, type)
    frame = (kernel_size, pad_type, stride, pad)
    functions = {
        "MAX": lambda pictures: windows.max_pool(*(pictures, *frame), include_last_pixel),
        "AVERAGE": lambda pictures: windows.avg_pool(
            *(pictures, *frame), avg_pool_exclude_padding, include_last_pixel
        ),
        "L2": lambda pictures: windows.l2_pool(*(pictures, *frame), include_last_pixel),
    }
    return over_pictures(functions[_known(type)], x)


def _globally(x: Operand, type: str) -> tf.Tensor:
    """(*batch, c, h, w) -> (*batch, c, 1, 1)."""
    functions = {
        "MAX": lambda pictures: reduce_max(pictures, (2, 3), keep_dims=True),
        "AVERAGE": lambda pictures: reduce_mean(pictures, (2, 3), keep_dims=True),
        "L2": lambda pictures: sqrt(reduce_sum(square(pictures), (2, 3), keep_dims=True)),
    }
    return over_pictures(functions[_known(type)], x)


def _known(type: str) -> str:
    if type not in ("MAX", "AVERAGE", "L2"):
        raise UnsupportedOpError(f"pooling of type {type}; known are MAX, AVERAGE, L2")
    return type
