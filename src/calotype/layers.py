"""The transform of pictures in layers: planes of seven resolutions, brought up one by one, and a small synthesis.

Float arithmetic in NumPy; the weights are the model's start plus what the picture's file brings. How layers are coded lives in
walks/layers.py, how they are fitted in fit/layers.py.
"""

from __future__ import annotations

from concurrent.futures import Executor
from functools import cached_property

import numpy as np

from calotype.model.bundle import Model
from calotype.strips import Stored, Strips
from calotype.tiles import Grid, Region
from calotype.walks.fitted import Numpy
from calotype.walks.layers import Layers as Walk
from calotype.walks.layers_networks import UP_ONE, LayersLayout

__all__ = ["Layers", "laplacians"]

PIECE_PX = 128  # the picture is made in pieces that no window moves, so that its sums never change
_HALO_PX = 2  # two 3x3 convolutions
_UP = 2  # places on each side that bringing up by two looks at
# Rows: brightness, and both planes of chroma (ITU-R BT.601), of colours in 0..1 around grey.
PLANES = np.array([[0.299, 0.587, 0.114], [-0.169, -0.331, 0.5], [0.5, -0.419, -0.081]], np.float32)


class Layers:
    """Kind "layers": values of the seven layers, times a step of the rate, are brought up and mixed into colours:

        p6 -> up by two -> beside p5 -> up ... -> beside p0: seven channels
        c6 -> up by two -> plus c5 -> up ... -> two more, where the layout has planes of chroma
        -> first [f, 9] -> max(., 0) -> last [3, f] -> + max(third 3x3, 0) -> + fourth 3x3 -> times 255

    `up` is one symmetric filter of eight taps for rows and columns of all layers. Beyond the picture's edges layers go on as
    at the edge, colours are zero. Arrays: "anchors/log_step" float [n, 1]; rows "start" [1, n].

    shared   what the walk's `prepare` returned for the picture, b"" for the start alone
    """

    def __init__(self, model: Model, shared: bytes = b"") -> None:
        self.model = model
        self.layout = Walk(**model.manifest.walk_parameters).layout
        self.count = self.layout.coarsest + 1
        self.reach_px = PIECE_PX + _HALO_PX + 2 * (_UP + 1) * (1 << self.layout.coarsest)
        self._shared = shared

    @cached_property
    def weights(self) -> dict[str, np.ndarray]:
        """The picture's tensors; those of the synthesis are in use here."""
        found = self.layout.named(self.layout.whole(self.model.table("start")[0], self._shared))
        return {name: array / np.float32(UP_ONE) for name, array in found.items()}

    def stored(self) -> dict[str, Stored]:
        planes = {net.letter: net.planes for net in self.layout.contexts}
        return {name: Stored(planes[name[0]], 1 << int(name[1:]), units=1) for name in self.layout.names}

    def step(self, rate: int) -> np.float32:
        """What a value of 1 is worth before the synthesis."""
        return np.float32(np.exp(self.model.floats("log_step", rate)[0]))

    def analysis(self, pixels: np.ndarray, grid: Grid, rate: int, pool: Executor | None) -> _Analysis:
        return _Analysis(self, pixels, grid, rate)

    def window(self, strips: Strips, rates: np.ndarray, window: Region) -> np.ndarray:
        shape = strips.grid.shape
        step = self.step(int(rates[strips.grid.needed(window)[0]]))
        cells = window.over(PIECE_PX)
        out = np.empty((window.height, window.width, 3), np.uint8)
        for row in range(cells.top, cells.bottom):
            for column in range(cells.left, cells.right):
                piece = Region(
                    row * PIECE_PX, min((row + 1) * PIECE_PX, shape[0]),
                    column * PIECE_PX, min((column + 1) * PIECE_PX, shape[1]),
                )  # fmt: skip
                part = piece.clipped(window)
                inner, outer = part.within(piece), part.within(window)
                colours = self._piece(strips, step, piece, shape)[:, inner.rows, inner.cols]
                out[outer.rows, outer.cols] = np.floor(colours * 255 + np.float32(0.5)).clip(0, 255).transpose(1, 2, 0)
        return out

    def _piece(self, strips: Strips, step: np.float32, piece: Region, shape: tuple[int, int]) -> np.ndarray:
        """Colours in 0..1 of a piece, float32 [3, h, w]."""
        around = piece.grown(_HALO_PX, *shape)
        w = self.weights
        held = self._stack(strips, step, 0, around, shape)
        hidden = w["first"] @ held.reshape(self.layout.held, -1)
        hidden += w["first_bias"][:, None]
        np.maximum(hidden, 0, out=hidden)
        colours = (w["last"] @ hidden + w["last_bias"][:, None]).reshape(3, around.height, around.width)
        colours = colours + np.maximum(_convolved(w["third"], w["third_bias"], colours), 0)
        colours = colours + _convolved(w["fourth"], w["fourth_bias"], colours)
        inner = piece.within(around)
        return colours[:, inner.rows, inner.cols]

    def _stack(
        self, strips: Strips, step: np.float32, layer: int, region: Region, shape: tuple[int, int]
    ) -> np.ndarray:
        """This layer and all coarser ones at its resolution, finest first, then the sums of chroma: [channels, h, w].

        region   inside the picture; of chroma, which begins at coarser layers, there are zeros where none is known
        """
        own = np.empty((1, region.height, region.width), np.float32)
        strips.read(f"p{layer}", region, own)
        chroma = np.zeros((self.layout.held - self.count, region.height, region.width), np.float32)
        if self.layout.chroma is not None and layer >= self.layout.chroma:
            strips.read(f"c{layer}", region, chroma)
        own *= step
        chroma *= step
        if layer + 1 == self.count:
            return np.concatenate([own, chroma])
        half = (shape[0] >> 1, shape[1] >> 1)
        wide = Region(
            region.top // 2 - _UP, (region.bottom + 1) // 2 + _UP, region.left // 2 - _UP, (region.right + 1) // 2 + _UP
        )
        there = wide.clipped(Region(0, half[0], 0, half[1]))
        coarser = self._stack(strips, step, layer + 1, there, half)
        edges = (
            (0, 0),
            (there.top - wide.top, wide.bottom - there.bottom),
            (there.left - wide.left, wide.right - there.right),
        )
        brought = up(self.weights["up"], np.pad(coarser, edges, mode="edge"))
        first = 2 * (wide.top + _UP), 2 * (wide.left + _UP)
        rows = slice(region.top - first[0], region.bottom - first[0])
        cols = slice(region.left - first[1], region.right - first[1])
        brought = brought[:, rows, cols]
        luma = self.count - layer - 1
        return np.concatenate([own, brought[:luma], brought[luma:] + chroma])


