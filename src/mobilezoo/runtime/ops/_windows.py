"""Strides, dilations and padding as convolutions and pools share them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any, TypeAlias

import numpy as np

from mobilezoo.errors import UnsupportedOpError
from mobilezoo.runtime import limits
from mobilezoo.runtime.arithmetic import Array
from mobilezoo.runtime.ops._sizes import bounded

Pairs: TypeAlias = tuple[tuple[int, int], ...]
# what TensorFlow takes: a name, or (before, after) for each of n, h, w, c
Padding: TypeAlias = str | list[tuple[int, int]]


@dataclass(frozen=True)
class Windows:
    """A window that slides over the spatial axes; each tuple has one item per spatial axis."""

    sizes: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    pad_type: str
    pad: Pairs  # (before, after), for pad_type "custom"

    def pairs(self, spatial: Sequence[int | None]) -> Pairs:
        """(before, after) of each spatial axis, for an input of these sizes."""
        if self.pad_type == "valid":
            return ((0, 0),) * len(self.sizes)
        if self.pad_type == "custom":
            return self.pad
        same = self._same(_known(spatial))
        if self.pad_type == "same_lower":  # the odd pixel goes before
            return tuple((after, before) for before, after in same)
        return same

    def padding(self, spatial: Sequence[int | None]) -> Padding:
        """The same, in TensorFlow's words."""
        if self.pad_type == "same":  # the odd pixel goes after, as in TensorFlow
            return "SAME"
        pairs = self.pairs(spatial)
        if self.is_same(spatial, pairs):
            return "SAME"
        if not any(before or after for before, after in pairs):
            return "VALID"
        return [(0, 0), *pairs, (0, 0)]

    def is_same(self, spatial: Sequence[int | None], pairs: Pairs) -> bool:
        """Whether this is TensorFlow's own padding, for which its kernels need no padded copy."""
        known = [size for size in spatial if size is not None]
        return len(known) == len(spatial) and pairs == self._same(known)

    def _same(self, spatial: Sequence[int]) -> Pairs:
        """(before, after) of the kind "same", the odd pixel after."""
        totals = [
            max(0, (ceil(size / stride) - 1) * stride + (k - 1) * dilation + 1 - size)
            for size, k, stride, dilation in zip(
                spatial, self.sizes, self.strides, self.dilations, strict=True
            )
        ]
        return tuple((total // 2, total - total // 2) for total in totals)


def windows(
    sizes: Sequence[int],
    strides: Sequence[int] | None,
    pad_type: str,
    pad: Sequence[int] | None,
    dilations: Sequence[int] | None = None,
) -> Windows:
    """Windows from MIL's parameters; `pad` is (before, after, before, after, ...).

    Raises:
        ValueError: a size, a stride or a dilation below 1, a negative border, or too large ones.
    """
    if pad_type not in ("valid", "same", "same_lower", "custom"):
        raise UnsupportedOpError(
            f"pad_type={pad_type!r}; known are valid, same, same_lower, custom"
        )
    rank = len(sizes)
    flat = [0] * (2 * rank) if pad is None else [int(amount) for amount in pad]
    made = Windows(
        sizes=tuple(int(size) for size in sizes),
        strides=(1,) * rank if strides is None else tuple(int(stride) for stride in strides),
        dilations=(1,) * rank if dilations is None else tuple(int(step) for step in dilations),
        pad_type=pad_type,
        pad=tuple(zip(flat[::2], flat[1::2], strict=True)),
    )
    _check("sizes", made.sizes, 1, rank)
    _check("strides", made.strides, 1, rank)
    _check("dilations", made.dilations, 1, rank)
    _check("borders", flat, 0, 2 * rank)
    return made


def _check(what: str, numbers: Sequence[int], least: int, count: int) -> None:
    most = limits.MOST_WINDOW
    if len(numbers) != count or not all(least <= number <= most for number in numbers):
        raise ValueError(
            f"windows with {what} {tuple(numbers)[:8]}; {count} numbers from {least} to {most} "
            "are required"
        )


def dilated(kernel: Array, dilations: tuple[int, ...]) -> Array:
    """The kernel (a, b, *k) with zeros between its elements."""
    sizes = [(k - 1) * step + 1 for k, step in zip(kernel.shape[2:], dilations, strict=True)]
    spread = np.zeros(bounded((*kernel.shape[:2], *sizes)), kernel.dtype)
    index: tuple[Any, ...] = (..., *(slice(None, None, step) for step in dilations))
    spread[index] = kernel
    return spread


def _known(spatial: Sequence[int | None]) -> list[int]:
    sizes = [size for size in spatial if size is not None]
    if len(sizes) < len(spatial):
        raise UnsupportedOpError("'same' padding of an input whose size the file leaves open")
    return sizes
