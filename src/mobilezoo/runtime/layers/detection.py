"""Boxes: cut out of pictures, and chosen among others."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from mobilezoo.errors import UnsupportedOpError
from mobilezoo.runtime.arithmetic import Operand, tensor
from mobilezoo.runtime.layers._numbers import known_number
from mobilezoo.runtime.layers.resizing import SAMPLING_MODES
from mobilezoo.runtime.ops import detection as ops
from mobilezoo.runtime.ops import sampling

__all__ = ["crop_resize", "non_maximum_suppression"]


def crop_resize(
    x: Operand,
    boxes: Operand,
    *,
    target_size: Sequence[int] = (1, 1),
    normalized_coordinates: bool = False,
    mode: str = "STRICT_ALIGN_ENDPOINTS_MODE",
    box_indices_mode: str = "CORNERS_HEIGHT_FIRST",
    spatial_scale: float = 1.0,
) -> tf.Tensor:
    """Cut boxes out of pictures and interpolate each to `target_size`: x (1, b, c, h, w).

    boxes (n, 1, 5, 1, 1), a picture's number before the four -> (n, 1, c, *target_size), or
    (n, 1, 4, 1, 1), of every picture -> (n, b, c, *target_size). The four are multiplied by
    `spatial_scale` and count in pixels, from 0 to h - 1, or from 0 to 1 if
    `normalized_coordinates`. Places in the box are those of `resizeBilinear`; 0 beyond the picture.
    """
    x, boxes = tensor(x), tensor(boxes)
    if len(x.shape) != 5 or x.shape[0] != 1:
        raise ValueError(f"the pictures have shape {tuple(x.shape)}; (1, b, c, h, w) is required")
    if len(boxes.shape) != 5 or boxes.shape[2] not in (4, 5):
        raise ValueError(
            f"the boxes have shape {tuple(boxes.shape)}; (n, 1, 4, 1, 1) or (n, 1, 5, 1, 1) is "
            "required"
        )
    if mode not in SAMPLING_MODES:
        raise UnsupportedOpError(f"sampling mode {mode}")
    height, width = target_size
    return sampling.crop_resize(
        x[0], None, None, boxes, height, width, normalized_coordinates, spatial_scale,
        box_indices_mode, SAMPLING_MODES[mode],
    )  # fmt: skip


def non_maximum_suppression(
    boxes: Operand,
    scores: Operand,
    iou: Operand | None = None,
    score: Operand | None = None,
    count: Operand | None = None,
    *,
    iou_threshold: float = 0.0,
    score_threshold: float = 0.0,
    max_boxes: int = 0,
    per_class_suppression: bool = False,
) -> list[tf.Tensor]:
    """Take the box with the best score, drop those that overlap it, and so on.

    boxes (b, n, 4) of (centre x, centre y, width, height), scores (b, n, k) -> boxes
    (b, max_boxes, 4) and scores (b, max_boxes, k), zeros at their end, places (b, max_boxes), -1 at
    their end, numbers of boxes (b,). A box's score and class are its largest score. Dropped are
    boxes whose score is below `score_threshold`, and those whose intersection over union with a
    better one, of any class or of the same for `per_class_suppression`, is above `iou_threshold`.
    Of no box the best one stays. `iou`, `score` and `count` take the place of the parameters.
    """
    use = "NonMaximumSuppression with a threshold or number"
    computed = [None if item is None else known_number(item, use) for item in (iou, score, count)]
    given = (iou_threshold, score_threshold, max_boxes)
    highest, lowest, most = (
        number if item is None else item for item, number in zip(computed, given, strict=True)
    )
    made = ops.non_maximum_suppression(
        boxes, scores, highest, int(most), lowest, per_class_suppression
    )
    return [tf.cast(part, tf.float32) for part in made]
