"""The transform of Burt and Adelson's pyramid: pixels <-> differences between scales in steps of the rate. No networks.

How the differences are coded lives in walks/.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Executor

import numpy as np

from calotype import colour
from calotype.model.bundle import Model
from calotype.strips import Stored, Strips
from calotype.tiles import Grid, Region

__all__ = ["Laplacian", "analyse", "expand", "norms", "reduce"]

_EIGHTH, _HALF, _QUARTER3 = np.float32(0.125), np.float32(0.5), np.float32(0.75)


def expand(coarse: np.ndarray, held: Region, wanted: Region) -> np.ndarray:
    """A part of the next finer scale, float32 [p, h, w], from a part of a scale: the kernel 1 4 6 4 1, edges repeated.

    held     the rectangle of the coarse scale that `coarse` is: `wanted.over(2)`, one more on each side that is no edge
    wanted   the rectangle of the fine scale
    """
    for axis, (first, begin, end) in enumerate(
        ((held.top, wanted.top, wanted.bottom), (held.left, wanted.left, wanted.right)), 1
    ):
        coarse = np.moveaxis(coarse, axis, 0)
        padded = np.concatenate([coarse[:1], coarse, coarse[-1:]])  # used at edges only: elsewhere the margin is there
        fine = np.empty((2 * len(coarse), *coarse.shape[1:]), np.float32)
        fine[::2] = (padded[:-2] + padded[2:]) * _EIGHTH + coarse * _QUARTER3
        fine[1::2] = (coarse + padded[2:]) * _HALF
        coarse = np.moveaxis(fine[begin - 2 * first : end - 2 * first], 0, axis)
    return np.ascontiguousarray(coarse)


def reduce(fine: np.ndarray) -> np.ndarray:
    """The next coarser scale of whole planes, float32 [p, h / 2, w / 2]: the same kernel, every second sample."""
    for axis in (1, 2):
        moved = np.moveaxis(fine, axis, 0)
        padded = np.concatenate([moved[:1], moved[:1], moved, moved[-1:], moved[-1:]])
        sums = padded[:-4] + padded[4:] + 4 * (padded[1:-3] + padded[3:-1]) + 6 * moved
        fine = np.moveaxis(sums[::2] * np.float32(1 / 16), 0, axis)
    return np.ascontiguousarray(fine)


def analyse(planes: np.ndarray, levels: int) -> dict[str, np.ndarray]:
    """Differences "l1" (of the full size) ... and the coarsest scale "ll", of float32 [p, H, W], multiples of 2**levels."""
    found = {}
    for level in range(1, levels + 1):
        coarse = reduce(planes)
        whole, fine = (Region(0, part.shape[1], 0, part.shape[2]) for part in (coarse, planes))
        found[f"l{level}"] = planes - expand(coarse, whole, fine)
        planes = coarse
    return found | {"ll": planes}


def norms(levels: int) -> dict[str, float]:
    """What an error of one sample of a level makes in the picture: the root of its sum of squares."""
    found, spot = {"l1": 1.0}, np.zeros((1, 9, 9), np.float32)
    spot[0, 4, 4] = 1
    for level in range(1, levels + 1):
        spot = np.pad(spot, ((0, 0), (2, 2), (2, 2)))
        held = Region(0, spot.shape[1], 0, spot.shape[2])
        spot = expand(spot, held, Region(0, 2 * spot.shape[1], 0, 2 * spot.shape[2]))
        found["ll" if level == levels else f"l{level + 1}"] = float(np.sqrt(np.square(spot, dtype=np.float64).sum()))
    return found


class Laplacian:
    """Kind "laplacian": colours -> planes -> `levels` differences "l1" ... and "ll" / step(rate), and back.

    A level's step is that of the picture through the norm of its samples. Arrays as kind "wavelet97" has them, and
    "norms" float [levels + 1], l1 first, "ll" last. Analysis holds the whole pyramid: 16 bytes a pixel.

    source   Burt, Adelson 1983, doi:10.1109/TCOM.1983.1095851
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self.levels = int(model.manifest.transform["levels"])
        self.reach_px = (2 << self.levels) + (1 << self.levels)
        self.names = [f"l{level}" for level in range(1, self.levels + 1)] + ["ll"]
        self.norms = dict(zip(self.names, model.floats("norms").tolist(), strict=True))

    def stored(self) -> dict[str, Stored]:
        latents = self.model.manifest.latents
        return {name: Stored(latents[name].channels, latents[name].stride, "int32") for name in self.names}

    def analysis(self, pixels: np.ndarray, grid: Grid, rate: int, pool: Executor | None) -> _LaplacianAnalysis:
        return _LaplacianAnalysis(self, pixels, grid, rate)

    def window(self, strips: Strips, rates: np.ndarray, window: Region) -> np.ndarray:
        gains, shape = np.exp(self.model.floats("inverse", rates)), strips.grid.shape
        load = strips.loader({name: gains / np.float32(norm) for name, norm in self.norms.items()})
        wanted = [window]
        for level in range(1, self.levels + 1):
            wanted.append(wanted[-1].over(2).grown(1, shape[0] >> level, shape[1] >> level))
        found = np.zeros((gains.shape[1], wanted[-1].height, wanted[-1].width), np.float32)
        one = np.ones((gains.shape[1], 1, 1), np.float32)
        load("ll", wanted[-1], one, found)
        for level in range(self.levels, 0, -1):
            onto = wanted[level - 1]
            found = expand(found, wanted[level], onto)
            difference = np.empty_like(found)
            load(f"l{level}", onto, one, difference)
            found += difference
        out = np.empty((window.height, window.width, 3), np.uint8)
        return colour.samples_of(found, self.model.floats("colours"), out, unit=1)


class _LaplacianAnalysis:
    def __init__(self, transform: Laplacian, pixels: np.ndarray, grid: Grid, rate: int) -> None:
        model, (height, width) = transform.model, grid.shape
        gain = np.exp(model.floats("gain", rate))[:, None, None]
        planes = np.empty((len(gain), height, width), np.float32)
        colour.planes_of(pixels, model.floats("planes"), unit=1)(Region(0, height, 0, width), planes)
        bands: Mapping[str, np.ndarray] = analyse(planes, transform.levels)
        self.bands = {name: band * (gain * np.float32(transform.norms[name])) for name, band in bands.items()}
        self.strides = {name: model.manifest.latents[name].stride for name in bands}

    def latents(self, tile: Region) -> dict[str, np.ndarray]:
        parts = {name: tile.over(stride) for name, stride in self.strides.items()}
        return {name: self.bands[name][:, part.rows, part.cols] for name, part in parts.items()}
