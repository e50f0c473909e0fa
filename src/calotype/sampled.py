"""The transform of systems that work on pixels: samples go into the walk, and those that it returns are the picture.

For `domain = "pixels"`: what such a walk returns is exact, so nothing is synthesised and nothing can drift.
"""

from __future__ import annotations

from concurrent.futures import Executor

import numpy as np

from calotype.model.bundle import Model
from calotype.strips import Stored, Strips
from calotype.tiles import Grid, Region

__all__ = ["NAME", "Samples"]

NAME = "samples"  # of the array that a walk is given and returns: [b, planes, h, w], 0..255


class Samples:
    """Kind "samples": pixels as they are. The manifest has the latents "samples" with stride 1, not coded themselves."""

    reach_px = 0

    def __init__(self, model: Model) -> None:
        self.planes = model.manifest.planes

    def stored(self) -> dict[str, Stored]:
        return {NAME: Stored(self.planes, 1, "uint8", 1)}

    def analysis(self, pixels: np.ndarray, grid: Grid, rate: int, pool: Executor | None) -> _Cut:
        return _Cut(pixels)

    def window(self, strips: Strips, rates: np.ndarray, window: Region) -> np.ndarray:
        found = np.empty((self.planes, window.height, window.width), np.uint8)
        return np.ascontiguousarray(strips.read(NAME, window, found).transpose(1, 2, 0))


class _Cut:
    def __init__(self, pixels: np.ndarray) -> None:
        self.pixels = pixels

    def latents(self, tile: Region) -> dict[str, np.ndarray]:
        """A tile of the picture whose last row and column are repeated, float32 [planes, h, w]."""
        height, width = self.pixels.shape[:2]
        rows = np.minimum(np.arange(tile.top, tile.bottom), height - 1)
        columns = np.minimum(np.arange(tile.left, tile.right), width - 1)
        return {NAME: self.pixels[rows[:, None], columns].transpose(2, 0, 1).astype(np.float32)}
