"""Enlarging and shrinking pictures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from mobilezoo.errors import UnsupportedOpError
from mobilezoo.runtime.arithmetic import Array, Operand, tensor
from mobilezoo.runtime.layers._pictures import over_pictures
from mobilezoo.runtime.layout import channels_first, channels_last
from mobilezoo.runtime.ops import resizing as ops

__all__ = ["resize_bilinear", "upsample"]

_CORNERS = {  # align_corners, half_pixel_centers
    "DEFAULT": (False, False),
    "ALIGN_CORNERS_TRUE": (True, False),
    "ALIGN_CORNERS_FALSE": (False, True),
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
        return over_pictures(lambda p: ops.upsample_nearest_neighbor(p, vertical, horizontal), x)
    if mode != "BILINEAR" or linear_upsample_mode not in _CORNERS:
        raise UnsupportedOpError(f"upsample with mode {mode} and {linear_upsample_mode}")
    corners = _CORNERS[linear_upsample_mode]
    return over_pictures(lambda p: ops.upsample_bilinear(p, vertical, horizontal, *corners), x)


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
    height, width = target_size
    return over_pictures(
        lambda p: _interpolated(p, _grid(mode, p.shape[2], height), _grid(mode, p.shape[3], width)),
        x,
    )


def _grid(mode: str, given: int, wanted: int) -> Array:
    """Where each of the wanted pixels lies among those given: (wanted,)."""
    steps = np.arange(wanted, dtype=np.float64)
    if mode in ("STRICT_ALIGN_ENDPOINTS_MODE", "ALIGN_ENDPOINTS_MODE"):
        if wanted == 1:
            return np.array([0.0 if mode.startswith("STRICT") else (given - 1) / 2])
        return steps * ((given - 1) / (wanted - 1))
    if mode == "UPSAMPLE_MODE":
        return np.minimum(steps * (given / wanted), given - 1)
    if mode == "ROI_ALIGN_MODE":
        return np.minimum((steps + 0.5) * (max(1, given - 1) / wanted), given - 1)
    raise UnsupportedOpError(f"sampling mode {mode}")


def _interpolated(pictures: tf.Tensor, rows: Array, columns: Array) -> tf.Tensor:
    """pictures (n, c, h, w) -> (n, c, len(rows), len(columns))."""
    y = _along(channels_last(pictures), 1, rows)
    return channels_first(_along(y, 2, columns))


def _along(x: tf.Tensor, axis: int, places: Array) -> tf.Tensor:
    """Interpolate along one axis of (n, h, w, c)."""
    lower = np.floor(places).astype(np.int32)
    upper = np.minimum(lower + 1, x.shape[axis] - 1)
    share = (places - lower).astype(np.float32).reshape((-1, *(1,) * (3 - axis)))
    below, above = tf.gather(x, lower, axis=axis), tf.gather(x, upper, axis=axis)
    return below + (above - below) * tensor(share)
