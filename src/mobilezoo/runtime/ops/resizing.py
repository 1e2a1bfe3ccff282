"""Enlarging and shrinking pictures: the last two axes of (*d, h, w), rank 3 or more."""

from __future__ import annotations

import math

import numpy as np
import tensorflow as tf

from mobilezoo.errors import UnsupportedOpError
from mobilezoo.runtime.arithmetic import Array, Operand, tensor
from mobilezoo.runtime.layout import channels_first, channels_last
from mobilezoo.runtime.ops._grids import between, places
from mobilezoo.runtime.ops._pictures import over_pictures
from mobilezoo.runtime.ops._sizes import bounded, bounded_tensor

__all__ = [
    "resize", "resize_bilinear", "resize_nearest_neighbor", "upsample_bilinear",
    "upsample_nearest_neighbor",
]  # fmt: skip

_KERNELS = {  # align_corners, half_pixel_centers of TensorFlow's kernel
    "DEFAULT": (False, False),
    "STRICT_ALIGN_CORNERS": (True, False),
    "UNALIGN_CORNERS": (False, True),
}


def upsample_nearest_neighbor(
    x: Operand, scale_factor_height: float = 1, scale_factor_width: float = 1
) -> tf.Tensor:
    """Repeat pixels: x (*d, h, w) -> (*d, floor(h * scale), floor(w * scale)).

    Output pixel i is input pixel floor(i h / h') where h * scale is whole, else floor(i / scale),
    which is PyTorch's for a scale. Whole is what is so within 0.001: coremltools writes a size
    h' that is no multiple of h as the scale (h' + 0.0001) / h.
    """
    scales = (scale_factor_height, scale_factor_width)
    target = _scaled(x, *scales)
    sides = tuple(x.shape[-2:])
    if all(map(_is_whole, sides, scales)):
        return over_pictures(lambda p: _nearest(p, target, half_pixel_centers=False), x)
    bounded(target)
    rows, columns = map(_sources, sides, scales, target)
    return tf.gather(tf.gather(tensor(x), rows, axis=-2), columns, axis=-1)


def resize_nearest_neighbor(
    x: Operand, target_size_height: int, target_size_width: int
) -> tf.Tensor:
    """Repeat pixels: x (*d, h, w) -> (*d, target_size_height, target_size_width).

    Output pixel i is input pixel floor((i + 1/2) h / h').
    """
    target = (int(target_size_height), int(target_size_width))
    return over_pictures(lambda p: _nearest(p, target, half_pixel_centers=True), x)


def upsample_bilinear(
    x: Operand,
    scale_factor_height: float = 1,
    scale_factor_width: float = 1,
    align_corners: bool = True,
    half_pixel_centers: bool | None = None,
) -> tf.Tensor:
    """Interpolate: x (*d, h, w) -> (*d, floor(h * scale), floor(w * scale)).

    Output pixel i lies at i (h - 1) / (h' - 1) if `align_corners`, else at
    (i + 1/2) h / h' - 1/2, or at i h / h' where `half_pixel_centers` is false.
    """
    if half_pixel_centers is None:
        half_pixel_centers = not align_corners
    target = _scaled(x, scale_factor_height, scale_factor_width)
    return over_pictures(
        lambda p: _bilinear(p, target, bool(align_corners), bool(half_pixel_centers)), x
    )


def resize_bilinear(
    x: Operand,
    target_size_height: int = 1,
    target_size_width: int = 1,
    sampling_mode: str = "DEFAULT",
) -> tf.Tensor:
    """Interpolate: x (*d, h, w) -> (*d, target_size_height, target_size_width).

    Output pixel i lies at i h / h' (DEFAULT), at i (h - 1) / (h' - 1) (STRICT_ALIGN_CORNERS;
    ALIGN_CORNERS, which puts a single pixel into the middle), at (i + 1/2) h / h' - 1/2
    (UNALIGN_CORNERS) or at (i + 1/2) max(1, h - 1) / h' (OFFSET_CORNERS).
    """
    target = (int(target_size_height), int(target_size_width))
    if sampling_mode in _KERNELS:
        return over_pictures(lambda p: _bilinear(p, target, *_KERNELS[sampling_mode]), x)
    return over_pictures(lambda p: _interpolated(p, target, sampling_mode), x)


