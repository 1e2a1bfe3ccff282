"""Convolutions: x (batch, channels, height, width)."""

from __future__ import annotations

from typing import Any

from coremltools.converters.mil.mil import Builder as mb

from mobilezoo.coreml.emit.site import Layout, Site, emits


@emits("conv", Layout.CHANNELS_FIRST)
def conv(site: Site, x: Any) -> Any:
    """2-D convolution, grouped or not."""
    kernel = site.weight("kernel", (3, 2, 0, 1))  # HWIO -> OIHW
    return mb.conv(
        x=x, weight=kernel, groups=site["groups"], name=site.name, **site.bias(), **_geometry(site)
    )


@emits("depthwise_conv", Layout.CHANNELS_FIRST)
def depthwise_conv(site: Site, x: Any) -> Any:
    """One filter per input channel and multiplier."""
    kernel = site.weight("kernel", (2, 3, 0, 1))  # HWIM -> IMHW
    channels, multiplier, height, width = kernel.shape
    kernel = kernel.reshape(channels * multiplier, 1, height, width)
    return mb.conv(
        x=x, weight=kernel, groups=channels, name=site.name, **site.bias(), **_geometry(site)
    )


def _geometry(site: Site) -> dict[str, Any]:
    geometry = {"strides": site["strides"], "dilations": site["dilation_rate"]}
    padding = site["padding"]
    if isinstance(padding, str):
        return {**geometry, "pad_type": padding}
    (top, bottom), (left, right) = padding
    return {**geometry, "pad_type": "custom", "pad": [top, bottom, left, right]}
