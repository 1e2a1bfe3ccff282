"""Matrix products."""

from __future__ import annotations

from typing import Any

from coremltools.converters.mil.mil import Builder as mb

from mobilezoo.coreml.emit.site import Layout, Site, emits


@emits("dense", Layout.KERAS)
def dense(site: Site, x: Any) -> Any:
    """x (..., d_in) @ kernel (d_in, d_out) + bias (d_out,)."""
    if len(x.shape) > 3:  # MIL's linear ends at rank 3
        y = mb.matmul(x=x, y=site.weight("kernel"), name=site.name)
        return mb.add(x=y, y=site.weight("bias"), name=f"{site.name}_bias") if site.bias() else y
    kernel = site.weight("kernel", (1, 0))  # (d_in, d_out) -> (d_out, d_in)
    return mb.linear(x=x, weight=kernel, name=site.name, **site.bias())


@emits("matmul", Layout.KERAS)
def matmul(site: Site, x: Any, y: Any) -> Any:
    """x (..., n, k) @ y (..., k, m)."""
    return mb.matmul(x=x, y=y, name=site.name)
