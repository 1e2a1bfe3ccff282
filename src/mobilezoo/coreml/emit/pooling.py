"""Pooling over windows and reductions over axes."""

from __future__ import annotations

from typing import Any

from mobilezoo.coreml.emit.builder import mb
from mobilezoo.coreml.emit.site import Layout, Site, emits
from mobilezoo.graph import Node


@emits("max_pool", Layout.CHANNELS_FIRST)
def max_pool(site: Site, x: Any) -> Any:
    """Largest value of each window."""
    return mb.max_pool(x=x, name=site.name, **_windows(site))


@emits("avg_pool", Layout.CHANNELS_FIRST)
def avg_pool(site: Site, x: Any) -> Any:
    """Mean of each window; padded pixels do not count."""
    return mb.avg_pool(x=x, exclude_padding_from_average=True, name=site.name, **_windows(site))


def _windows(site: Site) -> dict[str, Any]:
    return {
        "kernel_sizes": site["pool_size"],
        "strides": site["strides"],
        "pad_type": site["padding"],
    }


def _reduction_layout(node: Node) -> Layout:
    """Both orders do, unless the axes that are left would stand in another order."""
    axes = node.attributes.get("axes") or (node.attributes["axis"],)
    left = len(node.output.shape)
    if node.attributes["keepdims"]:
        return Layout.EITHER
    channels = left + len(axes) - 1
    only_channels, only_spatial = left <= 2 and channels not in axes, channels in axes
    return Layout.EITHER if only_channels or only_spatial else Layout.KERAS


def _reduction(kind: str, operation: str) -> None:
    @emits(kind, _reduction_layout)
    def reduce(site: Site, x: Any) -> Any:
        axes = sorted(site.layout.axis(axis, len(x.shape)) for axis in site["axes"])
        function = getattr(mb, operation)
        return function(x=x, axes=axes, keep_dims=bool(site["keepdims"]), name=site.name)


_reduction("reduce_mean", "reduce_mean")
_reduction("reduce_max", "reduce_max")
_reduction("reduce_min", "reduce_min")
_reduction("reduce_prod", "reduce_prod")
_reduction("reduce_sum", "reduce_sum")


@emits("argmax", _reduction_layout)
def argmax(site: Site, x: Any) -> Any:
    """Position of the largest along an axis."""
    axis = site.layout.axis(site["axis"], len(x.shape))
    return mb.reduce_argmax(x=x, axis=axis, keep_dims=bool(site["keepdims"]), name=site.name)


@emits("cumsum", Layout.EITHER)
def cumsum(site: Site, x: Any) -> Any:
    """Sums up to each element along an axis."""
    axis = site.axis(site["axis"])
    return mb.cumsum(x=x, axis=axis, exclusive=False, reverse=False, name=site.name)
