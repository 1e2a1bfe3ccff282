"""Enlarging and shrinking pictures."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from mobilezoo.errors import UnsupportedOpError
from mobilezoo.runtime.arithmetic import Operand
from mobilezoo.runtime.ops import resizing as ops

__all__ = ["resize_bilinear", "upsample"]

_CORNERS = {  # align_corners, half_pixel_centers
    "DEFAULT": (False, False),
    "ALIGN_CORNERS_TRUE": (True, False),
    "ALIGN_CORNERS_FALSE": (False, True),
}

SAMPLING_MODES = {
    "STRICT_ALIGN_ENDPOINTS_MODE": "STRICT_ALIGN_CORNERS",
    "ALIGN_ENDPOINTS_MODE": "ALIGN_CORNERS",
    "UPSAMPLE_MODE": "DEFAULT",
    "ROI_ALIGN_MODE": "OFFSET_CORNERS",
}


def upsample(
    x: Operand,
    *,
    scaling_factor: Sequence[float] = (1, 1),
    mode: str = "NN",
    linear_upsample_mode: str = "DEFAULT",
) -> tf.Tensor:
    """Enlarge: x (*batch, c, h, w) -> (*batch, c, h * scaling_factor[0], w * scaling_factor[1]).

    NN repeats each pixel. BILINEAR interpolates; output pixel i lies at i / factor (DEFAULT), at
    i (h - 1) / (h' - 1) (ALIGN_CORNERS_TRUE) or at (i + 1/2) / factor - 1/2 (ALIGN_CORNERS_FALSE).
    """
    vertical, horizontal = scaling_factor
    if mode == "NN":
        return ops.upsample_nearest_neighbor(x, vertical, horizontal)
    if mode != "BILINEAR" or linear_upsample_mode not in _CORNERS:
        raise UnsupportedOpError(f"upsample with mode {mode} and {linear_upsample_mode}")
    corners = _CORNERS[linear_upsample_mode]
    return ops.upsample_bilinear(x, vertical, horizontal, *corners)


def resize_bilinear(
    x: Operand,
    *,
    target_size: Sequence[int] = (1, 1),
    mode: str = "STRICT_ALIGN_ENDPOINTS_MODE",
) -> tf.Tensor:
    """Interpolate: x (*batch, c, h, w) -> (*batch, c, *target_size).

    Output pixel i of n, from m, lies at i (m - 1) / (n - 1) (STRICT_ALIGN_ENDPOINTS_MODE, and
    ALIGN_ENDPOINTS_MODE, whose single pixel lies in the middle), at i m / n (UPSAMPLE_MODE), or
    at (i + 1/2) max(1, m - 1) / n (ROI_ALIGN_MODE); never beyond m - 1.
    """
    if mode not in SAMPLING_MODES:
        raise UnsupportedOpError(f"sampling mode {mode}")
    height, width = target_size
    return ops.resize_bilinear(x, height, width, SAMPLING_MODES[mode])
