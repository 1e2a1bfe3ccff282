"""Boxes chosen among boxes."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from mobilezoo.runtime import limits
from mobilezoo.runtime.arithmetic import Operand, tensor
from mobilezoo.runtime.ops._sizes import at_most, bounded

__all__ = ["non_maximum_suppression"]


def non_maximum_suppression(
    boxes: Operand,
    scores: Operand,
    iou_threshold: float,
    max_boxes: int,
    score_threshold: float | None = None,
    per_class_suppression: bool = False,
) -> tuple[tf.Tensor, ...]:
    """Take the box with the best score, drop those that overlap it, and so on.

    A box's score and class are its largest score. Dropped are boxes whose intersection over
    union with a better one is above `iou_threshold`, of any class, or of the same for
    `per_class_suppression`. Of no box the best one stays.

    iOS 15: boxes (n, b, 4) of (centre x, centre y, width, height), scores (n, b, k); boxes with a
    score below `score_threshold` are dropped first -> boxes (n, max_boxes, 4) and scores, zeros at
    their end, places (n, max_boxes), -1 at their end, numbers of boxes (n,). iOS 17: boxes
    (n, 4, b), scores (n, k, b) and no `score_threshold` -> (n, 4, max_boxes), scores, places.
    """
    boxes, scores = tensor(boxes), tensor(scores)
    last = score_threshold is None  # the boxes lie along the last axis, as from iOS 17 on
    if last:
        boxes, scores = (tf.transpose(x, (0, 2, 1)) for x in (boxes, scores))
    count = int(max_boxes)
    if count < 1:
        raise ValueError(f"max_boxes={count}; 1 or more are required")
    bounded((count, scores.shape[-1]))
    passes = int(scores.shape[-1] or 1) if per_class_suppression else 1
    at_most(limits.MOST_PAIRS, int(boxes.shape[1] or 1) * count * passes, "pairs of boxes")
    lowest = tf.float32.min
    if score_threshold is not None:  # a score that is equal to it stays
        lowest = float(np.nextafter(np.float32(score_threshold), np.float32("-inf")))
    options = (float(iou_threshold), lowest, count, bool(per_class_suppression))
    chosen = tf.map_fn(
        lambda pair: _chosen(pair[0], pair[1], *options),
        (_corners(boxes), scores),
        fn_output_signature=tf.TensorSpec((count,), tf.int32),
    )
    filled = chosen >= 0
    kept = [
        tf.where(filled[..., tf.newaxis], tf.gather(x, tf.maximum(chosen, 0), batch_dims=1), 0.0)
        for x in (boxes, scores)
    ]
    if last:
        return *(tf.transpose(x, (0, 2, 1)) for x in kept), chosen
    return *kept, chosen, tf.reduce_sum(tf.cast(filled, tf.int32), -1)


def _corners(boxes: tf.Tensor) -> tf.Tensor:
    """(..., x, y, width, height) -> (..., top, left, bottom, right)."""
    x, y, width, height = tf.unstack(boxes, axis=-1)
    return tf.stack([y - height / 2, x - width / 2, y + height / 2, x + width / 2], -1)


def _chosen(
    corners: tf.Tensor,
    scores: tf.Tensor,
    iou_threshold: float,
    lowest: float,
    count: int,
    per_class: bool,
) -> tf.Tensor:
    """Places of one example's boxes, the best first, -1 at the end: (count,) of int32."""
    best = tf.reduce_max(scores, -1)

    def survivors(values: tf.Tensor) -> tf.Tensor:
        return tf.image.non_max_suppression(corners, values, count, iou_threshold, lowest)

    if per_class:
        classes = tf.argmax(scores, -1, output_type=tf.int32)
        never = tf.fill(tf.shape(best), -float("inf"))
        stays = tf.map_fn(
            lambda k: _marked(survivors(tf.where(classes == k, best, never)), tf.size(best)),
            tf.range(tf.shape(scores)[-1]),
            fn_output_signature=tf.bool,
        )
        order = tf.argsort(best, direction="DESCENDING", stable=True)
        places = tf.boolean_mask(order, tf.gather(tf.reduce_any(stays, 0), order))[:count]
    else:
        places = survivors(best)
    single = tf.argmax(best, output_type=tf.int32)[tf.newaxis]
    places = tf.cond(tf.size(places) == 0, lambda: single, lambda: places)
    return tf.pad(places, [[0, count - tf.size(places)]], constant_values=-1)


def _marked(places: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    """Whether each of `size` places is among `places`."""
    ones = tf.ones_like(places, tf.bool)
    return tf.tensor_scatter_nd_update(tf.zeros([size], tf.bool), places[:, tf.newaxis], ones)
