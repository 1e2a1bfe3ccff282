"""Volumes (n, c, d, h, w): convolution and pooling over three axes (specification 5 and later)."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from mobilezoo.errors import UnsupportedOpError
from mobilezoo.runtime.arithmetic import Array, Operand, tensor
from mobilezoo.runtime.ops import pooling as windows
from mobilezoo.runtime.ops.convolution import conv
from mobilezoo.runtime.ops.reduction import reduce_max, reduce_mean
from mobilezoo.runtime.ops.transposed import conv_transpose

__all__ = ["convolution3d", "global_pooling3d", "pooling3d"]

_VOLUME = (2, 3, 4)


def convolution3d(
    x: Operand,
    *,
    weights: Array,
    bias: Array | None = None,
    stride: Sequence[int] = (1, 1, 1),
    dilation: Sequence[int] = (1, 1, 1),
    n_groups: int = 1,
    pad_type: str = "custom",
    pad: Sequence[int] = (0,) * 6,
    is_deconvolution: bool = False,
    output_shape: Sequence[int] = (),
) -> tf.Tensor:
    """Correlate x (n, c_in, d, h, w) with `weights`, or spread it over them, and add `bias`.

    Sizes and weights are those of `convolution`, with an axis more: (c_out, c_in / groups, kd, kh,
    kw), of a deconvolution (c_in, c_out / groups, kd, kh, kw). `pad` is front, back, top, bottom,
    left, right; `output_shape` (d', h', w') is a deconvolution's.
    """
    _check_volumes(x)
    if not is_deconvolution:
        return conv(x, weights, bias, stride, pad_type, pad, dilation, n_groups)
    wanted = (1, 1, *output_shape) if output_shape else None
    way = "same" if output_shape else pad_type  # the padding is then ignored
    return conv_transpose(x, weights, bias, pad, wanted, way, stride, dilation, n_groups)


def pooling3d(
    x: Operand,
    *,
    type: str = "MAX",
    kernel_size: Sequence[int],
    stride: Sequence[int] = (1, 1, 1),
    pad_type: str = "custom",
    pad: Sequence[int] = (0,) * 6,
    count_exclude_padding: bool = False,
) -> tf.Tensor:
    """Largest value (MAX) or mean (AVERAGE) of each window: x (n, c, d, h, w).

    Sizes as in `pooling`. `pad` is front, back, top, bottom, left, right: never the largest, zeros
    for AVERAGE, which `count_exclude_padding` does not count.
    """
    _check_volumes(x)
    frame = (kernel_size, pad_type, stride, pad)
    if _known(type) == "MAX":
        return windows.max_pool(x, *frame)
    return windows.avg_pool(x, *frame, count_exclude_padding)


def global_pooling3d(x: Operand, *, type: str = "MAX") -> tf.Tensor:
    """Largest value (MAX) or mean (AVERAGE) of a channel: x (n, c, d, h, w) -> (n, c, 1, 1, 1)."""
    _check_volumes(x)
    pool = reduce_max if _known(type) == "MAX" else reduce_mean
    return pool(x, _VOLUME, keep_dims=True)


def _check_volumes(x: Operand) -> None:
    shape = tuple(tensor(x).shape)
    if len(shape) != 5:
        raise ValueError(f"the input has shape {shape}; (n, channels, d, h, w) is required")


def _known(type: str) -> str:
    if type not in ("MAX", "AVERAGE"):
        raise UnsupportedOpError(f"pooling of type {type}; known are MAX, AVERAGE")
    return type