def resize(
    x: Operand,
    shape: Operand,
    resized_dims: int,
    interpolation_mode: str = "LINEAR",
    sampling_mode: str = "DEFAULT",
) -> tf.Tensor:
    """Resize the last `resized_dims` axes to the last sizes of `shape`; a size 0 stays as it is.

    x (*a, *d) -> (*a, *d'). Places as in `resize_bilinear`; NEAREST_NEIGHBOR takes the element
    before the place for DEFAULT, the nearest for others.
    """
    if interpolation_mode not in ("LINEAR", "NEAREST_NEIGHBOR"):
        raise UnsupportedOpError(
            f"interpolation_mode={interpolation_mode!r}; known are LINEAR, NEAREST_NEIGHBOR"
        )
    x = tensor(x)
    rank, count = len(x.shape), int(resized_dims)
    if isinstance(shape, np.ndarray):
        bounded((*x.shape[: rank - count], *shape[-count:]))
    sizes = tf.cast(tensor(shape), tf.int32)
    given = tf.shape(x)
    kept = tf.where(sizes[-count:] == 0, given[rank - count :], sizes[-count:])
    wanted = bounded_tensor(tf.concat([given[: rank - count], kept], 0))
    for axis in range(rank - count, rank):
        where = places(sampling_mode, given[axis], wanted[axis])
        if interpolation_mode == "LINEAR":
            x = between(x, axis, where)
        else:
            nearest = tf.floor(where if sampling_mode == "DEFAULT" else where + 0.5)
            x = tf.gather(x, tf.cast(nearest, tf.int32), axis=axis)
    known = tf.get_static_value(wanted)
    return x if known is None else tf.ensure_shape(x, known)


def _nearest(
    pictures: tf.Tensor, target: tuple[int, int], *, half_pixel_centers: bool
) -> tf.Tensor:
    y = tf.raw_ops.ResizeNearestNeighbor(
        images=channels_last(pictures),
        size=bounded(target),
        half_pixel_centers=half_pixel_centers,
    )
    return channels_first(y)


def _bilinear(
    pictures: tf.Tensor,
    target: tuple[int, int],
    align_corners: bool,
    half_pixel_centers: bool,
) -> tf.Tensor:
    y = tf.raw_ops.ResizeBilinear(
        images=channels_last(pictures),
        size=bounded(target),
        align_corners=align_corners,
        half_pixel_centers=half_pixel_centers,
    )
    return channels_first(y)


def _interpolated(pictures: tf.Tensor, target: tuple[int, int], mode: str) -> tf.Tensor:
    height, width = bounded(target)
    x = channels_last(pictures)
    x = between(x, 1, places(mode, x.shape[1], height))
    return channels_first(between(x, 2, places(mode, x.shape[2], width)))


def _scaled(x: Operand, scale_height: float, scale_width: float) -> tuple[int, int]:
    """Sizes as the file declares them: floored in float32, where 1.3 * 20 is 26."""
    height, width = (np.float32(side) for side in x.shape[-2:])
    return (
        math.floor(height * np.float32(scale_height)), math.floor(width * np.float32(scale_width)),
    )  # fmt: skip


def _is_whole(side: int, scale: float) -> bool:
    made = side * scale
    return abs(made - round(made)) < 1e-3


def _sources(side: int, scale: float, wanted: int) -> Array:
    """The input pixel of each output pixel, for `upsample_nearest_neighbor`."""
    pixels = np.arange(wanted)
    if _is_whole(side, scale):
        return pixels * side // wanted
    before = np.floor(pixels.astype(np.float32) * np.float32(1 / scale))
    sources: Array = np.minimum(before, side - 1).astype(np.int32)
    return sources
