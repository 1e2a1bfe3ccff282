"""Pictures read at places between their pixels."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from mobilezoo.errors import UnsupportedOpError
from mobilezoo.runtime.arithmetic import Operand, tensor
from mobilezoo.runtime.layout import channels_first, channels_last
from mobilezoo.runtime.ops._grids import offsets
from mobilezoo.runtime.ops._sizes import bounded

__all__ = ["affine", "crop_resize", "resample"]

_BOXES: dict[str, Callable[..., tuple[tf.Tensor, ...]]] = {  # -> top, left, bottom, right
    "CORNERS_HEIGHT_FIRST": lambda a, b, c, d: (a, b, c, d),
    "CORNERS_WIDTH_FIRST": lambda a, b, c, d: (b, a, d, c),
    "CENTER_SIZE_HEIGHT_FIRST": lambda a, b, c, d: (a - c / 2, b - d / 2, a + c / 2, b + d / 2),
    "CENTER_SIZE_WIDTH_FIRST": lambda a, b, c, d: (b - d / 2, a - c / 2, b + d / 2, a + c / 2),
}


def crop_resize(
    x: Operand,
    boxes: Operand | None = None,
    box_indices: Operand | None = None,
    roi: Operand | None = None,
    target_height: int = 1,
    target_width: int = 1,
    normalized_coordinates: bool = False,
    spatial_scale: float = 1.0,
    box_coordinate_mode: str = "CORNERS_HEIGHT_FIRST",
    sampling_mode: str = "DEFAULT",
    pad_value: float = 0.0,
) -> tf.Tensor:
    """Cut boxes out of pictures and resize each, between pixels in proportion.

    x (b, c, h, w). iOS 17: boxes (n, 4), box_indices (n,) of pictures, 0, 1, ... if None ->
    (n, c, target_height, target_width). iOS 15: roi (n, 1, 5, 1, 1), a picture's number before the
    four -> (n, 1, c, *target), or roi (n, 1, 4, 1, 1), of every picture -> (n, b, c, *target).
    Boxes count in pixels, from 0 to h - 1, or from 0 to 1 if `normalized_coordinates`. Places
    are those of `resize_bilinear` in the box, and none beyond its edges; beyond the picture lies
    `pad_value`.
    """
    if box_coordinate_mode not in _BOXES:
        raise UnsupportedOpError(
            f"box_coordinate_mode={box_coordinate_mode!r}; known are {', '.join(_BOXES)}"
        )
    pictures = channels_last(x)
    each, numbers, shape = _boxes(boxes, box_indices, roi, pictures)
    corners = _BOXES[box_coordinate_mode](*tf.unstack(each * spatial_scale, axis=-1))
    bounded((each.shape[0], target_height, target_width, pictures.shape[-1]))
    places, inside = [], tf.ones((), tf.bool)
    for axis, wanted in enumerate((int(target_height), int(target_width))):
        last = tf.cast(tf.shape(pictures)[axis + 1] - 1, tf.float64)
        first, end = (
            tf.cast(corner, tf.float64) * (last if normalized_coordinates else 1.0)
            for corner in (corners[axis], corners[axis + 2])
        )
        length = end - first
        ends = length[:, tf.newaxis]
        within = tf.clip_by_value(
            offsets(sampling_mode, length, wanted), tf.minimum(ends, 0.0), tf.maximum(ends, 0.0)
        )
        where = first[:, tf.newaxis] + within
        where = where[:, :, tf.newaxis] if axis == 0 else where[:, tf.newaxis]  # (n, h', w')
        inside &= (where >= 0.0) & (where <= last)
        places.append(tf.cast(tf.clip_by_value(where, tf.zeros((), tf.float64), last), tf.float32))
    numbers = numbers[:, tf.newaxis, tf.newaxis]
    y = _bilinear(lambda *at: _read(pictures, numbers, *at), *places)
    y = channels_first(tf.where(inside[..., tf.newaxis], y, tf.cast(pad_value, y.dtype)))
    return y if shape is None else tf.reshape(y, tf.concat([shape, tf.shape(y)[1:]], 0))


def _boxes(
    boxes: Operand | None, box_indices: Operand | None, roi: Operand | None, pictures: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, list[Operand] | None]:
    """(n, 4) numbers, (n,) pictures, and the shape that takes the place of n, if any."""
    if roi is None:
        if boxes is None:
            raise ValueError("neither boxes nor roi")
        each = tf.cast(tensor(boxes), tf.float32)
        numbers = tf.range(tf.shape(each)[0]) if box_indices is None else tensor(box_indices)
        return each, tf.cast(numbers, tf.int32), None
    rows = tf.reshape(tensor(roi), (-1, roi.shape[2]))
    if roi.shape[2] == 5:
        return rows[:, 1:], tf.cast(rows[:, 0], tf.int32), [tf.shape(rows)[0], 1]
    count, several = tf.shape(rows)[0], tf.shape(pictures)[0]
    return tf.repeat(rows, several, 0), tf.tile(tf.range(several), [count]), [count, several]


def resample(
    x: Operand,
    coordinates: Operand,
    sampling_mode: str,
    padding_mode: str,
    padding_value: float,
    coordinates_mode: str,
    align_corners: bool,
) -> tf.Tensor:
    """Read pictures at (column, row): x (b, c, h, w), coordinates (b, h', w', 2) -> (b, c, h', w').

    Args:
        x: the pictures.
        coordinates: in pixels, or as `coordinates_mode` says.
        sampling_mode: "bilinear", or "nearest", of two equally near the even one.
        padding_mode: what lies beyond: "constant", the edge ("border"), the picture mirrored at
            the outer pixels' centres ("reflection") or at their edges ("symmetric").
        padding_value: that constant.
        coordinates_mode: "unnormalized", "normalized_minus_one_to_one" or
            "normalized_zero_to_one".
        align_corners: whether normalized ones end at the outer pixels' centres, not their edges.
    """
    if sampling_mode not in ("bilinear", "nearest") or padding_mode not in _PADDINGS:
        raise UnsupportedOpError(
            f"resample with sampling_mode={sampling_mode!r} and padding_mode={padding_mode!r}; "
            f"known are bilinear, nearest and {', '.join(_PADDINGS)}"
        )
    pictures = channels_last(x)
    where = tf.cast(tensor(coordinates), tf.float32)
    sides = [tf.cast(tf.shape(pictures)[axis], tf.float32) for axis in (1, 2)]
    rows, columns = (
        _PADDINGS[padding_mode](_pixels(where[..., i], side, coordinates_mode, align_corners), side)
        for i, side in ((1, sides[0]), (0, sides[1]))
    )
    height, width = sides
    numbers = tf.range(tf.shape(pictures)[0])[:, tf.newaxis, tf.newaxis]

    def read(rows: tf.Tensor, columns: tf.Tensor) -> tf.Tensor:
        inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
        values = _read(pictures, numbers, _border(rows, height), _border(columns, width))
        return tf.where(inside[..., tf.newaxis], values, tf.cast(padding_value, values.dtype))

    if sampling_mode == "nearest":
        return channels_first(read(tf.round(rows), tf.round(columns)))
    return channels_first(_bilinear(read, rows, columns))


def affine(
    x: Operand,
    transform_matrix: Operand,
    output_height: int,
    output_width: int,
    sampling_mode: str,
    padding_mode: str,
    padding_value: float,
    coordinates_mode: str,
    align_corners: bool,
) -> tf.Tensor:
    """Read pictures at (a0 x + a1 y + a2, b0 x + b1 y + b2), for each pixel (x, y) of the result.

    x (b, c, h, w), transform_matrix (b or 1, 6) of a0, a1, a2, b0, b1, b2 ->
    (b, c, output_height, output_width). Both pairs run from -1 to 1, the others as in `resample`.
    """
    if coordinates_mode.lower() != "normalized_minus_one_to_one":
        raise UnsupportedOpError(f"affine with coordinates_mode={coordinates_mode!r}")
    height, width = bounded((int(output_height), int(output_width)))
    y, x_ = (_centred(side, align_corners) for side in (height, width))
    grid = tf.stack([*tf.meshgrid(x_, y), tf.ones((height, width))], -1)
    matrix = tf.reshape(tensor(transform_matrix), (-1, 2, 3))
    where = tf.einsum("hwk,bck->bhwc", grid, matrix)
    several = tf.shape(tensor(x))[0]
    where = tf.broadcast_to(where, tf.stack([several, height, width, 2]))
    return resample(
        x, where, sampling_mode.lower(), padding_mode.lower(), padding_value,
        coordinates_mode.lower(), align_corners,
    )  # fmt: skip


def _centred(count: int, align_corners: bool) -> tf.Tensor:
    """From -1 to 1, the centres of the outer pixels or their edges; one pixel lies at 0."""
    if align_corners:
        return tf.linspace(-1.0, 1.0, count) if count > 1 else tf.zeros(1)
    return (tf.range(count, dtype=tf.float32) * 2.0 + 1.0) / float(count) - 1.0


def _pixels(where: tf.Tensor, side: tf.Tensor, mode: str, align_corners: bool) -> tf.Tensor:
    """Coordinates in pixels, 0 the centre of the first."""
    if mode == "unnormalized":
        return where
    if mode not in ("normalized_minus_one_to_one", "normalized_zero_to_one"):
        raise UnsupportedOpError(f"coordinates_mode={mode!r}")
    share = where if mode == "normalized_zero_to_one" else (where + 1.0) / 2.0
    return share * (side - 1.0) if align_corners else share * side - 0.5


def _mirrored(where: tf.Tensor, low: tf.Tensor, high: tf.Tensor) -> tf.Tensor:
    """Folded into the interval from low to high; low where that has no length."""
    span = tf.maximum(high - low, 1e-30)
    folded = tf.math.floormod(where - low, 2.0 * span)
    return low + tf.where(high > low, tf.minimum(folded, 2.0 * span - folded), 0.0)


def _border(where: tf.Tensor, side: tf.Tensor) -> tf.Tensor:
    return tf.clip_by_value(where, 0.0, side - 1.0)


_PADDINGS: dict[str, Callable[[tf.Tensor, tf.Tensor], tf.Tensor]] = {
    "constant": lambda where, side: where,
    "border": _border,
    "reflection": lambda where, side: _mirrored(where, tf.zeros(()), side - 1.0),
    "symmetric": lambda where, side: _border(_mirrored(where, tf.fill([], -0.5), side - 0.5), side),
}


def _read(
    pictures: tf.Tensor, numbers: tf.Tensor, rows: tf.Tensor, columns: tf.Tensor
) -> tf.Tensor:
    """Whole pixels: pictures (b, h, w, c), the others broadcast to (n, h', w') -> (n, h', w', c).

    Rows and columns just beyond the last are the last.
    """
    last = [tf.cast(tf.shape(pictures)[axis] - 1, tf.float32) for axis in (1, 2)]
    places = [numbers, tf.minimum(rows, last[0]), tf.minimum(columns, last[1])]
    shape = tf.shape(rows + columns + tf.cast(numbers, tf.float32))
    places = [tf.broadcast_to(tf.cast(place, tf.int32), shape) for place in places]
    return tf.gather_nd(pictures, tf.stack(places, -1))


def _bilinear(
    read: Callable[[tf.Tensor, tf.Tensor], tf.Tensor], rows: tf.Tensor, columns: tf.Tensor
) -> tf.Tensor:
    """Between the four pixels around each place, in proportion."""
    top, left = tf.floor(rows), tf.floor(columns)
    down, right = (rows - top)[..., tf.newaxis], (columns - left)[..., tf.newaxis]
    upper, lower = (
        read(row, left) * (1.0 - right) + read(row, left + 1.0) * right for row in (top, top + 1.0)
    )
    return upper * (1.0 - down) + lower * down
