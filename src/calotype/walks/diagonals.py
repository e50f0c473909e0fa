"""The order of diagonals: pass r codes the places where (column + 2 row) mod `passes` is r, whatever the picture's size.

What a pass sees of places around its own, and arrays in which that is a slice. Not here: any network (layers.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from calotype.walks.orders import Listed

__all__ = ["SLOPE", "Above", "Diagonal", "Skewed", "bands", "incomplete", "taps"]

SLOPE = 2  # how far each row is ahead of the next one: its upper right place is known


@lru_cache(maxsize=8)
def _stretches(reach: int) -> tuple[tuple[slice, int, int], ...]:
    """The same row by row, for one slice each: (which of `taps`, how many rows away, how many passes the first one is ahead)."""
    found, at = [], 0
    for dy in range(-reach, 1):
        columns = [dx for down, dx in taps(reach) if down == dy]
        found.append((slice(at, at + len(columns)), dy, columns[0] + SLOPE * dy))
        at += len(columns)
    return tuple(found)


@lru_cache(maxsize=8)
def taps(reach: int) -> tuple[tuple[int, int], ...]:
    """(rows, columns) to the places seen: those of a square of side 2 reach + 1 that come before, in raster order.

    A place is known if its pass comes before: all of them in the passes from `incomplete` on, fewer in earlier ones.
    """
    square = range(-reach, reach + 1)
    return tuple((dy, dx) for dy in range(-reach, 1) for dx in square if dx + SLOPE * dy < 0)


def incomplete(reach: int) -> int:
    """How many passes, the first ones, do not know all that `taps` names."""
    return (1 + SLOPE) * reach


def bands(width: int, passes: int, reach: int) -> int:
    """How many places of a row a pass may have: columns wrap behind a margin that no window crosses."""
    return -(-(width + reach) // passes)


@dataclass(frozen=True)
class Diagonal(Listed):
    """The positions of one pass, as a lattice: channels ascending, in each the rows, in each the columns ascending
    (normative, docs/format-entropy.md)."""

    passes: int
    step: int

    def places(self, c: int, h: int, w: int) -> np.ndarray:
        return _places(self.passes, self.step, c, h, w)


@lru_cache(maxsize=8)  # asked for several times in a row
def _places(passes: int, step: int, c: int, h: int, w: int) -> np.ndarray:
    rows = np.arange(h)[:, None]
    columns = (step - SLOPE * rows) % passes + np.arange(0, w, passes)
    plane = (rows * w + columns)[columns < w]
    return (np.arange(c)[:, None] * (h * w) + plane).ravel()


class Skewed:
    """Known values of `planes` planes of `tiles` tiles, pass by pass: what a pass sees of each of `taps` is one slice.

    Slots of a pass are [rows, tiles, bands]: the place (row, column) lies in band ((column + 2 row) mod period) div passes.
    What is not known yet, or lies outside of the picture, is zero.
    """

    def __init__(self, planes: int, tiles: int, h: int, w: int, passes: int, reach: int) -> None:
        self.width, self.passes, self.reach = w, passes, reach
        self.bands = bands(w, passes, reach)
        self.rows, self.row = h, tiles * self.bands  # and slots of a row
        self.known = np.zeros((planes, passes + incomplete(reach), (h + reach) * self.row), np.float32)

    def before(self, step: int, out: np.ndarray) -> None:
        """What pass `step` sees: [planes, taps, rows * tiles * bands], into `out`."""
        for places, dy, ahead in _stretches(self.reach):
            at, first = self._at(step + ahead), (self.reach + dy) * self.row
            steps = slice(at, at + places.stop - places.start)
            out[:, places] = self.known[:, steps, first : first + self.rows * self.row]

    def slots(self, step: int) -> np.ndarray:
        """Of the places of a pass, in their order: int64 [tiles, n]."""
        rows, columns = np.divmod(_places(self.passes, step, 1, self.rows, self.width), self.width)
        band = (columns + SLOPE * rows) // self.passes % self.bands
        return rows * self.row + band + np.arange(0, self.row, self.bands)[:, None]

    def columns(self, step: int, margin: int = 0) -> np.ndarray:
        """The column of each slot of a pass, from 0 to beyond the picture, in rows from -margin on: int64 [rows, 1, bands]."""
        ahead = SLOPE * np.arange(-margin, self.rows + margin)[:, None, None]
        return (np.arange(self.bands) * self.passes + step - ahead) % (self.bands * self.passes)

    def write(self, step: int, values: np.ndarray, slots: np.ndarray) -> None:
        """Let the values of a pass be known: [tiles, planes, n] at its slots."""
        self.known[:, self._at(step), self.reach * self.row + slots] = values.swapaxes(0, 1)

    def _at(self, step: int) -> int:
        return step + incomplete(self.reach)


class Above:
    """Planes of half the resolution that are known beforehand, as slots see them: places around the one above their own.

    Places are twice as far apart as those of `Skewed`, so what a pass sees of them are slices likewise. Zero outside.

    values   float32 [tiles, planes, h / 2, w / 2]
    around   how many places to each side, 0 or 1: columns beyond the picture are as many as `Skewed` leaves there
    """

    def __init__(self, values: np.ndarray, skewed: Skewed, around: int) -> None:
        tiles, count, height, width = values.shape
        self.slots, self.row, self.around, self.margin = skewed.rows * skewed.row, skewed.row, around, 2 * around
        self.first = self.margin * (1 + SLOPE)  # passes before the first one
        padded = np.pad(values, ((0, 0), (0, 0), (1, 1), (1, 1)))
        plane = (height + 2) * (width + 2)
        rows = np.arange(-self.margin, skewed.rows + self.margin)[:, None, None] // 2 + 1
        begins = rows * (width + 2) + np.arange(tiles)[:, None] * count * plane
        passes = skewed.passes + 2 * self.first
        self.known = np.empty((count, passes, *begins.shape[:2], skewed.bands), np.float32)
        for step in range(-self.first, skewed.passes + self.first):
            places = begins + np.minimum(skewed.columns(step, self.margin) // 2, width) + 1
            for k in range(count):
                np.take(padded.reshape(-1)[k * plane :], places, out=self.known[k, step + self.first], mode="clip")
        self.known = self.known.reshape(*self.known.shape[:2], -1)

    @property
    def count(self) -> int:
        """How many numbers a slot sees."""
        return len(self.known) * (2 * self.around + 1) ** 2

    def look(self, step: int, out: np.ndarray) -> None:
        """What pass `step` sees: [count, rows * tiles * bands], into `out`; places in raster order, plane by plane."""
        side, reach = 2 * self.around + 1, self.margin
        found = out.reshape(len(self.known), side, side, -1)
        for k in range(side):
            at, first = step + self.first + 2 * SLOPE * (k - self.around), 2 * k * self.row
            found[:, k] = self.known[:, at - reach : at + reach + 1 : 2, first : first + self.slots]
