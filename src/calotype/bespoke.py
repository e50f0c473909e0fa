"""The transform of fitted pictures: the closed-form pyramid with gains and a post-filter that the picture's file brings.

Float arithmetic in NumPy, no networks of the model's. How latents are coded lives in walks/bespoke.py, fitting in fit/.
"""

from __future__ import annotations

from concurrent.futures import Executor
from functools import cached_property

import numpy as np

from calotype import colour, pyramid, windows
from calotype.model.bundle import Model
from calotype.strips import Stored, Strips
from calotype.tiles import Grid, Region
from calotype.walks.bespoke import Bespoke as Walk
from calotype.walks.fitted import GAIN_UNIT, POST_ONE

__all__ = ["UNIT", "Bespoke"]

UNIT = 64.0  # samples that 1 is
PIECE_PX = 128  # the post-filter runs over pieces of the picture that no window moves, so that its sums never change
_HALO_CELLS = 2  # two 3x3 convolutions at half resolution


class Bespoke:
    """Kind "bespoke": colours -> rotated planes -> CDF 9/7, six levels -> gains(rate), and back, then a post-filter:

        planes / step -> cells of 2x2 pixels (12 channels) -> 3x3 -> max(., 0) -> 3x3 -> * step, added to the planes

    Gains and filter are the model's start plus what the picture brings. Arrays: "rotation" float [3, 3],
    "anchors/inverse.<band>" and, for the encoder, "anchors/gain.<band>", logarithms; rows "start" [1, n].

    shared   what the walk's `prepare` returned for the picture, b"" for the start alone
    """

    def __init__(self, model: Model, shared: bytes = b"") -> None:
        self.model = model
        self.layout = Walk(**model.manifest.walk_parameters).layout
        self.names = [f"l{level}" for level in range(1, self.layout.levels + 1)] + ["ll"]
        self.reach_px = pyramid.reach_px(self.layout.levels) + PIECE_PX + 2 * _HALO_CELLS
        self._shared = shared

    @cached_property
    def weights(self) -> dict[str, np.ndarray]:
        """The picture's tensors; gains and filter are in use here."""
        return self.layout.named(self.layout.whole(self.model.table("start")[0], self._shared))

    def stored(self) -> dict[str, Stored]:
        latents = self.model.manifest.latents
        return {name: Stored(latents[name].channels, latents[name].stride) for name in self.names}

    def analysis(self, pixels: np.ndarray, grid: Grid, rate: int, pool: Executor | None) -> _Analysis:
        return _Analysis(self, pixels, grid, rate, pool)

    def inverse_gains(self, rates: np.ndarray) -> dict[str, np.ndarray]:
        """What multiplies the bands of each tile, [tiles, c]."""
        own, found, at = self.weights["gains"] / GAIN_UNIT, {}, 0
        for name in self.names:
            channels = 3 if name == "ll" else 9
            found[name] = np.exp(self.model.floats(f"inverse.{name}", rates) + own[at : at + channels])
            at += channels
        return found

    def step(self, rate: int) -> np.float32:
        """The unit of the post-filter: a quantizer step of the finest luma band."""
        return np.float32(np.exp(self.model.floats("inverse.l1", rate)[0]))

    def window(self, strips: Strips, rates: np.ndarray, window: Region) -> np.ndarray:
        shape = strips.grid.shape
        cells = window.over(PIECE_PX)
        whole = Region(
            cells.top * PIECE_PX, min(cells.bottom * PIECE_PX, shape[0]),
            cells.left * PIECE_PX, min(cells.right * PIECE_PX, shape[1]),
        )  # fmt: skip
        wide = whole.grown(2 * _HALO_CELLS, *shape)
        planes = pyramid.synthesise_window(strips.loader(self.inverse_gains(rates)), wide, shape, self.layout.levels)
        step = self.step(int(rates[strips.grid.needed(window)[0]]))
        filtered = np.empty((3, whole.height, whole.width), np.float32)
        for top in range(whole.top, whole.bottom, PIECE_PX):
            for left in range(whole.left, whole.right, PIECE_PX):
                piece = Region(top, min(top + PIECE_PX, shape[0]), left, min(left + PIECE_PX, shape[1]))
                own = piece.within(whole)
                filtered[:, own.rows, own.cols] = self._filtered(planes, wide, piece, shape, step)
        inner = window.within(whole)
        out = np.empty((window.height, window.width, 3), np.uint8)
        part = filtered[:, inner.rows, inner.cols]
        return colour.samples_of(part, self.model.floats("rotation"), out, unit=UNIT)

    def _filtered(
        self, planes: np.ndarray, held: Region, piece: Region, shape: tuple[int, int], step: np.float32
    ) -> np.ndarray:
        """A piece of the picture after the post-filter; beyond the picture's edges everything is zero."""
        halo = 2 * _HALO_CELLS
        around = np.zeros((3, piece.height + 2 * halo, piece.width + 2 * halo), np.float32)
        there = piece.grown(halo, *shape)
        cut = there.within(held)
        rows = slice(there.top - piece.top + halo, there.bottom - piece.top + halo)
        cols = slice(there.left - piece.left + halo, there.right - piece.left + halo)
        np.divide(planes[:, cut.rows, cut.cols], step, out=around[:, rows, cols])
        hidden = _convolved(self._filter("post.first"), cells_of(around))
        hidden += (self.weights["post.bias"] / np.float32(POST_ONE))[:, None, None]
        np.maximum(hidden, 0, out=hidden)
        # Hidden cells outside of the picture are zero, too.
        top, left = rows.start // 2 - 1, cols.start // 2 - 1
        bottom, right = rows.stop // 2 - 1, cols.stop // 2 - 1
        hidden[:, : max(top, 0)], hidden[:, bottom:] = 0, 0
        hidden[:, :, : max(left, 0)], hidden[:, :, right:] = 0, 0
        found = pixels_of(_convolved(self._filter("post.last"), hidden))
        found *= step
        own = piece.within(held)
        found += planes[:, own.rows, own.cols]
        return found

    def _filter(self, name: str) -> np.ndarray:
        return self.weights[name] / np.float32(POST_ONE)


