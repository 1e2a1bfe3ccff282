"""Matrix products."""

from __future__ import annotations

from typing import Any

from coremltools.converters.mil.mil import Builder as mb

from mobilezoo.coreml.emit.site import Layout, Site, emits


@emits("dense", Layout.KERAS)
def dense(site: Site, x: Any) -> Any:
    """x (..., d_in) @ kernel (d_in, d_out) + bias (d_out,)."""
    if len(x.shape) > 3:  # MIL's linear ends at rank 3
        if not site.bias():
            return mb.matmul(x=x, y=site.weight("kernel"), name=site.name)
        product = mb.matmul(x=x, y=site.weight("kernel"), name=site.helper("product"))
        return mb.add(x=product, y=site.weight("bias"), name=site.name)
    kernel = site.weight("kernel", (1, 0))  # (d_in, d_out) -> (d_out, d_in)
    return mb.linear(x=x, weight=kernel, name=site.name, **site.bias())


@emits("matmul", Layout.KERAS)
def matmul(site: Site, x: Any, y: Any) -> Any:
    """x (..., n, k) @ y (..., k, m)."""
    return mb.matmul(x=x, y=y, name=site.name)
