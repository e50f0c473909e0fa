"""Pairs of pictures whose metrics were taken elsewhere; integer formulas, so the same on every machine and NumPy."""

from __future__ import annotations

import numpy as np


def pair(height_px: int, width_px: int, noise: int) -> tuple[np.ndarray, np.ndarray]:
    """A textured picture and a noisy copy, uint8 [h, w, 3]."""
    y, x = np.mgrid[0:height_px, 0:width_px].astype(np.int64)
    planes = [
        (x * 3 + y * 5) // 7 % 200 + (x * 7919 + y * 104729) % 31,
        (x * x // 50 + y) % 256,
        (x + y * y // 40) % 256,
    ]
    a = np.stack(planes, axis=-1)
    mixed = (a * 31 + x[..., None] * 7907 + y[..., None] * 6101 + np.arange(3) * 977) * 48271 % 2147483647
    b = a + mixed // 1009 % (2 * noise + 1) - noise
    return a.clip(0, 255).astype(np.uint8), b.clip(0, 255).astype(np.uint8)
