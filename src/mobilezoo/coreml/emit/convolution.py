"""Convolutions: x (batch, channels, *spatial), one or two spatial axes."""

from __future__ import annotations

from typing import Any

from mobilezoo.coreml.emit.builder import mb
from mobilezoo.coreml.emit.site import Layout, Site, emits


@emits("conv", Layout.CHANNELS_FIRST)
def conv(site: Site, x: Any) -> Any:
    """Convolution, grouped or not."""
    rank = len(x.shape) - 2
    kernel = site.hollow("kernel", (rank + 1, rank, *range(rank)))  # HWIO -> OIHW
    return mb.conv(
        x=x, weight=kernel, groups=site["groups"], name=site.name, **site.bias(), **_geometry(site)
    )


@emits("depthwise_conv", Layout.CHANNELS_FIRST)
def depthwise_conv(site: Site, x: Any) -> Any:
    """One filter per input channel and multiplier."""
    rank = len(x.shape) - 2
    kernel = site.hollow("kernel", (rank, rank + 1, *range(rank)))  # HWIM -> IMHW
    channels, multiplier, *size = kernel.shape
    kernel = kernel.reshape(channels * multiplier, 1, *size)
    return mb.conv(
        x=x, weight=kernel, groups=channels, name=site.name, **site.bias(), **_geometry(site)
    )


@emits("conv_transpose", Layout.CHANNELS_FIRST)
def conv_transpose(site: Site, x: Any) -> Any:
    """Each input element times the kernel, added up `strides` apart, then cropped."""
    rank = len(x.shape) - 2
    kernel = site.hollow("kernel", (rank + 1, rank, *range(rank)))  # HWOI -> IOHW
    crop = [(max(before, 0), max(after, 0)) for before, after in site["crop"]]
    missing = [max(-after, 0) for _, after in site["crop"]]
    options = {
        "strides": site["strides"],
        "dilations": site["dilation_rate"],
        "pad_type": "custom",
        "pad": [width for pair in crop for width in pair],
    }
    if not any(missing):
        return mb.conv_transpose(x=x, weight=kernel, name=site.name, **site.bias(), **options)
    # strides beyond the kernel leave the end without any sum: zeros, then the bias
    y = mb.conv_transpose(x=x, weight=kernel, name=site.helper("product"), **options)
    pad = [0, 0, 0, 0, *(width for after in missing for width in (0, after))]
    zero = site.number(0.0)
    if not site.bias():
        return mb.pad(x=y, pad=pad, mode="constant", constant_val=zero, name=site.name)
    y = mb.pad(x=y, pad=pad, mode="constant", constant_val=zero, name=site.helper("padded"))
    bias = site.weight("bias").reshape(-1, *(1,) * rank)
    return mb.add(x=y, y=bias, name=site.name)


def _geometry(site: Site) -> dict[str, Any]:
    geometry = {"strides": site["strides"], "dilations": site["dilation_rate"]}
    padding = site["padding"]
    if isinstance(padding, str):
        return {**geometry, "pad_type": padding}
    return {**geometry, "pad_type": "custom", "pad": [width for pair in padding for width in pair]}
