"""Handwritten digits that ship with the package.

Source: Alpaydin and Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning
Repository, https://doi.org/10.24432/C50P49, CC BY 4.0; the 1,797 images of its test set.
"""

from __future__ import annotations

from importlib.resources import as_file, files
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

_SIDE = 28
_LARGEST = 16  # of the original 8x8 counts


class Digits(NamedTuple):
    """Images (n, 28, 28, 1) uint8 0..255, white ink on black; labels (n,) 0..9."""

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]


def load_digits(held_out: float = 0.2, seed: int = 0) -> tuple[Digits, Digits]:
    """Training and held-out digits, shuffled, scaled from 8x8 to 28x28 by linear interpolation.

    Args:
        held_out: fraction that goes into the second set, between 0 and 1.
        seed: of the shuffle.
    """
    with as_file(files("mobilezoo.data") / "digits.npz") as path, np.load(path) as stored:
        images, labels = stored["images"], stored["labels"].astype(np.int64)
    order = np.random.default_rng(seed).permutation(len(labels))
    images, labels = _enlarge(images[order]), labels[order]
    first = round(len(labels) * (1 - held_out))
    return Digits(images[:first], labels[:first]), Digits(images[first:], labels[first:])


def _enlarge(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """(n, 8, 8) counts 0..16 -> (n, 28, 28, 1) pixels 0..255, bilinear, centres aligned."""
    weights = _interpolation(images.shape[1], _SIDE)
    enlarged = np.einsum("ij,njk,lk->nil", weights, images.astype(np.float64), weights)
    pixels: npt.NDArray[np.uint8] = np.rint(enlarged * (255 / _LARGEST)).astype(np.uint8)
    return pixels[..., None]


def _interpolation(size: int, side: int) -> npt.NDArray[np.float64]:
    """(side, size) matrix of linear interpolation between the centres of `size` pixels."""
    position = np.clip((np.arange(side) + 0.5) * size / side - 0.5, 0, size - 1)
    distance = np.abs(position[:, None] - np.arange(size)[None, :])
    return np.maximum(0.0, 1.0 - distance)
