"""Normalisations that could not be folded, and softmax."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mobilezoo.coreml.emit.builder import mb
from mobilezoo.coreml.emit.site import Layout, Site, emits
from mobilezoo.graph import Node

_BATCH_NORM_RANKS = (3, 4)


@emits("batch_norm", Layout.EITHER)
def batch_norm(site: Site, x: Any) -> Any:
    """x * scale + shift per channel, with the four vectors combined in float64.

    As an operation of its own it goes over the second axis; elsewhere it is a product and a sum.
    """
    read = {role: weight.read().astype(np.float64) for role, weight in site.node.weights.items()}
    scale = read.get("gamma", 1.0) / np.sqrt(read["variance"] + site["epsilon"])
    shift = read.get("beta", 0.0) - read["mean"] * scale
    axis = site.axis(site["axis"])
    if axis == 1 and len(site.shape) in _BATCH_NORM_RANKS:
        return mb.batch_norm(
            x=x,
            mean=np.zeros(scale.shape, site.dtype),
            variance=np.ones(scale.shape, site.dtype),
            gamma=site.cast(scale, "scale"),
            beta=site.cast(shift, "shift"),
            epsilon=site.number(0.0),
            name=site.name,
        )
    shape = [1] * len(site.shape)
    shape[axis] = -1
    scaled = mb.mul(x=x, y=site.cast(scale.reshape(shape), "scale"), name=site.helper("scale"))
    return mb.add(x=scaled, y=site.cast(shift.reshape(shape), "shift"), name=site.name)


@emits("local_response_norm", Layout.CHANNELS_FIRST)
def local_response_norm(site: Site, x: Any) -> Any:
    """x / (k + alpha / size * s) ^ beta, s the sum of squares over `size` channels.

    before    y = lrn(x, alpha)
    after     y = c * lrn(x / c, alpha * c^2)    in float16, where five squares of 115 are infinite
    """
    scale = _scale_before_squares(site["alpha"])
    if site.dtype is not np.float16 or scale == 1:
        return _local_response_norm(site, x, site["alpha"], site.name)
    scaled = mb.mul(x=x, y=site.number(1 / scale), name=site.helper("scaled"))
    inner = _local_response_norm(site, scaled, site["alpha"] * scale**2, site.helper("inner"))
    return mb.mul(x=inner, y=site.number(scale), name=site.name)


def _scale_before_squares(alpha: float) -> float:
    """A power of two, so that scaling is exact, from 1 to 64, with alpha * scale^2 <= 1.

    At the usual alpha of 1e-4 it is 64, and five equal squares are finite up to |x| = 7325. Where
    alpha is near 1 the normalised sum itself ends at 65504, and scaling would gain nothing.
    """
    return 2.0 ** math.floor(-0.5 * math.log2(min(max(alpha, 64.0**-2), 1.0)))


def _local_response_norm(site: Site, x: Any, alpha: float, name: str) -> Any:
    return mb.local_response_norm(
        x=x,
        size=site["size"],
        alpha=site.number(alpha),
        beta=site.number(site["beta"]),
        k=site.number(site["k"]),
        name=name,
    )


def _norm_layout(node: Node) -> Layout:
    """gamma and beta have the normalised axes in Keras's order."""
    return Layout.EITHER if len(node.attributes["axes"]) == 1 else Layout.KERAS


@emits("layer_norm", _norm_layout)
def layer_norm(site: Site, x: Any) -> Any:
    """gamma * (x - mean) / sqrt(variance + epsilon) + beta, over some axes."""
    axes = sorted(site.axis(axis) for axis in site["axes"])
    given = {role: site.weight(role) for role in site.node.weights}
    if list(given) == ["beta"]:  # MIL reads the shape from gamma
        given["gamma"] = np.ones_like(given["beta"])
    return mb.layer_norm(x=x, axes=axes, epsilon=_epsilon(site), name=site.name, **given)


@emits("group_norm", Layout.CHANNELS_FIRST)
def group_norm(site: Site, x: Any) -> Any:
    """Groups of channels, each normalised by itself: (n, c, ...) -> (n, groups, c / groups ...)."""
    rank = len(site.shape) - 2
    grouped = mb.reshape(x=x, shape=_grouped(site), name=site.helper("grouped"))
    normal = mb.layer_norm(x=grouped, axes=[2], epsilon=_epsilon(site), name=site.helper("normal"))
    shape = [-1 if size is None else size for size in site.layout.shape(site.shape)]
    whole = shape if shape.count(-1) < 2 else mb.shape(x=x, name=site.helper("shape"))
    steps = [(role, operation) for role, operation in (("gamma", mb.mul), ("beta", mb.add))
             if role in site.node.weights]  # fmt: skip
    y = mb.reshape(x=normal, shape=whole, name=site.helper("inner") if steps else site.name)
    for role, operation in steps:
        weight = site.weight(role).reshape(-1, *(1,) * rank)
        last = role == steps[-1][0]
        y = operation(x=y, y=weight, name=site.name if last else site.helper("scaled"))
    return y


def _grouped(site: Site) -> tuple[int, int, int]:
    """(n, groups, c / groups ...), of which the app may choose one."""
    batch, *rest = site.shape
    groups = site["groups"]
    if batch is not None:
        return batch, groups, -1
    return -1, groups, math.prod(size for size in rest if size is not None) // groups


def _epsilon(site: Site) -> Any:
    """Not 0 in float16, or a constant input would be divided by 0."""
    smallest = float(np.finfo(site.dtype).smallest_subnormal)
    return site.number(max(site["epsilon"], smallest))


@emits("softmax", Layout.EITHER)
def softmax(site: Site, x: Any) -> Any:
    """exp(x) / sum(exp(x)) along an axis."""
    return mb.softmax(x=x, axis=site.axis(site["axis"]), name=site.name)
