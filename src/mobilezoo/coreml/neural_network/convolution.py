"""Convolutions: pictures (C, H, W), sequences (C, 1, W)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mobilezoo.coreml.neural_network.borders import Pairs, set_borders, set_padding, windows
from mobilezoo.coreml.neural_network.table import NetworkSite, Operand, emits
from mobilezoo.coreml.neural_network.weights import store
from mobilezoo.graph.node import Array


@emits("conv")
def conv(site: NetworkSite, x: Operand) -> None:
    """Convolution, grouped or not."""
    kernel = _kernel(site, (1, 0))  # HWIO -> OIHW
    _convolution(site, x, kernel, site["groups"])


@emits("depthwise_conv")
def depthwise_conv(site: NetworkSite, x: Operand) -> None:
    """One filter per input channel and multiplier."""
    kernel = _kernel(site, (0, 1))  # HWIM -> IMHW
    channels, multiplier, *size = kernel.shape
    _convolution(site, x, kernel.reshape(channels * multiplier, 1, *size), channels)


@emits("conv_transpose")
def conv_transpose(site: NetworkSite, x: Operand) -> None:
    """Each input element times the kernel, added up `strides` apart, then cropped."""
    kernel = _kernel(site, (1, 0))  # HWOI -> IOHW
    kernel = _spread(kernel, _pair(site["dilation_rate"]))  # the layer ignores dilation
    crop = ((0, 0), *site["crop"])[-2:]
    missing = [(0, max(-after, 0)) for _, after in crop]
    incomplete = any(map(any, missing))
    name = site.helper("product") if incomplete else site.name
    parameters = site.add("convolution", x.name, name=name)
    parameters.isDeconvolution = True
    _fill(site, parameters, kernel, filters=kernel.shape[1], groups=1)
    parameters.stride.extend(_pair(site["strides"]))
    set_borders(
        parameters.valid.paddingAmounts,
        [(max(before, 0), max(after, 0)) for before, after in crop],
    )
    if incomplete:
        _complete(site, name, missing)
    else:
        site.store_bias(parameters)


def _complete(site: NetworkSite, product: str, missing: Pairs) -> None:
    """Strides beyond the kernel leave the end without any sum: zeros, then the bias."""
    has_bias = "bias" in site.node.weights
    padded = site.helper("padded") if has_bias else site.name
    padding = site.add("padding", product, name=padded)
    padding.constant.value = 0.0
    set_borders(padding.paddingAmounts, missing)
    if has_bias:
        bias = site.weight("bias")
        parameters = site.add("bias", padded)
        parameters.shape.append(bias.size)
        store(parameters.bias, bias)


def _convolution(site: NetworkSite, x: Operand, kernel: Array, groups: int) -> None:
    """`kernel`: (filters, channels / groups, height, width)."""
    strides, dilation = _pair(site["strides"]), _pair(site["dilation_rate"])
    parameters = site.add("convolution", x.name)
    _fill(site, parameters, kernel, filters=kernel.shape[0], groups=groups)
    parameters.stride.extend(strides)
    parameters.dilationFactor.extend(dilation)
    extent = [(size - 1) * rate + 1 for size, rate in zip(kernel.shape[2:], dilation, strict=True)]
    borders = windows(site["padding"], x.plane[1:], extent, strides)
    set_padding(parameters, borders)
    site.store_bias(parameters)


def _fill(site: NetworkSite, parameters: Any, kernel: Array, *, filters: int, groups: int) -> None:
    transposed = parameters.isDeconvolution
    parameters.outputChannels = filters
    parameters.kernelChannels = len(kernel) if transposed else kernel.shape[1]
    parameters.nGroups = groups
    parameters.kernelSize.extend(kernel.shape[2:])
    site.store_kernel(parameters.weights, kernel, axis=1 if transposed else 0)


def _kernel(site: NetworkSite, channels: tuple[int, int]) -> Array:
    """Its last two axes, in that order, then height and width; along one axis the height is 1."""
    rank = len(site.node.weights["kernel"].shape) - 2
    kernel = site.weight("kernel", (*(rank + axis for axis in channels), *range(rank)))
    return kernel.reshape(*kernel.shape[:2], *_pair(kernel.shape[2:]))


def _pair(values: Sequence[int]) -> tuple[int, ...]:
    return (1, *values)[-2:]


def _spread(kernel: Array, dilation: Sequence[int]) -> Array:
    """(..., height, width) with zeros between the elements."""
    if set(dilation) == {1}:
        return kernel
    *front, height, width = kernel.shape
    rows, columns = dilation
    size = (rows * (height - 1) + 1, columns * (width - 1) + 1)
    spread = np.zeros((*front, *size), kernel.dtype)
    spread[..., ::rows, ::columns] = kernel
    return spread
