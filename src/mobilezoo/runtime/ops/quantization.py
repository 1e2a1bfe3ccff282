"""Numbers in few bits, while the program runs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from mobilezoo.errors import UnsupportedOpError
from mobilezoo.runtime.arithmetic import Array, Operand, cast_type, tensor
from mobilezoo.runtime.ops.convolution import conv

__all__ = ["conv_quantized", "dequantize", "quantize"]


def quantize(
    input: Operand,
    scale: Operand,
    output_dtype: str,
    zero_point: Operand | None = None,
    axis: int | None = None,
) -> tf.Tensor:
    """Return round(input / scale) + zero_point, kept in the range of "int8" or "uint8".

    input of any shape; scale and zero_point () or (input.shape[axis],). Halves go to the even
    number.
    """
    if output_dtype not in ("int8", "uint8"):
        raise UnsupportedOpError(f"quantize to {output_dtype!r}; known are int8, uint8")
    x, target = tensor(input), cast_type(output_dtype)
    codes = tf.round(x / _along(scale, axis, x)) + _along(zero_point, axis, x)
    return tf.cast(tf.clip_by_value(codes, target.min, target.max), target)


def dequantize(
    input: Operand,
    scale: Operand,
    zero_point: Operand | None = None,
    axis: int | None = None,
) -> tf.Tensor:
    """Return scale * (input - zero_point).

    input of whole numbers, of any shape; scale and zero_point () or (input.shape[axis],).
    """
    x = tf.cast(tensor(input), tf.float32)
    return (x - _along(zero_point, axis, x)) * _along(scale, axis, x)


def conv_quantized(
    x: Operand,
    weight: Array,
    quantization_type: str,
    quant_scale: Operand,
    quant_bias: Operand,
    bias: Operand | None = None,
    nbits: int = 8,
    strides: Sequence[int] | None = None,
    pad_type: str = "valid",
    pad: Sequence[int] | None = None,
    dilations: Sequence[int] | None = None,
    groups: int = 1,
) -> tf.Tensor:
    """Convolution with weight * quant_scale + quant_bias in place of the weight.

    The scale and the bias are () or (c_out,), everything else as in `conv`. Only the
    `quantization_type` "linear" is known.
    """
    if quantization_type != "linear":
        raise UnsupportedOpError(
            f"conv_quantized with quantization_type={quantization_type!r}; linear is known"
        )
    spread = (-1, *(1,) * (weight.ndim - 1))
    if not {np.size(quant_scale), np.size(quant_bias)} <= {1, weight.shape[0]}:
        raise ValueError(
            f"{np.size(quant_scale)} scales and {np.size(quant_bias)} biases for "
            f"{weight.shape[0]} filters"
        )
    factor, shift = (np.reshape(part, spread) for part in (quant_scale, quant_bias))
    kernel = (weight.astype(np.float32) * factor + shift).astype(np.float32)
    return conv(x, kernel, bias, strides, pad_type, pad, dilations, groups)


def _along(values: Operand | None, axis: int | None, x: tf.Tensor) -> tf.Tensor:
    """One number, or one for each index along an axis of `x`, as float32; 0 for None."""
    numbers = tf.cast(tensor(0.0 if values is None else values), tf.float32)
    if len(numbers.shape) == 0:
        return numbers
    if axis is None:
        raise ValueError(f"{numbers.shape[0]} scales without an axis")
    axis = range(len(x.shape))[int(axis)]
    return tf.reshape(numbers, [-1 if i == axis else 1 for i in range(len(x.shape))])
