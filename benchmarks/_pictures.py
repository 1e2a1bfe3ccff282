"""Pictures that differ as photographs do: in colours, contrast, brightness, detail and noise.

No photographs can be shipped or fetched here. Noise alone would not do: to a network one picture of
noise is like another, and what is measured on them is one number many times.
"""

from __future__ import annotations

import numpy as np


def pictures(count: int, height: int, width: int, seed: int) -> np.ndarray:
    """(count, height, width, 3) of uint8."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    return np.stack([_picture(rng, y, x) for _ in range(count)])


def _picture(rng: np.random.Generator, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    made = np.zeros((*y.shape, 3))
    for _ in range(rng.integers(3, 12)):  # waves
        fx, fy = rng.normal(size=2) * rng.choice([2, 6, 20, 60])
        wave = np.sin(2 * np.pi * (fx * x + fy * y) + rng.uniform(0, 2 * np.pi))
        made += rng.normal(size=3) * wave[..., None] / np.sqrt(1 + np.hypot(fx, fy))
    for _ in range(rng.integers(0, 6)):  # discs
        cx, cy = rng.uniform(0, 1, 2)
        made[np.hypot(x - cx, y - cy) < rng.uniform(0.05, 0.4)] += rng.normal(size=3)
    made += rng.normal(size=made.shape) * rng.choice([0, 0.02, 0.2])
    made = (made - made.mean()) / (made.std() + 1e-6) * rng.uniform(10, 70) + rng.uniform(60, 190)
    return np.clip(made, 0, 255).astype(np.uint8)
