"""The transform of blocks: pixels <-> coefficients in an orthonormal basis (cosines, or one that a model brings).

Float arithmetic in NumPy, no networks. How coefficients are coded lives in walks/blocks.py.
"""

from __future__ import annotations

from concurrent.futures import Executor
from functools import lru_cache

import numpy as np

from calotype import colour
from calotype.model.bundle import Model
from calotype.strips import Stored, Strips
from calotype.tiles import Grid, Region

__all__ = ["CHROMA_BACK", "LUMA_CHROMA", "Blocks", "backward", "cosines", "forward", "zigzag"]

_CHUNK = 32_768  # samples multiplied at once: they and their sums stay in the cache of a core

# ITU-R BT.601 with full range: columns are Y, Cb, Cr; and rows of R, G, B to come back.
LUMA_CHROMA = np.array([[0.299, -0.168736, 0.5], [0.587, -0.331264, -0.418688], [0.114, 0.5, -0.081312]])
CHROMA_BACK = np.array([[1.0, 0.0, 1.402], [1.0, -0.344136, -0.714136], [1.0, 1.772, 0.0]])


def zigzag(side: int) -> np.ndarray:
    """Rows and columns of the coefficients of a block by diagonals, as JPEG reads them: int [side * side, 2]."""
    row, column = np.mgrid[0:side, 0:side].reshape(2, -1)
    diagonal = row + column
    along = np.where(diagonal % 2, row, column)
    order = np.lexsort((along, diagonal))
    return np.stack([row[order], column[order]], 1)


@lru_cache(maxsize=8)
def cosines(side: int) -> np.ndarray:
    """The two-dimensional DCT-II as a matrix, float32 [n, n] with n = side * side: rows are basis blocks in zigzag order.

    source   Ahmed, Natarajan, Rao 1974, doi:10.1109/T-C.1974.223784
    """
    u, x = np.mgrid[0:side, 0:side]
    one = np.sqrt(np.where(u == 0, 1, 2) / side) * np.cos((2 * x + 1) * u * np.pi / (2 * side))
    both = np.einsum("uy,vx->uvyx", one, one).reshape(side, side, -1)
    order = zigzag(side)
    return both[order[:, 0], order[:, 1]].astype(np.float32)


def forward(basis: np.ndarray, planes: np.ndarray) -> np.ndarray:
    """Coefficients [p, n, H / side, W / side] of float32 planes [p, H, W]; n = side * side rows of the basis.

    basis   float32 [n, n], the same for every plane, or [p, n, n]
    """
    count, height, width = planes.shape
    side = round(basis.shape[-1] ** 0.5)
    rows, columns = height // side, width // side
    cut = planes.reshape(count, rows, side, columns, side).transpose(0, 2, 4, 1, 3).reshape(count, side * side, -1)
    return _multiplied(basis, cut).reshape(count, side * side, rows, columns)


def backward(basis: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
    """The inverse of `forward`: float32 planes [p, H, W]."""
    count, n, rows, columns = coefficients.shape
    side = round(n**0.5)
    flat = _multiplied(np.swapaxes(basis, -1, -2), coefficients.reshape(count, n, -1))
    cut = flat.reshape(count, side, side, rows, columns).transpose(0, 3, 1, 4, 2)
    return cut.reshape(count, rows * side, columns * side)


def _multiplied(basis: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """basis @ vectors for [p, n, m], by separate multiplications and additions.

    Not a matrix product: a BLAS adds in another order at another place, and a window would not agree with the whole.
    """
    count, n, total = vectors.shape
    found = np.zeros((count, n, total), np.float32)
    step = min(total, max(64, _CHUNK // n))
    product = np.empty((n, step), np.float32)
    for plane in range(count):
        columns = np.ascontiguousarray(basis if basis.ndim == 2 else basis[plane], np.float32).T
        for first in range(0, total, step):
            part, onto = vectors[plane, :, first : first + step], found[plane, :, first : first + step]
            room = product[:, : part.shape[1]]
            for column, row in zip(columns, np.ascontiguousarray(part), strict=True):
                np.multiply(column[:, None], row, out=room)
                np.add(onto, room, out=onto)
    return found


class Blocks:
    """Kind "blocks": colours -> planes -> blocks of `side` pixels -> coefficients "y" / step(rate), and back.

    Of the manifest's entry: `side`; `basis`, "dct" or the name of a float array [n, n] or [planes, n, n].
    Arrays: "planes" float [3, p] (encoder), "colours" float [3, p], "anchors/gain.y" and "anchors/inverse.y", logarithms.
    No pixel depends on another block's, and tiles are whole blocks, so windows need no halo.
    """

    reach_px = 0

    def __init__(self, model: Model) -> None:
        self.model = model
        self.side = int(model.manifest.transform["side"])
        named = str(model.manifest.transform["basis"])
        self.basis = cosines(self.side) if named == "dct" else model.floats(named)
        self.entry = model.manifest.latents["y"]

    def stored(self) -> dict[str, Stored]:
        return {"y": Stored(self.entry.channels, self.side)}

    def analysis(self, pixels: np.ndarray, grid: Grid, rate: int, pool: Executor | None) -> _BlockAnalysis:
        return _BlockAnalysis(self, pixels, rate)

    def window(self, strips: Strips, rates: np.ndarray, window: Region) -> np.ndarray:
        cells = window.over(self.side)
        n = self.side**2
        planes = self.entry.channels // n
        held = np.empty((self.entry.channels, cells.height, cells.width), np.float32)
        # The gains of every tile, even where all are alike: a window may touch tiles of several rates.
        load = strips.loader({"y": np.exp(self.model.floats("inverse.y", rates))})
        load("y", cells, np.ones((self.entry.channels, 1, 1), np.float32), held)
        found = backward(self.basis, held.reshape(planes, n, cells.height, cells.width))
        whole = Region(cells.top * self.side, cells.bottom * self.side, cells.left * self.side, cells.right * self.side)
        inner = window.within(whole)
        part = found[:, inner.rows, inner.cols]
        out = np.empty((window.height, window.width, 3), np.uint8)
        return colour.samples_of(part, self.model.floats("colours"), out, unit=1)


class _BlockAnalysis:
    def __init__(self, transform: Blocks, pixels: np.ndarray, rate: int) -> None:
        model, self.transform = transform.model, transform
        self.load = colour.planes_of(pixels, model.floats("planes"), unit=1)
        self.gain = np.exp(model.floats("gain.y", rate))[:, None, None]

    def latents(self, tile: Region) -> dict[str, np.ndarray]:
        channels = self.transform.entry.channels
        planes = np.empty((channels // self.transform.side**2, tile.height, tile.width), np.float32)
        self.load(tile, planes)
        found = forward(self.transform.basis, planes)
        return {"y": found.reshape(channels, *found.shape[2:]) * self.gain}
