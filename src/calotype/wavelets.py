"""The transforms of plain wavelets: pixels <-> bands of the 9/7 pyramid in steps of the rate, without any network.

The wavelet itself is pyramid.py, sums of kernels in place of coefficients are kernels.py; how bands are coded lives in
walks/.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor

import numpy as np

from calotype import colour, kernels, pyramid, windows
from calotype.model.bundle import Model
from calotype.pyramid import Load
from calotype.strips import Stored, Strips
from calotype.tiles import Grid, Region

__all__ = ["KernelWavelet", "Wavelet", "weighted"]


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
        planes = self.model.floats("inverse", rates).shape[1]
        found = pyramid.synthesise_window(
            self.loader(strips, rates), window, strips.grid.shape, self.levels, planes=planes
        )
        out = np.empty((window.height, window.width, 3), np.uint8)
        return colour.samples_of(found, self.model.floats("colours"), out, unit=1)

    def loader(self, strips: Strips, rates: np.ndarray) -> Load:
        """Where synthesis finds its bands."""
        gains = np.exp(self.model.floats("inverse", rates))
        return strips.loader({name: gains if name == "ll" else np.tile(gains, 3) for name in self.bands})


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


class KernelWavelet(Wavelet):
    """Kind "kernels": as "wavelet97", but blocks of the bands of `fine` levels are sums of kernels, whose weights are coded.

    Of the manifest's entry: `widths` of the kernel along and across the edges that a band sees (HL: down and along a row;
    LH: the other way round; HH: across twice), in coefficients; `tube`, in steps. Analysis is a regression.
    """

    def __init__(self, model: Model) -> None:
        super().__init__(model)
        entry = model.manifest.transform
        along, across = (float(width) for width in entry["widths"])
        self.widths = ((along, across), (across, along), (across, across))
        self.fine = [f"l{level}" for level in range(1, int(entry["fine"]) + 1)]
        self.tube = float(entry["tube"])

    def analysis(self, pixels: np.ndarray, grid: Grid, rate: int, pool: Executor | None) -> _WaveletAnalysis:
        return _KernelAnalysis(self, pixels, grid, rate, pool)

    def loader(self, strips: Strips, rates: np.ndarray) -> Load:
        held = super().loader(strips, rates)

        def load(name: str, region: Region, scale: np.ndarray, out: np.ndarray) -> None:
            if name not in self.fine:
                held(name, region, scale, out)
                return
            cells = region.over(kernels.SIDE)
            wide = Region(*(side * kernels.SIDE for side in (cells.top, cells.bottom, cells.left, cells.right)))
            weights = np.empty((len(out), wide.height, wide.width), np.float32)
            held(name, wide, np.ones_like(scale), weights)
            inner = region.within(wide)
            parts = [np.split(part, 3) for part in (weights, out, scale)]
            for values, onto, by, widths in zip(*parts, self.widths, strict=True):
                found = kernels.summed(values / np.float32(kernels.norm(widths)), widths)
                np.multiply(found[:, inner.rows, inner.cols], by, out=onto)

        return load


class _KernelAnalysis(_WaveletAnalysis):
    def __init__(
        self, transform: KernelWavelet, pixels: np.ndarray, grid: Grid, rate: int, pool: Executor | None
    ) -> None:
        super().__init__(transform, pixels, grid, rate, pool)
        self.transform = transform

    def latents(self, tile: Region) -> dict[str, np.ndarray]:
        found, of = super().latents(tile), self.transform
        return found | {name: weighted(found[name], of.widths, of.tube) for name in of.fine}


def weighted(band: np.ndarray, widths: Sequence[tuple[float, float]], tube: float) -> np.ndarray:
    """The weights of a band in steps, [3 p, h, w], each times the norm of its kernel."""
    parts = zip(np.split(band, 3), widths, strict=True)
    return np.concatenate([kernels.regressed(part, of, tube=tube) * np.float32(kernels.norm(of)) for part, of in parts])
