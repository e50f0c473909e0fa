"""Spatial orientation trees over a wavelet pyramid: which places and sets there are, and what is known of them. No coding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["Forest", "Level", "Sets"]


@dataclass(eq=False)
class Sets:
    """Sets of one level, by the place of their parent: offspring are the places (2 y, 2 x) to (2 y + 1, 2 x + 1).

    all_      bool [b, bands * gh * gw], sets of all descendants;  further: of those beyond the offspring
    deep      int32, the largest magnitude of all descendants, beyond: of the further ones; None when reading
    """

    height: int
    width: int
    all_: np.ndarray
    further: np.ndarray
    deep: np.ndarray | None = None
    beyond: np.ndarray | None = None


@dataclass(eq=False)
class Level:
    """The bands of one level, as views of the forest's flat arrays: [b, bands, h, w].

    start    of its places in a row of the flat arrays
    number   0 for the low-pass, 1 for the finest bands
    sets     those whose offspring lie here; None for the low-pass
    """

    number: int
    start: int
    bands: int
    height: int
    width: int
    known: np.ndarray
    sets: Sets | None

    def offspring(self, chosen: np.ndarray) -> np.ndarray:
        """Places, in a row of the flat arrays, of the four offspring of sets: int64 [n, 4]; -1 beyond an edge."""
        assert self.sets is not None
        rest, x = np.divmod(chosen, self.sets.width)
        band, y = np.divmod(rest, self.sets.height)
        first = self.start + (band * self.height + 2 * y) * self.width + 2 * x
        places = first[:, None] + np.array([0, 1, self.width, self.width + 1])
        places[2 * y + 1 >= self.height, 2:] = -1
        places[2 * x + 1 >= self.width, 1::2] = -1
        return places


class Forest:
    """What is known of the coefficients of b tiles.

    known     int32 [b, n], magnitudes as far as decoded      low      int8 [b, n], the plane they are known down to
    negative  bool [b, n]                                     listed   bool [b, n]: insignificant so far, in no set
    shapes    of the bands, coarse to fine: low-pass, then three orientations of each plane for each level

    The roots of the trees are groups of two by two coefficients of the coarsest bands, as in the paper, where three of
    four low-pass coefficients have such a group as offspring; so a low-pass band may have odd sides.
    """

    def __init__(self, shapes: Sequence[tuple[int, int, int, int]]) -> None:
        self.rows, self.colours = shapes[0][:2]
        sizes = [bands * height * width for _, bands, height, width in shapes]
        starts = np.append(0, np.cumsum(sizes)).tolist()
        self.count = starts[-1]
        self.known = np.zeros((self.rows, self.count), np.int32)
        self.low = np.zeros((self.rows, self.count), np.int8)
        self.negative, self.listed = np.zeros((2, self.rows, self.count), bool)
        self.listed[:, : sizes[0]] = True
        self.magnitudes: np.ndarray | None = None
        self.below: np.ndarray | None = None
        self._kinds: tuple[np.ndarray, np.ndarray] | None = None
        self.levels: list[Level] = []
        for place, ((_, bands, height, width), start) in enumerate(zip(shapes, starts, strict=False)):
            sets = None
            if place:
                gh, gw = (
                    (-(-height // 2), -(-width // 2)) if place == 1 else (shapes[place - 1][2], shapes[place - 1][3])
                )
                all_, further = np.zeros((2, self.rows, bands * gh * gw), bool)
                all_[:] = place == 1
                sets = Sets(gh, gw, all_, further)
            known = self._view(self.known, start, (bands, height, width))
            self.levels.append(Level((len(shapes) - place) % len(shapes), start, bands, height, width, known, sets))

    def _view(self, flat: np.ndarray, start: int, shape: tuple[int, int, int]) -> np.ndarray:
        return flat[:, start : start + int(np.prod(shape))].reshape(self.rows, *shape)

    def plant(self, latents: Sequence[np.ndarray], largest: int) -> None:
        """What is to be coded: float [b, bands, h, w] in steps; magnitudes are cut down to integers."""
        flat = np.concatenate([np.asarray(band, np.float32).reshape(self.rows, -1) for band in latents], 1)
        self.magnitudes = np.minimum(np.abs(flat), np.float32(largest)).astype(np.int32)
        self.below = flat < 0
        finer: np.ndarray | None = None
        for level in reversed(self.levels[1:]):
            assert level.sets is not None
            shape = (level.bands, level.height, level.width)
            deep = _largest(self._view(self.magnitudes, level.start, shape))
            if finer is not None:
                beyond = _largest(finer.reshape(self.rows, *shape))
                level.sets.beyond = beyond.reshape(self.rows, -1)
                deep = np.maximum(deep, beyond)
            level.sets.deep = finer = deep.reshape(self.rows, -1)

    def parents(self, level: Level) -> np.ndarray | None:
        """What is known of the parents of a level's places, [b, bands, h / 2, w / 2]; None for the two coarsest."""
        place = self.levels.index(level)
        return self.levels[place - 1].known if place > 1 else None

    def kinds(self) -> tuple[np.ndarray, np.ndarray]:
        """Of every place its level's number, and whether it is of chroma: int32 [n] twice."""
        if self._kinds is None:
            parts = [(np.full((level.bands, level.height * level.width), level.number, np.int32),
                      np.repeat((np.arange(level.bands) % self.colours > 0)[:, None], level.height * level.width, 1))
                     for level in self.levels]  # fmt: skip
            number, chroma = (np.concatenate([part.ravel() for part in column]) for column in zip(*parts, strict=True))
            self._kinds = number, chroma.astype(np.int32)
        return self._kinds

    def tops(self) -> np.ndarray:
        """The plane of the largest magnitude of each row, -1 where all is zero."""
        assert self.magnitudes is not None
        return np.frexp(self.magnitudes.max(1))[1].astype(np.int64) - 1

    def values(self, middle: np.ndarray) -> list[np.ndarray]:
        """What is known as values, float32 [b, bands, h, w] of each level, multiples of 1/16.

        middle   int32 [planes], sixteenths added to a magnitude that is known down to a plane
        """
        sixteenths = 16 * self.known + middle[self.low] * (self.known > 0)
        sixteenths[self.negative] *= -1
        flat = sixteenths.astype(np.float32) * np.float32(1 / 16)
        return [self._view(flat, level.start, (level.bands, level.height, level.width)) for level in self.levels]


def _largest(places: np.ndarray) -> np.ndarray:
    """The largest of each two by two places: [b, bands, ceil(h / 2), ceil(w / 2)]."""
    down = np.maximum(places[..., ::2, :], _paired(places, 2))
    return np.maximum(down[..., ::2], _paired(down, 3))


def _paired(places: np.ndarray, axis: int) -> np.ndarray:
    """Every second row or column; zeros stand for one beyond the edge."""
    odd = places[..., 1::2, :] if axis == 2 else places[..., 1::2]
    missing = (places.shape[axis] + 1) // 2 - odd.shape[axis]
    if missing:
        odd = np.concatenate([odd, np.zeros_like(places[..., :1, :] if axis == 2 else places[..., :1])], axis)
    return odd
