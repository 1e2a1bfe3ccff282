"""Convolution and deconvolution."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from mobilezoo.runtime.arithmetic import Operand
from mobilezoo.runtime.ops._pictures import over_pictures
from mobilezoo.runtime.ops.convolution import conv
from mobilezoo.runtime.ops.transposed import conv_transpose

__all__ = ["convolution"]


def convolution(
    x: Operand,
    weights: Operand,
    bias: Operand | None = None,
    *,
    stride: Sequence[int] = (1, 1),
    dilation_factor: Sequence[int] = (1, 1),
    n_groups: int = 1,
    pad_type: str = "valid",
    pad: Sequence[int] = (0, 0, 0, 0),
    is_deconvolution: bool = False,
    output_shape: Sequence[int] | None = None,
) -> tf.Tensor:
    """Correlate `x` with `weights`, or spread `x` over them, and add `bias`.

    Convolution: x (*batch, c_in, h, w), weights (c_out, c_in / groups, kh, kw) ->
    (*batch, c_out, h', w'); h' = floor((h + top + bottom - (kh - 1) * dilation - 1) / stride) + 1,
    or ceil(h / stride) for "same" (the odd pixel after) and "same_lower" (before).

    Deconvolution: weights (c_in, c_out / groups, kh, kw);
    h' = (h - 1) * stride + (kh - 1) * dilation + 1 - top - bottom, h * stride for the two kinds of
    same, or `output_shape` (h', w'), which cuts off both ends alike, the odd pixel after.

    Args:
        x: (*batch, c_in, h, w).
        weights: see above.
        bias: (c_out,).
        stride: vertical, horizontal.
        dilation_factor: vertical, horizontal.
        n_groups: in how many groups the channels are divided.
        pad_type: "custom", as `pad` says, or "valid", "same", "same_lower".
        pad: zeros at the top, bottom, left, right.
        is_deconvolution: which of the two.
        output_shape: (h', w') of a deconvolution.
    """
    if not is_deconvolution:
        return over_pictures(
            lambda pictures: conv(
                pictures, weights, bias, stride, pad_type, pad, dilation_factor, n_groups
            ),
            x,
        )
    if output_shape is None:
        wanted = None
    else:  # the padding is then ignored
        wanted, pad_type = (1, 1, *output_shape), "same"
    return over_pictures(
        lambda pictures: conv_transpose(
            pictures, weights, bias, pad, wanted, pad_type, stride, dilation_factor, n_groups
        ),
        x,
    )
