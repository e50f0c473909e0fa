"""Compressive sensing: blocks of pixels <-> random measurements, and the recovery that is their synthesis; NumPy.

How measurements are coded lives in walks/measurements.py.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import Executor
from functools import lru_cache
from itertools import product

import numpy as np

from calotype import colour
from calotype.blocks import cosines
from calotype.errors import UsageError
from calotype.model.bundle import Model
from calotype.recovery import METHODS, recovered
from calotype.strips import Stored, Strips
from calotype.tiles import Grid, Region

__all__ = ["SENSING", "Sensing", "drawn", "matrix", "measured"]

SENSING = ("gaussian", "dct")
_MARGIN_PX = 64  # that is recovered around a square, and cut away
_KEPT = 8  # squares that are remembered


def drawn(count: int, seed: int = 0) -> np.ndarray:
    """Integers that look random, uint64 [count]: number n is a hash of n and the seed, so any of them can be had alone.

    source   splitmix64 (Steele, Lea, Flood 2014, doi:10.1145/2660193.2660195)
    """
    with np.errstate(over="ignore"):
        found = (np.arange(count, dtype=np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(seed)
        found = (found ^ (found >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        found = (found ^ (found >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return found ^ (found >> np.uint64(31))


@lru_cache(maxsize=8)
def matrix(sensing: str, side: int, count: int) -> np.ndarray:
    """The first `count` rows of the measurement matrix of blocks, float32 [count, side * side], orthonormal, read-only.

    "gaussian"   the mean, then rows of integers that are nearly normal, made orthogonal one after the other, so that
                 fewer rows are the first of more
    "dct"        the lowest frequencies
    """
    if sensing not in SENSING or not 1 <= count <= side * side:
        raise UsageError("sensing", value=(sensing, count), allowed=f"{', '.join(SENSING)}; 1 to {side * side} rows")
    if sensing == "dct":
        rows = np.ascontiguousarray(cosines(side)[:count])
    else:
        parts = drawn(count * side * side).reshape(count, -1)
        normal = sum(((parts >> np.uint64(16 * k)) & np.uint64(0xFFFF)).astype(np.float64) - 32767.5 for k in range(4))
        assert isinstance(normal, np.ndarray)
        normal[0] = 1
        columns, triangle = np.linalg.qr(normal.T)
        rows = np.ascontiguousarray((columns * np.sign(np.diag(triangle))).T, np.float32)
    rows.setflags(write=False)
    return rows


def measured(plane: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Measurements float32 [count, h / side, w / side] of a plane whose sides are multiples of the block's side."""
    side = round(rows.shape[1] ** 0.5)
    height, width = plane.shape
    cut = plane.reshape(height // side, side, width // side, side).swapaxes(1, 2).reshape(-1, side * side)
    return np.ascontiguousarray((cut @ rows.T).T).reshape(len(rows), height // side, width // side)


class Sensing:
    """Kind "sensing": colours -> planes -> blocks of `side` pixels -> measurements "m" / step(rate), and recovery.

    Of the manifest's entry: `side`; `sensing`; `counts`, the most measurements of a block of each plane; `recovery`, one
    of recovery.METHODS; `iterations`. Arrays: "planes" float [3, p] (encoder), "colours" float [3, p],
    "anchors/inverse.m" [1], logarithms; the integer rows "count" say how many measurements a rate has.
    Squares as large as the model's tiles are recovered as a whole, with a margin around them, so that they meet without a
    seam; windows are cut from them.
    """

    def __init__(self, model: Model) -> None:
        entry = model.manifest.transform
        self.model = model
        self.side, self.sensing = int(entry["side"]), str(entry["sensing"])
        self.counts = [int(count) for count in entry["counts"]]
        self.recovery, self.iterations = str(entry["recovery"]), int(entry["iterations"])
        if self.recovery not in METHODS:
            raise UsageError("recovery", value=self.recovery, allowed=", ".join(METHODS))
        self.square_px = -(-model.manifest.tile_px // self.side) * self.side
        self.reach_px = self.square_px + _MARGIN_PX  # a window's square may end so far from it
        self._squares: dict[tuple[int, int], np.ndarray] = {}
        self._locks: dict[tuple[int, int], threading.Lock] = {}
        self._lock = threading.Lock()

    def stored(self) -> dict[str, Stored]:
        return {"m": Stored(sum(self.counts), self.side, "int32")}

    def analysis(self, pixels: np.ndarray, grid: Grid, rate: int, pool: Executor | None) -> _SensingAnalysis:
        return _SensingAnalysis(self, pixels, rate)

    def window(self, strips: Strips, rates: np.ndarray, window: Region) -> np.ndarray:
        out = np.empty((window.height, window.width, 3), np.uint8)
        squares = window.over(self.square_px)
        for place in product(range(squares.top, squares.bottom), range(squares.left, squares.right)):
            whole = self._square(strips.grid, place)
            part = whole.clipped(window)
            inner, outer = part.within(whole), part.within(window)
            out[outer.rows, outer.cols] = self._pixels(strips, rates, place)[inner.rows, inner.cols]
        return out

    def _square(self, grid: Grid, place: tuple[int, int]) -> Region:
        top, left = (at * self.square_px for at in place)
        height, width = grid.shape
        return Region(top, min(top + self.square_px, height), left, min(left + self.square_px, width))

    def _pixels(self, strips: Strips, rates: np.ndarray, place: tuple[int, int]) -> np.ndarray:
        """A square's pixels; threads that want the same one wait for the first."""
        with self._lock:
            lock = self._locks.setdefault(place, threading.Lock())
        with lock:
            found = self._squares.get(place)
            if found is None:
                found = self._recovered(strips, rates, self._square(strips.grid, place))
                with self._lock:
                    self._squares[place] = found
                    for other in [key for key in self._squares if key != place][: max(0, len(self._squares) - _KEPT)]:
                        del self._squares[other]
        return found

    def _recovered(self, strips: Strips, rates: np.ndarray, whole: Region) -> np.ndarray:
        wide = whole.grown(_MARGIN_PX, *strips.grid.shape)
        cells = wide.over(self.side)
        held = np.empty((sum(self.counts), cells.height, cells.width), np.float32)
        load = strips.loader({"m": np.exp(self.model.floats("inverse.m", rates))})
        load("m", cells, np.ones((len(held), 1, 1), np.float32), held)
        # Of tiles with different rates, what all of them have measured.
        near = [int(rates[tile]) for tile in strips.grid.needed(wide)]
        step = max(float(np.exp(self.model.floats("inverse.m", rate)[0])) for rate in near)
        kept = np.min([kept_of(self.model, rate, self.counts) for rate in near], 0)
        planes, first = [], 0
        for count, most in zip(kept.tolist(), self.counts, strict=True):
            rows = matrix(self.sensing, self.side, count)
            planes.append(recovered(held[first : first + count], rows, self.recovery, self.iterations, step))
            first += most
        inner = whole.within(wide)
        out = np.empty((whole.height, whole.width, 3), np.uint8)
        part = np.stack(planes)[:, inner.rows, inner.cols]
        return colour.samples_of(part, self.model.floats("colours"), out, unit=1)


def kept_of(model: Model, rate: int, counts: list[int]) -> list[int]:
    """How many measurements of each plane a rate has: luma, and as many for each chroma plane."""
    luma, chroma = (int(value) for value in model.rows("count", np.array([rate]))[0, :, 0, 0])
    return [min(luma, counts[0]), *(min(chroma, most) for most in counts[1:])]


class _SensingAnalysis:
    def __init__(self, transform: Sensing, pixels: np.ndarray, rate: int) -> None:
        model, self.transform = transform.model, transform
        self.load = colour.planes_of(pixels, model.floats("planes"), unit=1)
        self.gain = np.float32(np.exp(-model.floats("inverse.m", rate)[0]))

    def latents(self, tile: Region) -> Mapping[str, np.ndarray] | dict[str, np.ndarray]:
        transform = self.transform
        planes = np.empty((len(transform.counts), tile.height, tile.width), np.float32)
        self.load(tile, planes)
        parts = [measured(plane, matrix(transform.sensing, transform.side, count))
                 for plane, count in zip(planes, transform.counts, strict=True)]  # fmt: skip
        return {"m": np.concatenate(parts) * self.gain}