def up(taps: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Twice the resolution of [c, h + 4, w + 4], which has two places more on each side: [c, 2h, 2w].

    taps   the first half of the symmetric filter of eight
    """
    return _up(taps, _up(taps, x, 1), 2)


def _up(taps: np.ndarray, x: np.ndarray, axis: int) -> np.ndarray:
    """Along one axis: even places look at k[1], k[3], k[2], k[0], odd ones at their mirror."""
    size = x.shape[axis] - 2 * _UP

    def at(shift: int) -> np.ndarray:
        cut = [slice(None)] * x.ndim
        cut[axis] = slice(_UP + shift, _UP + shift + size)
        return x[tuple(cut)]

    even = taps[1] * at(1) + taps[3] * at(0) + taps[2] * at(-1) + taps[0] * at(-2)
    odd = taps[0] * at(2) + taps[2] * at(1) + taps[3] * at(0) + taps[1] * at(-1)
    shape = list(x.shape)
    shape[axis] = 2 * size
    return np.stack([even, odd], axis + 1).reshape(shape)


def _convolved(weight: np.ndarray, bias: np.ndarray, x: np.ndarray) -> np.ndarray:
    """A 3x3 convolution [o, i, 3, 3] of [i, h, w], zero beyond its edges."""
    return Numpy.conv(weight, np.pad(x, ((0, 0), (1, 1), (1, 1)))) + bias[:, None, None]


class _Analysis:
    """What is written where nothing is fitted: Laplacian pyramids. A fit begins from zeros."""

    def __init__(self, transform: Layers, pixels: np.ndarray, grid: Grid, rate: int) -> None:
        height, width = grid.shape
        pad = ((0, height - pixels.shape[0]), (0, width - pixels.shape[1]), (0, 0))
        padded = np.pad(pixels, pad, mode="edge")
        self.layers = laplacians(padded, transform.weights["up"], transform.step(rate), transform.layout)

    def latents(self, tile: Region) -> dict[str, np.ndarray]:
        found = {}
        for name, values in self.layers.items():
            part = tile.over(1 << int(name[1:]))
            found[name] = values[:, part.rows, part.cols]
        return found


def laplacians(pixels: np.ndarray, taps: np.ndarray, step: np.float32, layout: LayersLayout) -> dict[str, np.ndarray]:
    """Layers by name, whole numbers [planes, h, w], whose sums, each brought up, are near those of pixels [h, w, 3]."""
    planes = (pixels.astype(np.float32) / 255 - np.float32(0.5)) @ PLANES.T
    found: dict[str, np.ndarray] = {}
    for net in layout.contexts:
        parts = planes[..., :1] if net.planes == 1 else planes[..., 1:]
        lists = []
        for plane in np.moveaxis(parts, -1, 0):
            for _ in range(net.finest):
                plane = _halved(plane)
            lists.append(_laplacian(plane, taps, step, layout.coarsest + 1 - net.finest))
        for layer, values in enumerate(zip(*lists, strict=True), net.finest):
            found[f"{net.letter}{layer}"] = np.stack(values)
    return found


def _laplacian(plane: np.ndarray, taps: np.ndarray, step: np.float32, count: int) -> list[np.ndarray]:
    """Of one plane [h, w], finest first."""
    means = [plane]
    for _ in range(count - 1):
        means.append(_halved(means[-1]))
    layers: list[np.ndarray] = []
    made = np.zeros_like(means[-1])
    for mean in reversed(means):
        if layers:
            made = up(taps, np.pad(made[None], ((0, 0), (_UP, _UP), (_UP, _UP)), mode="edge"))[0]
        values = np.trunc((mean - made) / step + np.copysign(np.float32(0.4), mean - made))
        layers.append(values.astype(np.float32))
        made = made + values * step
    return layers[::-1]


def _halved(plane: np.ndarray) -> np.ndarray:
    return np.float32(0.25) * (plane[::2, ::2] + plane[1::2, ::2] + plane[::2, 1::2] + plane[1::2, 1::2])
