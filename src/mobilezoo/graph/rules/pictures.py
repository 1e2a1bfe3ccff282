"""Pictures (batch, height, width, channels): resizing, cropping, patches."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers, ops

from mobilezoo.graph.call import Call, Unsupported
from mobilezoo.graph.node import Array
from mobilezoo.graph.rules._checks import channels_last
from mobilezoo.graph.rules.expansion import expands
from mobilezoo.graph.rules.linear import along
from mobilezoo.graph.rules.table import layer_rule, operation_rule


@layer_rule(layers.UpSampling2D)
def upsampling(call: Call) -> Any:
    """UpSampling2D: each pixel several times, or interpolated."""
    layer = channels_last(call.operation)
    if layer.interpolation in ("nearest", "bilinear"):
        kind = f"upsample_{layer.interpolation}"
        return call.add(kind, call.recorder.operand(call.x), size=tuple(layer.size))
    _check_known(call.x)
    height, width = call.x.shape[1:3]
    size = (height * layer.size[0], width * layer.size[1])
    return ops.image.resize(call.x, size, layer.interpolation, data_format="channels_last")


@layer_rule(layers.Resizing)
def resizing(call: Call) -> Any:
    """Resizing to a fixed size, perhaps of a crop or with borders that keep the proportions."""
    layer = channels_last(call.operation)
    return ops.image.resize(
        call.x,
        (layer.height, layer.width),
        interpolation=layer.interpolation,
        antialias=layer.antialias,
        crop_to_aspect_ratio=layer.crop_to_aspect_ratio,
        pad_to_aspect_ratio=layer.pad_to_aspect_ratio,
        fill_mode=layer.fill_mode,
        fill_value=layer.fill_value,
        data_format="channels_last",
    )


@layer_rule(layers.CenterCrop)
def center_crop(call: Call) -> Any:
    """CenterCrop: the middle; of a picture that is too small the largest part, resized."""
    layer, x = channels_last(call.operation), call.x
    _check_known(x)
    height, width = x.shape[1:3]
    if height >= layer.height and width >= layer.width:
        top, left = (height - layer.height) // 2, (width - layer.width) // 2
        return x[:, top : top + layer.height, left : left + layer.width]
    return ops.image.resize(
        x, (layer.height, layer.width), crop_to_aspect_ratio=True, data_format="channels_last"
    )


@operation_rule("Resize")
def resize(call: Call) -> Any:
    """Pictures of another size, by pixel centres."""
    operation, x = channels_last(call.operation), call.x
    _check_known(x)
    if operation.crop_to_aspect_ratio:
        top, left, height, width = _largest_crop(x.shape[1:3], operation.size)
        x = x[:, top : top + height, left : left + width]
    if operation.pad_to_aspect_ratio:
        x = _bordered(x, operation.size, operation.fill_value)
    wanted = tuple(operation.size)
    if tuple(x.shape[1:3]) == wanted:
        return x
    if operation.interpolation == "bilinear" and not operation.antialias:
        return call.add("resize_bilinear", call.recorder.operand(x), size=wanted)
    if operation.interpolation == "nearest":
        for axis, size in enumerate(wanted, start=1):
            x = ops.take(x, _nearest(x.shape[axis], size), axis=axis)
        return x
    for axis, size in enumerate(wanted, start=1):
        x = along(x, axis, _weights(x.shape[axis], size, operation))
    return x


@expands("ExtractPatches")
def extract_patches(operation: Any, x: Any) -> Any:
    """The pixels of each window behind one another, as channels."""
    channels_last(operation)
    if len(operation.size) != 2:
        raise Unsupported("3-D patches are not supported")
    height, width = operation.size
    depth = height * width * x.shape[-1]
    kernel = np.eye(depth, dtype=np.float32).reshape(height, width, x.shape[-1], depth)
    return ops.conv(
        x,
        kernel,
        strides=operation.strides or operation.size,  # None in Keras 3.12
        padding=operation.padding,
        dilation_rate=operation.dilation_rate,
        data_format="channels_last",
    )


@expands("DepthToSpace")
def depth_to_space(operation: Any, x: Any) -> Any:
    """(h, w, block^2 * c) -> (h * block, w * block, c)."""
    channels_last(operation)
    block, (_, height, width, depth) = operation.block_size, x.shape
    channels = depth // block**2
    x = ops.reshape(x, (-1, height, width, block, block * channels))
    x = ops.transpose(x, (0, 1, 3, 2, 4))
    return ops.reshape(x, (-1, height * block, width * block, channels))


@expands("SpaceToDepth")
def space_to_depth(operation: Any, x: Any) -> Any:
    """(h * block, w * block, c) -> (h, w, block^2 * c)."""
    channels_last(operation)
    block, (_, height, width, channels) = operation.block_size, x.shape
    x = ops.reshape(x, (-1, height // block, block, width // block, block * channels))
    x = ops.transpose(x, (0, 1, 3, 2, 4))
    return ops.reshape(x, (-1, height // block, width // block, block**2 * channels))


def _check_known(x: Any) -> None:
    if len(x.shape) != 4 or None in x.shape[1:3]:
        raise Unsupported("it needs pictures of known sides; pass input_shape")


def _largest_crop(sides: tuple[int, int], size: tuple[int, int]) -> tuple[int, int, int, int]:
    """(top, left, height, width) of the largest middle part with the proportions of `size`."""
    height, width = sides
    crop_height = max(min(height, int(float(width * size[0]) / size[1])), 1)
    crop_width = max(min(width, int(float(height * size[1]) / size[0])), 1)
    return (height - crop_height) // 2, (width - crop_width) // 2, crop_height, crop_width


def _bordered(x: Any, size: tuple[int, int], value: float) -> Any:
    """x amid a border that gives it the proportions of `size`."""
    height, width = x.shape[1:3]
    full_height = max(height, int(float(width * size[0]) / size[1]))
    full_width = max(width, int(float(height * size[1]) / size[0]))
    top, left = (full_height - height) // 2, (full_width - width) // 2
    rows = (top, full_height - height - top)
    columns = (left, full_width - width - left)
    return ops.pad(x, ((0, 0), rows, columns, (0, 0)), constant_values=value)


def _nearest(side: int, made: int) -> Array:
    """Which of `side` pixels each of the `made` ones takes: as Keras itself does it."""
    positions = np.arange(side, dtype=np.float32).reshape(1, side, 1, 1)
    resized = keras.ops.image.resize(
        positions, (made, 1), interpolation="nearest", data_format="channels_last"
    )
    chosen: Array = keras.ops.convert_to_numpy(resized).astype(np.int32).reshape(made)
    return chosen


def _weights(side: int, made: int, operation: Any) -> Array:
    """(made, side): how much each pixel counts, as Keras itself does it."""
    each = np.eye(side, dtype=np.float32).reshape(1, side, 1, side)
    resized = keras.ops.image.resize(
        each,
        (made, 1),
        interpolation=operation.interpolation,
        antialias=operation.antialias,
        data_format="channels_last",
    )
    weights: Array = keras.ops.convert_to_numpy(resized).reshape(made, side)
    return weights
