"""Blocks of pixels moved between the picture, its channels and the batch; windows."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from mobilezoo.runtime.arithmetic import Array, Operand, tensor
from mobilezoo.runtime.layout import channels_first, channels_last
from mobilezoo.runtime.ops._sizes import bounded

__all__ = [
    "batch_to_space", "depth_to_space", "pixel_shuffle", "pixel_unshuffle", "sliding_windows",
    "space_to_batch", "space_to_depth",
]  # fmt: skip


def depth_to_space(x: Operand, block_size: int) -> tf.Tensor:
    """Channels become blocks of b x b pixels: x (n, b * b * c, h, w) -> (n, c, h * b, w * b).

    Channel (row * b + column) * c + i is pixel (row, column) of channel i's blocks.
    """
    return channels_first(tf.nn.depth_to_space(channels_last(x), int(block_size)))


def space_to_depth(x: Operand, block_size: int) -> tf.Tensor:
    """Blocks of b x b pixels become channels: x (n, c, h, w) -> (n, b * b * c, h / b, w / b).

    Pixel (row, column) of channel i's blocks is channel (row * b + column) * c + i.
    """
    return channels_first(tf.nn.space_to_depth(channels_last(x), int(block_size)))


def pixel_shuffle(x: Operand, upscale_factor: int) -> tf.Tensor:
    """Channels become blocks of f x f pixels: x (n, c * f * f, h, w) -> (n, c, h * f, w * f).

    Channel i * f * f + row * f + column is pixel (row, column) of channel i's blocks.
    """
    block = int(upscale_factor)
    pixels = channels_last(x)
    order = np.arange(pixels.shape[-1]).reshape(-1, block * block).T.reshape(-1)
    return channels_first(tf.nn.depth_to_space(tf.gather(pixels, order, axis=-1), block))


def pixel_unshuffle(x: Operand, downscale_factor: int) -> tf.Tensor:
    """Blocks of f x f pixels become channels: x (n, c, h, w) -> (n, c * f * f, h / f, w / f).

    Pixel (row, column) of channel i's blocks is channel i * f * f + row * f + column.
    """
    block = int(downscale_factor)
    parts = tf.nn.space_to_depth(channels_last(x), block)
    order = np.arange(parts.shape[-1]).reshape(block * block, -1).T.reshape(-1)
    return channels_first(tf.gather(parts, order, axis=-1))


def space_to_batch(x: Operand, block_shape: Array, paddings: Array) -> tf.Tensor:
    """Pad with zeros; pixel (row, column) of each block goes to a picture of its own.

    x (n, c, h, w), block_shape (2,), paddings (2, 2) of (before, after) ->
    (n * blocks, c, padded h / block, padded w / block), picture (row * block w + column) * n + i.
    """
    return channels_first(tf.space_to_batch(channels_last(x), block_shape, paddings))


def batch_to_space(x: Operand, block_shape: Array, crops: Array) -> tf.Tensor:
    """Interleave the pixels of several pictures, as `space_to_batch` parted them; then crop.

    x (n * blocks, c, h, w), block_shape (2,), crops (2, 2) of (before, after) ->
    (n, c, h * block - crops, w * block - crops).
    """
    return channels_first(tf.batch_to_space(channels_last(x), block_shape, crops))


def sliding_windows(x: Operand, axis: int, size: int, stride: int = 1) -> tf.Tensor:
    """All windows of `size` elements along `axis`, `stride` apart.

    x (*a, d, *b) -> (*a, (d - size) // stride + 1, size, *b).
    """
    x = tensor(x)
    length = x.shape[int(axis)]
    if length is None or not 1 <= size <= length or stride < 1:
        raise ValueError(f"windows of {size} elements, {stride} apart, along {length}")
    firsts = np.arange(0, length - int(size) + 1, int(stride), dtype=np.int32)
    bounded((*x.shape, len(firsts) * int(size) // length))
    return tf.gather(
        x, firsts[:, np.newaxis] + np.arange(int(size), dtype=np.int32), axis=int(axis)
    )
