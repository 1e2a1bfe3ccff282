"""Layers and operations that move values."""

import numpy as np
from keras import layers, ops

from ..custom import Apply

CONV = layers.Conv2D
SEQUENCE = layers.Reshape((9, 21))
PADS = [[0, 0], [1, 2], [0, 3], [0, 0]]
CASES = {
    "flatten after conv": [CONV(4, (3, 2)), layers.Flatten()],
    "reshape after conv": [CONV(4, (3, 2)), layers.Reshape((12, 14))],
    "permute after conv": [CONV(4, (3, 2)), layers.Permute((2, 3, 1))],
    "transpose after conv": [CONV(4, (3, 2)), layers.Permute((2, 1, 3))],
    "repeat": [layers.Flatten(), layers.Dense(5), layers.RepeatVector(3)],
    "crop": [CONV(4, 2), layers.Cropping2D(((1, 2), (0, 3)))],
    "crop a sequence": [SEQUENCE, layers.Cropping1D((1, 2))],
    "pad a sequence": [SEQUENCE, layers.ZeroPadding1D((1, 2))],
    "pad with a number": [CONV(4, 2), Apply(lambda x: ops.pad(x, PADS, constant_values=0.5))],
    "pad by reflection": [CONV(4, 2), Apply(lambda x: ops.pad(x, PADS, mode="reflect"))],
    "pad symmetrically": [CONV(4, 2), Apply(lambda x: ops.pad(x, PADS, mode="symmetric"))],
    "upsample": [CONV(4, 2), layers.UpSampling2D((2, 3))],
    "upsample bilinear": [CONV(4, 2), layers.UpSampling2D((2, 3), interpolation="bilinear")],
    "upsample a sequence": [SEQUENCE, layers.UpSampling1D(3)],
    "resize bilinear": [layers.Resizing(5, 11)],
    "resize bilinear, one side doubled": [layers.Resizing(18, 10)],
    "resize nearest": [layers.Resizing(13, 4, interpolation="nearest")],
    "resize a square crop": [layers.Resizing(5, 5, crop_to_aspect_ratio=True)],
    "centre crop": [layers.CenterCrop(4, 3)],
    "centre crop of something small": [layers.CenterCrop(12, 14)],
    "resize in a custom layer": [Apply(lambda x: ops.image.resize(x, (4, 15)))],
    "concat over rows": [CONV(4, 2), Apply(lambda x: ops.concatenate([x, 2 * x], axis=1))],
    "stack": [SEQUENCE, Apply(lambda x: ops.stack([x, 2 * x], axis=2))],
    "expand and squeeze": [Apply(lambda x: ops.squeeze(ops.expand_dims(x, 1), 1) * 2.0)],
    "slices": [CONV(4, 2), Apply(lambda x: x[:, 1:-2, ::2, :3] + x[:, 3:, 1::2, 1:])],
    "slice by index": [CONV(4, 2), Apply(lambda x: x[:, 2] + x[..., 1:2, 0:1][:, 0])],
    "split": [CONV(4, 2), Apply(lambda x: ops.multiply(*ops.split(x, 2, axis=-1)))],
    "split unevenly": [CONV(4, 2), Apply(lambda x: ops.split(x, [1, 3], axis=3)[1])],
    "unstack": [SEQUENCE, Apply(lambda x: ops.unstack(x, axis=1)[2])],
    "tile": [CONV(4, 2), Apply(lambda x: ops.tile(x, (1, 2, 1, 3)))],
    "repeat elements": [Apply(lambda x: ops.repeat(x, 2, axis=2))],
    "flip": [CONV(4, 2), Apply(lambda x: ops.flip(x, axis=1) + ops.flip(x, axis=-1))],
    "roll": [CONV(4, 2), Apply(lambda x: ops.roll(x, 2, axis=1) + ops.roll(x, -1, axis=-1))],
    "swap and move axes": [
        Apply(lambda x: ops.swapaxes(x, 1, 3)), Apply(lambda x: ops.moveaxis(x, 1, -1))
    ],
    "take": [CONV(4, 2), Apply(lambda x: ops.take(x, np.array([2, 0, 0]), axis=-1))],
    "take one": [CONV(4, 2), Apply(lambda x: ops.take(x, 1, axis=1))],
    "patches": [Apply(lambda x: ops.image.extract_patches(x, (3, 2)))],
    "flatten by its own shape": [
        CONV(4, 2), Apply(lambda x: ops.reshape(x, (ops.shape(x)[0], -1)))
    ],
    "rows by its own shape": [
        CONV(4, 2), Apply(lambda x: ops.reshape(x, (ops.shape(x)[0], -1, 12))), layers.Dense(3)
    ],
    "ravel-like": [SEQUENCE, Apply(lambda x: ops.reshape(x, (-1, 3, 63)))],
    "triangles": [SEQUENCE, Apply(lambda x: ops.tril(x) - ops.triu(x, k=2))],
}  # fmt: skip
if hasattr(ops, "depth_to_space"):  # not yet in Keras 3.12
    CASES |= {
        "depth to space": [CONV(8, 2), Apply(lambda x: ops.depth_to_space(x, 2))],
        "space to depth": [CONV(4, 2), Apply(lambda x: ops.space_to_depth(x, 2))],
    }
