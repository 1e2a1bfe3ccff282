"""Operations that move values and compute nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
from coremltools.converters.mil.mil import types

from mobilezoo.coreml.emit.builder import mb
from mobilezoo.coreml.emit.site import FLATTENED, Layout, Site, emits
from mobilezoo.graph import Node


def _reshape_layout(node: Node) -> Layout:
    return Layout.CHANNELS_FIRST if FLATTENED in node.attributes else Layout.KERAS


@emits("reshape", _reshape_layout)
def reshape(site: Site, x: Any) -> Any:
    """Another shape for the same elements, in Keras's row-major order.

    A picture that is flattened as it lies goes by another name: in Keras the order is another.
    """
    as_it_lies = FLATTENED in site.node.attributes
    name = site.helper("channels_first") if as_it_lies else site.name
    return mb.reshape(x=x, shape=[-1 if n is None else n for n in site.shape], name=name)


@emits("transpose", Layout.KERAS)
def transpose(site: Site, x: Any) -> Any:
    """Axis i of the output is axis axes[i] of the input."""
    return mb.transpose(x=x, perm=site["axes"], name=site.name)


@emits("concat", Layout.EITHER)
def concat(site: Site, *values: Any) -> Any:
    """Tensors joined along an axis."""
    return mb.concat(values=values, axis=site.axis(site["axis"]), name=site.name)


@emits("pad", Layout.EITHER)
def pad(site: Site, x: Any) -> Any:
    """A constant around the tensor."""
    before = site.layout.shape(tuple(pair[0] for pair in site["widths"]))
    after = site.layout.shape(tuple(pair[1] for pair in site["widths"]))
    flat = [width for pair in zip(before, after, strict=True) for width in pair]
    return mb.pad(
        x=x, pad=flat, mode="constant", constant_val=site.number(site["value"]), name=site.name
    )


@emits("slice", Layout.EITHER)
def slice_(site: Site, x: Any) -> Any:
    """From `begin` to `end` in `strides` along each axis; all examples."""
    begin, end, stride = (site.layout.shape(site[role]) for role in ("begin", "end", "strides"))
    whole = site.layout.shape(site.shape)  # sides that are free are not cut
    mask = [axis == 0 or size is None for axis, size in enumerate(whole)]
    return mb.slice_by_index(
        x=x, begin=begin, end=end, stride=stride, begin_mask=mask, end_mask=mask, name=site.name
    )


@emits("crop", Layout.EITHER)
def crop(site: Site, x: Any) -> Any:
    """The ends of axes taken off."""
    before, after = (
        site.layout.shape(tuple(pair[side] for pair in site["widths"])) for side in (0, 1)
    )
    return mb.slice_by_index(
        x=x,
        begin=before,
        end=[-width for width in after],
        begin_mask=[width == 0 for width in before],
        end_mask=[width == 0 for width in after],
        name=site.name,
    )


@emits("flip", Layout.EITHER)
def flip(site: Site, x: Any) -> Any:
    """Axes in reverse order."""
    return mb.reverse(x=x, axes=[site.axis(axis) for axis in site["axes"]], name=site.name)


@emits("tile", Layout.EITHER)
def tile(site: Site, x: Any) -> Any:
    """So many times along each axis."""
    return mb.tile(x=x, reps=site.layout.shape(site["repeats"]), name=site.name)


@emits("gather", Layout.EITHER)
def gather(site: Site, x: Any) -> Any:
    """Fixed positions along an axis."""
    indices = np.array(site["indices"], np.int32)
    return mb.gather(x=x, indices=indices, axis=site.axis(site["axis"]), name=site.name)


@emits("embedding", Layout.KERAS)
def embedding(site: Site, x: Any) -> Any:
    """Rows of a table (rows, d), chosen by x (...) -> (..., d)."""
    if x.dtype != types.int32:
        x = mb.cast(x=x, dtype="int32", name=site.helper("rows"))
    return mb.gather(x=site.hollow("table"), indices=x, axis=0, name=site.name)


@emits("upsample_nearest", Layout.CHANNELS_FIRST)
def upsample_nearest(site: Site, x: Any) -> Any:
    """Each pixel several times."""
    rows, columns = site["size"]
    return mb.upsample_nearest_neighbor(
        x=x, scale_factor_height=rows, scale_factor_width=columns, name=site.name
    )


@emits("upsample_bilinear", Layout.CHANNELS_FIRST)
def upsample_bilinear(site: Site, x: Any) -> Any:
    """So many times larger, interpolated between the four nearest pixel centres."""
    rows, columns = site["size"]
    return mb.upsample_bilinear(
        x=x,
        scale_factor_height=rows,
        scale_factor_width=columns,
        align_corners=False,
        name=site.name,
    )


@emits("resize_bilinear", Layout.CHANNELS_FIRST)
def resize_bilinear(site: Site, x: Any) -> Any:
    """Interpolated between the four nearest pixel centres."""
    height, width = site["size"]
    return mb.resize_bilinear(
        x=x,
        target_size_height=height,
        target_size_width=width,
        sampling_mode="UNALIGN_CORNERS",
        name=site.name,
    )