class _Analysis:
    """The closed form: what an encoder starts from, and what it writes where nothing is fitted."""

    def __init__(self, transform: Bespoke, pixels: np.ndarray, grid: Grid, rate: int, pool: Executor | None) -> None:
        model = transform.model
        load = colour.planes_of(pixels, model.floats("rotation"), unit=UNIT)
        self.wavelet = windows.Analysis(load, grid.shape, transform.layout.levels, pool=pool)
        self.gains = {name: np.exp(model.floats(f"gain.{name}", rate))[:, None, None] for name in transform.names}

    def latents(self, tile: Region) -> dict[str, np.ndarray]:
        return {name: band * self.gains[name] for name, band in self.wavelet.bands(tile).items()}


def cells_of(planes: np.ndarray) -> np.ndarray:
    """[c, 2h, 2w] -> [4 c, h, w]: channel = 4 c + 2 (row parity) + column parity."""
    c, height, width = planes.shape
    cut = planes.reshape(c, height // 2, 2, width // 2, 2)
    return cut.transpose(0, 2, 4, 1, 3).reshape(4 * c, height // 2, width // 2)


def pixels_of(cells: np.ndarray) -> np.ndarray:
    """The inverse of `cells_of`."""
    c, height, width = cells.shape
    return cells.reshape(c // 4, 2, 2, height, width).transpose(0, 3, 1, 4, 2).reshape(c // 4, 2 * height, 2 * width)


def _convolved(weight: np.ndarray, x: np.ndarray) -> np.ndarray:
    """A valid 3x3 convolution [o, i, 3, 3] of [i, h, w] as nine matrix products over a flattened array."""
    outputs, inputs = weight.shape[:2]
    height, width = x.shape[1] - 2, x.shape[2]
    flat = np.ascontiguousarray(x).reshape(inputs, -1)
    count = height * width - 2  # the last two columns of a row are other rows' business, and cut away
    found = np.zeros((outputs, height * width), np.float32)
    product = np.empty((outputs, count), np.float32)
    for y in range(3):
        for z in range(3):
            start = y * width + z
            np.matmul(np.ascontiguousarray(weight[:, :, y, z]), flat[:, start : start + count], out=product)
            found[:, :count] += product
    return np.ascontiguousarray(found.reshape(outputs, height, width)[:, :, :-2])
