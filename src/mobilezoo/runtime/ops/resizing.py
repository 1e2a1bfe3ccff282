"""Enlarging and shrinking pictures: the last two axes of (n, c, h, w)."""

from __future__ import annotations

import math

import tensorflow as tf

from mobilezoo.errors import UnsupportedOpError
from mobilezoo.runtime.arithmetic import Operand
from mobilezoo.runtime.layout import channels_first, channels_last

__all__ = [
    "resize_bilinear", "resize_nearest_neighbor", "upsample_bilinear", "upsample_nearest_neighbor",
]  # fmt: skip


def upsample_nearest_neighbor(
    x: Operand, scale_factor_height: float = 1, scale_factor_width: float = 1
) -> tf.Tensor:
    """Repeat each pixel: x (n, c, h, w) -> (n, c, h * scale, w * scale), whole scales."""
    height, width = _scaled(x, scale_factor_height, scale_factor_width)
    return resize_nearest_neighbor(x, height, width)


def resize_nearest_neighbor(
    x: Operand, target_size_height: int, target_size_width: int
) -> tf.Tensor:
    """Repeat each pixel: x (n, c, h, w) -> (n, c, target, target), multiples of h and w."""
    x = channels_last(_picture(x))
    if target_size_height % x.shape[1] or target_size_width % x.shape[2]:
        raise UnsupportedOpError(
            f"nearest-neighbour resizing of {tuple(x.shape[1:3])} to "
            f"({target_size_height}, {target_size_width}); whole multiples are known"
        )
    target = (int(target_size_height), int(target_size_width))
    return channels_first(tf.raw_ops.ResizeNearestNeighbor(images=x, size=target))


def upsample_bilinear(
    x: Operand,
    scale_factor_height: float = 1,
    scale_factor_width: float = 1,
    align_corners: bool = True,
    half_pixel_centers: bool | None = None,
) -> tf.Tensor:
    """Interpolate: x (n, c, h, w) -> (n, c, floor(h * scale), floor(w * scale)).

    Output pixel i lies at i (h - 1) / (h' - 1) if `align_corners`, else at
    (i + 1/2) h / h' - 1/2, or at i h / h' where `half_pixel_centers` is false.
    """
    if half_pixel_centers is None:
        half_pixel_centers = not align_corners
    height, width = _scaled(x, scale_factor_height, scale_factor_width)
    return _bilinear(x, height, width, bool(align_corners), bool(half_pixel_centers))


def resize_bilinear(
    x: Operand,
    target_size_height: int = 1,
    target_size_width: int = 1,
    sampling_mode: str = "DEFAULT",
) -> tf.Tensor:
    """Interpolate: x (n, c, h, w) -> (n, c, target_size_height, target_size_width).

    Output pixel i lies at i h / h' (DEFAULT), (i + 1/2) h / h' - 1/2 (UNALIGN_CORNERS) or
    i (h - 1) / (h' - 1) (STRICT_ALIGN_CORNERS, and ALIGN_CORNERS for h' > 1).
    """
    modes = {  # align_corners, half_pixel_centers
        "DEFAULT": (False, False),
        "STRICT_ALIGN_CORNERS": (True, False),
        "ALIGN_CORNERS": (True, False),
        "UNALIGN_CORNERS": (False, True),
    }
    centred = sampling_mode == "ALIGN_CORNERS" and 1 in (target_size_height, target_size_width)
    if sampling_mode not in modes or centred:
        raise UnsupportedOpError(
            f"resize_bilinear with sampling_mode={sampling_mode!r} to "
            f"({target_size_height}, {target_size_width}); known are {', '.join(modes)}, "
            "ALIGN_CORNERS to 2 pixels or more"
        )
    return _bilinear(x, int(target_size_height), int(target_size_width), *modes[sampling_mode])


def _bilinear(
    x: Operand, height: int, width: int, align_corners: bool, half_pixel_centers: bool
) -> tf.Tensor:
    y = tf.raw_ops.ResizeBilinear(
        images=channels_last(_picture(x)),
        size=(height, width),
        align_corners=align_corners,
        half_pixel_centers=half_pixel_centers,
    )
    return channels_first(y)


def _scaled(x: Operand, scale_height: float, scale_width: float) -> tuple[int, int]:
    height, width = x.shape[-2:]
    return math.floor(height * scale_height), math.floor(width * scale_width)


def _picture(x: Operand) -> Operand:
    if len(x.shape) != 4:
        raise UnsupportedOpError(f"resizing a tensor of rank {len(x.shape)}; rank 4 is known")
    return x
