"""Functions of single values, and of pairs with broadcasting."""

import numpy as np
from keras import layers, ops

from ..custom import Apply

CONV = layers.Conv2D
CHANNELS = np.array([0.5, -1.0, 2.0], np.float32)


def squeeze_excite(x):
    gate = ops.mean(x, axis=(1, 2), keepdims=True)
    return x * ops.hard_sigmoid(gate) + 0.5


def small_numbers(x):
    small = 1e-4 * (ops.abs(x) + 0.5)
    return ops.log(small) + ops.rsqrt(small) / 10 + 1e-3 / small


def digits_of_comparisons(x):
    """A binary digit for each comparison of whole numbers with 1."""
    whole = ops.round(x)
    answers = [
        whole < 1, whole <= 1, whole > 1, whole >= 1, ops.equal(whole, 1.0),
        ops.logical_or(whole > 0, whole > 1), ops.logical_and(whole > 0, whole > 1),
    ]  # fmt: skip
    return sum(2.0**i * ops.cast(answer, "float32") for i, answer in enumerate(answers))


def apply(function):
    return [Apply(function)]


CASES = {
    "rescaling": [layers.Rescaling(2.0, -0.5)],
    "normalization": [
        layers.Normalization(mean=[0.5, -1.0, 2.0], variance=[1.0, 4.0, 0.25])
    ],
    "denormalization": [
        layers.Normalization(mean=[0.5, -1.0, 2.0], variance=[1.0, 4.0, 0.25], invert=True)
    ],
    "normalization of all": [layers.Normalization(axis=None, mean=1.5, variance=4.0)],
    "squeeze and excite": [CONV(3, 2), Apply(squeeze_excite)],
    "constant per channel": [CONV(3, 2), Apply(lambda x: (x - CHANNELS) / (2.0 + CHANNELS))],
    "constant first": apply(lambda x: 1.0 - x),
    "powers": apply(lambda x: ops.power(ops.abs(x) + 0.5, 1.5) - ops.square(x)),
    "roots": apply(lambda x: ops.sqrt(ops.abs(x)) + ops.rsqrt(ops.abs(x) + 0.5)),
    "exponential": apply(lambda x: ops.exp(-ops.abs(x)) + ops.expm1(x) + ops.exp2(x)),
    "logarithms": apply(
        lambda x: ops.log(ops.abs(x) + 0.5) + ops.log1p(ops.abs(x)) + ops.log2(ops.abs(x) + 0.5)
        + ops.log10(ops.abs(x) + 0.5)
    ),
    "small numbers": apply(small_numbers),
    "waves": apply(lambda x: ops.sin(x) + ops.cos(2 * x) + ops.tan(x / 4)),
    "arcs": apply(
        lambda x: ops.arcsin(ops.tanh(x) / 2) + ops.arccos(ops.tanh(x) / 2) + ops.arctan(x)
    ),
    "hyperbolic": apply(
        lambda x: ops.sinh(x) + ops.cosh(x) + ops.arctanh(ops.tanh(x) / 2) + ops.arcsinh(x)
    ),
    "steps": apply(lambda x: ops.floor(3 * x) + ops.ceil(5 * x) * 0.5 + ops.sign(x)),
    "rounding": apply(lambda x: ops.round(7 * x + 0.1) + ops.trunc(3 * x)),
    "error function": apply(lambda x: ops.erf(x) + ops.reciprocal(ops.abs(x) + 1.0)),
    "extremes": apply(lambda x: ops.maximum(x, 0.25) * ops.minimum(x, 1.0)),
    "clip": apply(lambda x: ops.clip(x, -0.75, 1.25)),
    "comparisons": apply(
        lambda x: ops.where(ops.logical_and(x > 0.5, ops.logical_not(x >= 2.0)), x, -0.5 * x)
        + ops.where(ops.logical_or(x < -1.0, ops.equal(x, 0.0)), 1.0, 2.0)
        + ops.cast(ops.less_equal(x, 0.25), "float32") + ops.cast(ops.not_equal(x, x), "float32")
    ),
    "comparisons of equal numbers": apply(digits_of_comparisons),
    "exclusive or": apply(lambda x: ops.where(ops.logical_xor(x > 0.5, x > -0.5), x, 2.0)),
    "chosen by a comparison": [CONV(3, 2), Apply(lambda x: ops.where(x > 0.5, x, CHANNELS))],
    "whole part by casts": apply(lambda x: ops.cast(ops.cast(3 * x, "int32"), "float32") + x),
    "remainders": apply(lambda x: ops.mod(x, 0.75) + ops.floor_divide(x, 0.5)),
    "absolute difference": apply(lambda x: ops.abs(ops.subtract(x, CHANNELS)) - ops.negative(x)),
    "cumulative sum": [CONV(4, 2), Apply(lambda x: ops.cumsum(x, axis=1))],
    "log add": apply(lambda x: ops.logaddexp(x, 0.5 - x)),
    "zeros and ones": apply(lambda x: x * ops.zeros_like(x) - ops.ones_like(x) + x),
}  # fmt: skip
