"""Operations that move values and compute nothing."""

from __future__ import annotations

from typing import Any

from coremltools.converters.mil.mil import Builder as mb

from mobilezoo.coreml.emit.site import Layout, Site, emits


@emits("reshape", Layout.KERAS)
def reshape(site: Site, x: Any) -> Any:
    """Another shape for the same elements, in Keras's row-major order."""
    return mb.reshape(x=x, shape=site.shape, name=site.name)


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
