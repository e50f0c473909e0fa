"""A fit without torch, for tests and goldens: networks that differ from the start at random, latents in closed form.

No tests here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calotype import transforms, walks
from calotype.model.bundle import Model
from calotype.tiles import Grid, Region


@dataclass
class Fit:
    """What `codec.encode` takes as `fitted`."""

    model: Model
    whole: dict[str, np.ndarray]
    weights: tuple[np.ndarray, np.ndarray]

    def latents(self, tile: Region) -> dict[str, np.ndarray]:
        found = {}
        for name, band in self.whole.items():
            part = tile.over(self.model.manifest.latents[name].stride)
            found[name] = band[:, part.rows, part.cols]
        return found


def layout_of(model: Model):
    return walks.get(model.manifest.walk, dict(model.manifest.walk_parameters)).layout


def some(model: Model, pixels: np.ndarray, rate: int, seed: int = 0) -> Fit:
    """Two tensors in three are changed, with different steps."""
    layout, random = layout_of(model), np.random.default_rng(seed)
    deltas, shifts = np.zeros(layout.size, np.int32), np.zeros(len(layout.tensors), np.int64)
    for place, tensor in enumerate(layout.tensors):
        if place % 3:
            shifts[place] = place % 5
            deltas[tensor.part] = np.round(random.laplace(0, 0.7, tensor.size)).astype(np.int32) << shifts[place]
    grid = Grid(*pixels.shape[:2], model.manifest.tile_px, model.manifest.align_px)
    whole = Region(0, grid.shape[0], 0, grid.shape[1])
    found = transforms.of(model).analysis(pixels, grid, rate, None).latents(whole)
    return Fit(model, {name: np.round(band) for name, band in found.items()}, (deltas, shifts))
