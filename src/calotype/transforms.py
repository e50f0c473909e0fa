"""Between pixels and latents: what a model's `transform` entry names, by windows. Entropy coding lives in codec.py.

Kinds: "pyramid97", the closed-form wavelet with a branch and a post-filter around it; "networks", one analysis and one
synthesis network; "blocks" (blocks.py), "fuzzy" (fuzzy.py), "sensing" (sensing.py), "samples" (sampled.py), "bespoke"
(bespoke.py) and "layers" (layers.py), which need no network. Analysis may use any means; synthesis is what a file's pixels
depend on, and float.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Executor
from typing import Any, Protocol

import numpy as np

from calotype import (
    bespoke,
    blocks,
    clustered,
    colour,
    dense,
    filterbank,
    fuzzy,
    laplacian,
    layers,
    pyramid,
    sampled,
    sensing,
    wavelets,
    windows,
)
from calotype.errors import UnsupportedError
from calotype.model.bundle import Model
from calotype.strips import Stored, Strips
from calotype.tiles import Grid, Region

__all__ = ["Analysis", "Fitted", "Transform", "of"]


class Analysis(Protocol):
    """Latents of one picture before rounding, at one rate."""

    def latents(self, tile: Region) -> dict[str, np.ndarray]:
        """{name: float32 [c, h, w]} of a tile of the padded picture. May be called by several threads."""
        ...


class Fitted(Analysis, Protocol):
    """Latents that an encoder has chosen by fitting, and the networks that go with them.

    weights   (differences to the model's start, shift of each tensor) as the walk's `prepare` takes them
    """

    weights: tuple[np.ndarray, np.ndarray]


class Transform(Protocol):
    """A model's transform."""

    reach_px: int

    def stored(self) -> dict[str, Stored]:
        """How synthesis wants what the walk returns to be kept."""
        ...

    def analysis(self, pixels: np.ndarray, grid: Grid, rate: int, pool: Executor | None) -> Analysis:
        """Begin a picture: pixels uint8 [h, w, 3], not padded."""
        ...

    def window(self, strips: Strips, rates: np.ndarray, window: Region) -> np.ndarray:
        """Samples of a window of the padded picture, uint8 [h, w, 3]; every tile within `reach_px` is in `strips`.

        rates   rate index of every tile of the grid
        """
        ...


def of(model: Model, shared: bytes = b"") -> Transform:
    """The transform that the model's manifest names.

    shared   what the walk's `prepare` returned for the picture, for a transform that the picture's file completes
    """
    kinds = {
        "pyramid97": Pyramid97,
        "networks": Networks,
        "blocks": blocks.Blocks,
        "dense": dense.Dense,
        "samples": sampled.Samples,
        "fuzzy": fuzzy.Fuzzy,
        "sensing": sensing.Sensing,
        "clustered": clustered.Clustered,
        "laplacian": laplacian.Laplacian,
        "filterbank": filterbank.FilterBank,
        "wavelet97": wavelets.Wavelet,
        "kernels": wavelets.KernelWavelet,
    }
    kind = model.manifest.transform.get("kind")
    completed = {"bespoke": bespoke.Bespoke, "layers": layers.Layers}
    if kind in completed:
        return completed[kind](model, shared)
    if kind not in kinds:
        raise UnsupportedError(
            "transform", found=kind, supported=", ".join([*kinds, *completed]), hint="a newer calotype may know it"
        )
    return kinds[kind](model)


def _padded(pixels: np.ndarray, region: Region) -> np.ndarray:
    """A region of the picture whose right and lower edges are repeated without end, uint8 [1, h, w, 3]."""
    height, width = pixels.shape[:2]
    inside = pixels[min(region.top, height - 1) : region.bottom, min(region.left, width - 1) : region.right]
    below, right = region.height - inside.shape[0], region.width - inside.shape[1]
    if below or right:
        inside = np.pad(inside, ((0, below), (0, right), (0, 0)), mode="edge")
    return np.ascontiguousarray(inside)[None]


def _whole_cells(window: Region, side: int) -> Region:
    """The smallest rectangle with corners at multiples of `side` around a window."""
    cells = window.over(side)
    return Region(cells.top * side, cells.bottom * side, cells.left * side, cells.right * side)


class Pyramid97:
    """CDF 9/7 pyramid, gains per rate (recipe swift); a branch may add to the bands, a post-filter to the picture."""

    _BRANCH_HALO_PX = 64  # 60 by the formula of docs/tiles.md: 3x3 convolutions at 1/4 (3), 1/8 (2) and 1/16 (2)

    def __init__(self, model: Model) -> None:
        self.model = model
        self.levels = int(model.manifest.transform["levels"])
        self.unit = float(model.manifest.transform["unit"])
        self.halo_px = int(model.manifest.halo)
        self.reach_px = pyramid.reach_px(self.levels) + self.halo_px
        self.bands = [f"l{level}" for level in range(1, self.levels + 1)] + ["ll"]
        filtered = model.manifest.transform.get("finish")
        self.finish = model.net(filtered) if filtered else None
        self.features = model.manifest.latents["f2"] if filtered else None
        self._gains: tuple[bytes, dict[str, np.ndarray]] = (b"", {})  # of the last picture; replaced as a whole

    def stored(self) -> dict[str, Stored]:
        latents = self.model.manifest.latents
        kept = {name: Stored(latents[name].channels, latents[name].stride) for name in self.bands}
        if self.features is None:
            return kept
        return kept | {"f2": Stored(self.features.channels, self.features.stride, "uint8", 1)}

    def analysis(self, pixels: np.ndarray, grid: Grid, rate: int, pool: Executor | None) -> Analysis:
        return _PyramidAnalysis(self, pixels, grid, rate, pool)

    def _inverse_gains(self, rates: np.ndarray) -> dict[str, np.ndarray]:
        """What multiplies the bands: [c] where all tiles have one rate, which loads faster, else [tiles, c]."""
        key = rates[:1].tobytes() if (rates == rates[0]).all() else rates.tobytes()
        kept = self._gains
        if kept[0] != key:
            of = int(rates[0]) if len(key) == rates.itemsize else rates
            kept = self._gains = key, {name: np.exp(self.model.floats(f"inverse.{name}", of)) for name in self.bands}
        return kept[1]

    def window(self, strips: Strips, rates: np.ndarray, window: Region) -> np.ndarray:
        shape, load = strips.grid.shape, strips.loader(self._inverse_gains(rates))
        if self.finish is None or self.features is None:
            planes = pyramid.synthesise_window(load, window, shape, self.levels)
            out = np.empty((window.height, window.width, len(planes)), np.uint8)
            return colour.samples_of(planes, self.model.floats("rotation"), out, unit=self.unit)
        wide = _whole_cells(window, self.features.stride).grown(self.halo_px, *shape)
        planes = pyramid.synthesise_window(load, wide, shape, self.levels)
        region = wide.over(self.features.stride)
        features = np.empty((self.features.channels, region.height, region.width), np.uint8)
        strips.read("f2", region, features)
        # One rate for a window: codec.py cuts windows at tile borders where rates differ.
        row = self.model.floats("row.post", int(rates[strips.grid.needed(window)[0]]))
        pixels = self.finish(planes[None], features[None], row[None, :, None, None])[0]
        inner = window.within(wide)
        return pixels[inner.rows, inner.cols]


class _PyramidAnalysis:
    def __init__(self, transform: Pyramid97, pixels: np.ndarray, grid: Grid, rate: int, pool: Executor | None) -> None:
        model, self.transform, self.pixels, self.grid = transform.model, transform, pixels, grid
        load = colour.planes_of(pixels, model.floats("rotation"), unit=transform.unit)
        self.wavelet = windows.Analysis(load, grid.shape, transform.levels, pool=pool)
        self.gains = {name: np.exp(model.floats(f"gain.{name}", rate))[:, None, None] for name in transform.bands}
        name = str(model.manifest.transform.get("branch"))
        self.branch = model.net(name) if name in model.manifest.nets else None
        self.row = model.floats("row.branch", rate)[None, :, None, None] if self.branch else np.empty(0)

    def latents(self, tile: Region) -> dict[str, np.ndarray]:
        found = {name: band * self.gains[name] for name, band in self.wavelet.bands(tile).items()}
        if self.branch is not None:
            wide = tile.grown(Pyramid97._BRANCH_HALO_PX, *self.grid.shape)
            corrections = self.branch(_padded(self.pixels, wide), self.row)
            for level, correction in enumerate(corrections, 1):
                inner = tile.within(wide).over(1 << level)
                found[f"l{level}"] += correction[0][:, inner.rows, inner.cols]
        return found


class Networks:
    """One network from pixels to latents and one back (hyperpriors and their kin), windows with the manifest's halo.

    analysis    pixels uint8 [1, h, w, 3], gain row -> the entry's "outputs", by default its "latents"
    synthesis   its "latents" as float32, inverse gain row -> pixels uint8 [1, h, w, 3]
    scaled      whether that row multiplies the first of them, so that neighbours of other rates can be brought to it;
                false where they are indices, or where the row is something else that the network depends on
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        entry = model.manifest.transform
        self.names, self.outputs = list(entry["latents"]), list(entry.get("outputs", entry["latents"]))
        self.scaled = bool(entry.get("scaled", True))
        self.analyse, self.synthesise = model.net(entry["analysis"]), model.net(entry["synthesis"])
        self.encoder_halo_px, self.halo_px = int(entry["encoder_halo"]), int(model.manifest.halo)
        # Windows grow to whole samples of the coarsest latents; tile borders lie between such samples.
        self.cell_px = max(model.manifest.latents[name].stride for name in self.names)
        self.reach_px = -(-self.halo_px // self.cell_px) * self.cell_px

    def stored(self) -> dict[str, Stored]:
        latents = self.model.manifest.latents
        return {name: Stored(latents[name].channels, latents[name].stride) for name in self.names}

    def analysis(self, pixels: np.ndarray, grid: Grid, rate: int, pool: Executor | None) -> Analysis:
        return _NetworkAnalysis(self, pixels, grid, rate)

    def window(self, strips: Strips, rates: np.ndarray, window: Region) -> np.ndarray:
        wide = _whole_cells(window, self.cell_px).grown(self.reach_px, *strips.grid.shape)
        row = self.model.floats("row.synthesis", int(rates[strips.grid.needed(window)[0]]))
        # The network has one row of gains, that of the window's tile; neighbours of other rates are brought to it.
        factors = np.exp(self.model.floats("row.synthesis", rates) - row) if self.scaled else np.ones(1)
        load = strips.loader({self.names[0]: factors})
        values = []
        for name in self.names:
            stored = strips.names[name]
            region = wide.over(stored.stride)
            held = np.empty((1, stored.channels, region.height, region.width), np.float32)
            if name == self.names[0]:
                load(name, region, np.ones((stored.channels, 1, 1), np.float32), held[0])
            else:
                np.divide(strips.read(name, region, held[0]), np.float32(stored.units), out=held[0])
            values.append(held)
        pixels = self.synthesise(*values, row[None, :, None, None])[0]
        inner = window.within(wide)
        return pixels[inner.rows, inner.cols]


class _NetworkAnalysis:
    def __init__(self, transform: Networks, pixels: np.ndarray, grid: Grid, rate: int) -> None:
        self.transform, self.pixels, self.grid = transform, pixels, grid
        self.row = transform.model.floats("row.analysis", rate)[None, :, None, None]

    def latents(self, tile: Region) -> dict[str, np.ndarray]:
        transform, latents = self.transform, self.transform.model.manifest.latents
        align = transform.model.manifest.align_px
        wide = tile.grown(-(-transform.encoder_halo_px // align) * align, *self.grid.shape)
        arrays = transform.analyse(_padded(self.pixels, wide), self.row)
        arrays = arrays if isinstance(arrays, tuple) else (arrays,)
        found: dict[str, np.ndarray] = {}
        for name, array in zip(transform.outputs, arrays, strict=True):
            inner = tile.within(wide).over(latents[name].stride)
            found[name] = array[0][:, inner.rows, inner.cols]
        return found


def stacked(pieces: list[dict[str, np.ndarray]]) -> Mapping[str, Any]:
    """Latents of several equal tiles as one batch: {name: [b, c, h, w]}."""
    return {name: np.stack([piece[name] for piece in pieces]) for name in pieces[0]}
