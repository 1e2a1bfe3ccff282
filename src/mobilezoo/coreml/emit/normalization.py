"""Normalisations that could not be folded, and softmax."""

from __future__ import annotations

from typing import Any

import numpy as np
from coremltools.converters.mil.mil import Builder as mb

from mobilezoo.coreml.emit.site import Layout, Site, emits


@emits("batch_norm", Layout.EITHER)
def batch_norm(site: Site, x: Any) -> Any:
    """x * scale + shift per channel, with the four vectors combined in float64."""
    read = {role: weight.read().astype(np.float64) for role, weight in site.node.weights.items()}
    scale = read.get("gamma", 1.0) / np.sqrt(read["variance"] + site["epsilon"])
    shift = read.get("beta", 0.0) - read["mean"] * scale
    shape = [1] * len(site.shape)
    shape[site.axis(site["axis"])] = -1
    scaled = mb.mul(x=x, y=site.cast(scale.reshape(shape), "scale"), name=site.helper("scale"))
    return mb.add(x=scaled, y=site.cast(shift.reshape(shape), "shift"), name=site.name)


@emits("softmax", Layout.EITHER)
def softmax(site: Site, x: Any) -> Any:
    """exp(x) / sum(exp(x)) along an axis."""
    return mb.softmax(x=x, axis=site.axis(site["axis"]), name=site.name)
