"""Matrix products."""

from __future__ import annotations

from typing import Any

from mobilezoo.coreml.emit.builder import mb
from mobilezoo.coreml.emit.site import FLATTENED, MIXED_RANK, Layout, Site, emits


@emits("dense", Layout.EITHER)
def dense(site: Site, x: Any) -> Any:
    """x (..., d_in) @ kernel (d_in, d_out) + bias (d_out,); channels-first a 1x1 convolution."""
    kernel = _kernel(site)
    rank = len(x.shape)
    if site.layout is Layout.CHANNELS_FIRST and rank >= MIXED_RANK:
        kernel = kernel.reshape(*kernel.shape, *(1,) * (rank - 2))
        return mb.conv(x=x, weight=kernel, pad_type="valid", name=site.name, **site.bias())
    if rank <= 3:  # where MIL's linear ends
        return mb.linear(x=x, weight=kernel, name=site.name, **site.bias())
    if not site.bias():
        return mb.matmul(x=x, y=kernel, transpose_y=True, name=site.name)
    product = mb.matmul(x=x, y=kernel, transpose_y=True, name=site.helper("product"))
    return mb.add(x=product, y=site.weight("bias"), name=site.name)


@emits("matmul", Layout.KERAS)
def matmul(site: Site, x: Any, y: Any) -> Any:
    """x (..., n, k) @ y (..., k, m)."""
    return mb.matmul(x=x, y=y, name=site.name)


def _kernel(site: Site) -> Any:
    """(d_in, d_out) -> (d_out, d_in), where d_in may count a flattened picture's elements."""
    flattened = site.node.attributes.get(FLATTENED)
    if flattened is None:
        return site.hollow("kernel", (1, 0))
    units = site.node.weights["kernel"].shape[1]
    kernel = site.hollow("kernel", (3, 2, 0, 1), (*flattened, units))  # (h, w, c, d_out)
    return kernel.reshape(units, -1)
