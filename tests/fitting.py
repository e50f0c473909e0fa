"""A fit without torch, for tests and goldens: networks that differ from the start at random, latents in closed form.

No tests here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from calotype import container, transforms, walks
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


def tampered(data, random):
    """A bit of a stream is flipped and all checksums of the container are made anew: the picture's networks, or a tile."""
    file = container.parse(data)

    def flipped(segment):
        stream = bytearray(segment.data)
        stream[random.integers(len(stream))] ^= 1 << random.integers(8)
        return replace(segment, data=bytes(stream))

    if random.random() < 0.5:
        return container.build(replace(file, shared=(flipped(file.shared[0]),)))
    tiles = [replace(tile, segments=(flipped(tile.segments[0]),)) if tile.number == 1 else tile for tile in file.tiles]
    return container.build(replace(file, tiles=tuple(tiles)))
