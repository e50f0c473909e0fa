"""The transform of plain wavelets: pixels <-> bands of the 9/7 pyramid in steps of the rate, without any network.

The wavelet itself is pyramid.py; how its bands are coded lives in walks/.
"""

from __future__ import annotations

from concurrent.futures import Executor

import numpy as np

from calotype import colour, pyramid, windows
from calotype.model.bundle import Model
from calotype.strips import Stored, Strips
from calotype.tiles import Grid, Region

__all__ = ["Wavelet"]


class Wavelet:
    """Kind "wavelet97": colours -> planes -> CDF 9/7, `levels` times -> "l1" ..., "ll" / step(rate), and back.

    Arrays: "planes" float [3, p] (encoder), "colours" float [3, p]; "anchors/gain" and "anchors/inverse", logarithms
    [n, p], one a plane: a step is the same in all bands, as befits a nearly orthonormal basis.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self.levels = int(model.manifest.transform["levels"])
        self.reach_px = pyramid.reach_px(self.levels)
        self.bands = [f"l{level}" for level in range(1, self.levels + 1)] + ["ll"]

    def stored(self) -> dict[str, Stored]:
        latents = self.model.manifest.latents
        return {name: Stored(latents[name].channels, latents[name].stride, "int32") for name in self.bands}

    def analysis(self, pixels: np.ndarray, grid: Grid, rate: int, pool: Executor | None) -> _WaveletAnalysis:
        return _WaveletAnalysis(self, pixels, grid, rate, pool)

    def window(self, strips: Strips, rates: np.ndarray, window: Region) -> np.ndarray:
        gains = np.exp(self.model.floats("inverse", rates))
        planes = gains.shape[1]
        load = strips.loader({name: gains if name == "ll" else np.tile(gains, 3) for name in self.bands})
        found = pyramid.synthesise_window(load, window, strips.grid.shape, self.levels, planes=planes)
        out = np.empty((window.height, window.width, 3), np.uint8)
        return colour.samples_of(found, self.model.floats("colours"), out, unit=1)


class _WaveletAnalysis:
    def __init__(self, transform: Wavelet, pixels: np.ndarray, grid: Grid, rate: int, pool: Executor | None) -> None:
        model = transform.model
        load = colour.planes_of(pixels, model.floats("planes"), unit=1)
        self.wavelet = windows.Analysis(load, grid.shape, transform.levels, pool=pool)
        self.gain = np.exp(model.floats("gain", rate))[:, None, None]

    def latents(self, tile: Region) -> dict[str, np.ndarray]:
        bands = self.wavelet.bands(tile)
        return {
            name: band * (self.gain if name == "ll" else np.tile(self.gain, (3, 1, 1))) for name, band in bands.items()
        }
